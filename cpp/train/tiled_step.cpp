#include "train/tiled_step.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace briskmlp {

template <class T>
TiledStep<T>::TiledStep(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
                        const StepNeeds& needs, index_t rows, const Targets<T>& targets,
                        index_t workers)
    : kernels_(&kernels),
      weights_(net, kernels, whole_layers(net.layers()), false, needs.optimizer),
      minibatch_(net, kernels, weights_, plan, rows, targets, workers,
                 {needs.dropout, needs.batch_norm,
                  needs.external_loss ? Objective::kGiven : Objective::kLoss}) {
    if (needs.optimizer.gradient) {
        gradient_ = BlockMatrices<T>(weights_.blocks(), kernels.lanes);
        squares_.resize(minibatch_.tiles().size());
    }
    if (needs.penalty) {
        penalties_.resize(minibatch_.tiles().size());
    }
    if (needs.optimizer.directions) {
        orthogonalizer_ = std::make_unique<Orthogonalizer<T>>(net.layers(), kernels);
    }
}

template <class T>
StepResult TiledStep<T>::run(const Worker& worker, const Batch<T>& batch,
                             const OptimizerStep<T>& optimizer, Watch& watch) {
    const bool external = batch.data->external != nullptr;
    external ? run_with_external_loss(worker, batch, watch)
             : minibatch_.run_rows(worker, batch, &watch);
    worker.barrier();
    const double loss = external ? external_loss_.value_or(0) : minibatch_.loss(batch);
    // Only worker 0 stops the watch, and before the barrier: all see the same here.
    if (watch.stopped() || (external && !external_loss_)) {
        return {StepEnd::kStopped, loss};
    }
    if (!std::isfinite(loss)) {
        return {StepEnd::kDiverged, loss};
    }
    if (gradient_.empty()) {
        minibatch_.for_each_weight_tile(worker, [&](std::size_t i) {
            const Block& tile = minibatch_.tiles()[i];
            const MatrixView<T> gradient = minibatch_.weight_gradient(worker, batch, tile);
            add_penalty(batch, i);
            weights_.update(optimizer, tile, gradient);
        });
    } else {
        collect(worker, batch, optimizer);
        worker.barrier();
        if (batch.ends && !update(worker, batch, optimizer)) {
            return {StepEnd::kDiverged, loss};
        }
    }
    worker.barrier();
    return {StepEnd::kUpdated, loss};
}

template <class T>
void TiledStep<T>::run_with_external_loss(const Worker& worker, const Batch<T>& batch,
                                          Watch& watch) {
    using Phase = typename Minibatch<T>::Phase;
    minibatch_.run_rows(worker, batch, &watch, Phase::kForward);
    worker.barrier();
    if (worker.index == 0 && !watch.stopped()) {
        const MatrixView<T> d = minibatch_.output_gradient(batch.rows);
        external_loss_ =
            batch.data->external->evaluate(batch.order, minibatch_.outputs(batch.rows), d);
        for (index_t r = 0; r < d.rows; ++r) {
            for (index_t j = 0; j < d.cols; ++j) {
                d.row(r)[j] *= static_cast<T>(batch.share);
            }
        }
    }
    worker.barrier();
    minibatch_.run_rows(worker, batch, &watch, Phase::kBackward);
}

template <class T>
void TiledStep<T>::add_penalty(const Batch<T>& batch, std::size_t i) {
    if (!penalties_.empty()) {
        penalties_[i] +=
            batch.inverse_mean_weight() * weights_.sum_of_squares(minibatch_.tiles()[i]);
    }
}

template <class T>
double TiledStep<T>::take_penalty() {
    const double sum = std::accumulate(penalties_.begin(), penalties_.end(), 0.0);
    std::fill(penalties_.begin(), penalties_.end(), 0);
    return sum;
}

template <class T>
void TiledStep<T>::collect(const Worker& worker, const Batch<T>& batch,
                           const OptimizerStep<T>& optimizer) {
    minibatch_.for_each_weight_tile(worker, [&](std::size_t i) {
        const Block& tile = minibatch_.tiles()[i];
        const index_t cols = round_up(tile.cols, kernels_->lanes);
        const MatrixView<T> sum = collected(tile);
        const MatrixView<T> gradient = minibatch_.weight_gradient(worker, batch, tile);
        if (batch.begins) {
            for (index_t r = 0; r < tile.rows; ++r) {
                std::copy_n(gradient.row(r), cols, sum.row(r));
            }
        } else {
            kernels_->add(tile.rows, cols, sum.data, sum.stride, gradient.data, gradient.stride,
                          sum.data, sum.stride);
        }
        if (batch.ends) {
            weights_.adjust(optimizer, tile, sum);
            squares_[i] = kernels_->sum_of_squares(tile.rows, cols, sum.data, sum.stride);
        }
    });
}

template <class T>
bool TiledStep<T>::update(const Worker& worker, const Batch<T>& batch,
                          const OptimizerStep<T>& optimizer) {
    const double norm = std::sqrt(std::accumulate(squares_.begin(), squares_.end(), 0.0));
    if (!std::isfinite(norm)) {
        return false;
    }
    minibatch_.for_each_weight_tile(worker, [&](std::size_t i) {
        const Block& tile = minibatch_.tiles()[i];
        const MatrixView<T> gradient = collected(tile);
        add_penalty(batch, i);
        optimizer.shorten(norm, tile.rows, round_up(tile.cols, kernels_->lanes), gradient.data,
                          gradient.stride);
        if (orthogonalizer_ == nullptr) {
            weights_.apply(optimizer, tile, gradient);
        }
    });
    if (orthogonalizer_ != nullptr) {
        worker.barrier();
        orthogonalize(worker, optimizer);
        minibatch_.for_each_weight_tile(worker, [&](std::size_t i) {
            const Block& tile = minibatch_.tiles()[i];
            weights_.apply(optimizer, tile, collected(tile));
        });
    }
    return true;
}

template <class T>
void TiledStep<T>::orthogonalize(const Worker& worker, const OptimizerStep<T>& optimizer) {
    const std::vector<Layer>& layers = weights_.layers();
    for (std::size_t l = 0; l < layers.size(); ++l) {
        if (is_between_hidden(l, layers.size())) {
            const auto without_biases = [&](const MatrixView<T>& matrix) {
                return MatrixView<T>{matrix.data, layers[l].in, matrix.cols, matrix.stride};
            };
            orthogonalizer_->run(worker, static_cast<T>(optimizer.momentum()),
                                 without_biases(gradient_[l]), without_biases(weights_.state1(l)));
        }
    }
}

template class TiledStep<float>;
template class TiledStep<double>;

}  // namespace briskmlp
