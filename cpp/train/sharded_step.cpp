#include "train/sharded_step.h"

#include <algorithm>
#include <cmath>

#include "ops/dense.h"
#include "ops/sum.h"

namespace briskmlp {

template <class T>
ShardedStep<T>::ShardedStep(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
                            const StepNeeds& needs, index_t rows, const Targets<T>& targets,
                            index_t workers)
    : kernels_(&kernels),
      layers_(net.layers()),
      loss_(net.spec().loss),
      nanoseconds_a_row_(plan.cost.nanoseconds / static_cast<double>(rows)) {
    const index_t lanes = kernels.lanes;
    for (const std::vector<Block>& blocks : plan.shards) {
        shards_.emplace_back(net, kernels, blocks, needs, rows);
    }
    for (index_t i = 0; i < workers; ++i) {
        const bool needs_slope = !derivative_from_output(layers_.back().activation);
        replicas_.push_back(
            {BatchRows<T>(net.inputs(), lanes, rows, targets),
             PaddedMatrix<T>(rows, net.outputs(), lanes),
             needs_slope ? PaddedMatrix<T>(rows, net.outputs(), lanes) : PaddedMatrix<T>(),
             PaddedMatrix<T>(rows, net.outputs(), lanes)});
    }
    d_.resize(1);
    for (std::size_t l = 1; l + 1 < layers_.size(); ++l) {
        d_.emplace_back(rows, layers_[l].out, lanes);
    }
    for (Exchange& exchange : exchanges_) {
        exchange.sums.resize(layers_.size());
        for (std::size_t l = 1; l < layers_.size(); ++l) {
            for (std::size_t s = 0; s < shards_.size(); ++s) {
                exchange.sums[l].emplace_back(rows, layers_[l].out, lanes);
            }
        }
    }
}

template <class T>
StepResult ShardedStep<T>::run(const Worker& worker, const Batch<T>& batch,
                               const OptimizerStep<T>& optimizer, Watch& watch) {
    const index_t rows = batch.rows;
    Replica& replica = replicas_[static_cast<std::size_t>(worker.index)];
    Exchange& exchange = exchanges_[optimizer.number() % 2];
    replica.rows.load(batch, 0, 0, rows);
    for_each_shard(worker, [&](std::size_t s) {
        shards_[s].forward_first(replica.rows.x(0, rows).constant(), batch);
        shards_[s].forward_part(1, exchange.sums[1][s].view(0, rows));
    });
    if (worker.index == 0) {
        watch.tile_done(nanoseconds_a_row_ * static_cast<double>(rows));
        exchange.stop = watch.stopped();
    }
    worker.barrier();
    forward(worker, exchange, batch);
    const double loss = output_loss(replica, exchange, rows) * batch.scale;
    if (exchange.stop || !std::isfinite(loss)) {
        return {exchange.stop ? StepEnd::kStopped : StepEnd::kDiverged, loss};
    }
    backward(worker, replica, batch, optimizer);
    return {StepEnd::kUpdated, loss};
}

// From the sums of layer 1 to those of the output.
template <class T>
void ShardedStep<T>::forward(const Worker& worker, Exchange& exchange, const Batch<T>& batch) {
    const index_t rows = batch.rows;
    for (std::size_t l = 1; l + 1 < layers_.size(); ++l) {
        for_each_shard(worker, [&](std::size_t s) {
            add_up(exchange, l, shards_[s].first_unit(l), shards_[s].y(l, rows));
            shards_[s].activate(l, batch);
            shards_[s].forward_part(l + 1, exchange.sums[l + 1][s].view(0, rows));
        });
        worker.barrier();
    }
}

template <class T>
void ShardedStep<T>::add_up(Exchange& exchange, std::size_t layer, index_t first_column,
                            MatrixView<T> sum) {
    const auto part = [&](index_t s) {
        PaddedMatrix<T>& all = exchange.sums[layer][static_cast<std::size_t>(s)];
        return all.view(0, sum.rows).columns(first_column, sum.cols).constant();
    };
    sum_matrices(*kernels_, static_cast<index_t>(shards_.size()), part, sum);
}

// Also leaves the gradient with respect to x W + b of the last layer in d_output.
template <class T>
double ShardedStep<T>::output_loss(Replica& replica, Exchange& exchange, index_t rows) {
    const std::size_t last = layers_.size() - 1;
    const MatrixView<T> y = replica.output.view(0, rows), d = replica.d_output.view(0, rows);
    const MatrixView<T> slope = replica.slope.view(0, rows);
    add_up(exchange, last, 0, y);
    dense_activate(*kernels_, layers_[last].activation, y, slope);
    const double loss =
        evaluate_loss(*kernels_, loss_, rows, y.cols, y.data, y.stride, replica.rows.targets(0),
                      replica.rows.scale(0), d.data, d.stride);
    dense_backward_activation(*kernels_, layers_[last].activation, y.constant(), slope.constant(),
                              d);
    return loss;
}

template <class T>
void ShardedStep<T>::backward(const Worker& worker, Replica& replica, const Batch<T>& batch,
                              const OptimizerStep<T>& step) {
    const index_t rows = batch.rows;
    MatrixView<const T> d = replica.d_output.view(0, rows).constant();
    for (std::size_t l = layers_.size() - 1; l > 1; --l) {
        const MatrixView<T> d_below = d_[l - 1].view(0, rows);
        for_each_shard(worker, [&](std::size_t s) {
            Shard<T>& shard = shards_[s];
            shard.backward(l, d, d_below.columns(shard.first_unit(l - 1), shard.units(l - 1)));
            shard.update(l, shard.y(l - 1, rows).constant(), d, batch, step);
        });
        worker.barrier();
        d = d_below.constant();
    }
    for_each_shard(worker, [&](std::size_t s) {
        Shard<T>& shard = shards_[s];
        const MatrixView<T> d_first = shard.d_first(rows);
        shard.backward(1, d, d_first);
        shard.update(1, shard.y(0, rows).constant(), d, batch, step);
        shard.update(0, replica.rows.x(0, rows).constant(), d_first.constant(), batch, step);
    });
}

template <class T>
double ShardedStep<T>::take_penalty() {
    double sum = 0;
    for (Shard<T>& shard : shards_) {
        sum += shard.take_penalty();
    }
    return sum;
}

// A shard is loaded by the worker that will work on it.
template <class T>
void ShardedStep<T>::load(const Worker& worker, const Network<T>& net) {
    for_each_shard(worker, [&](std::size_t s) { shards_[s].weights().load(kSoleWorker, net); });
}

template <class T>
void ShardedStep<T>::restart(const Worker& worker) {
    for_each_shard(worker, [&](std::size_t s) { shards_[s].weights().restart(kSoleWorker); });
}

template <class T>
void ShardedStep<T>::store(const Worker& worker, Network<T>& net) const {
    for_each_shard(worker, [&](std::size_t s) { shards_[s].weights().store(kSoleWorker, net); });
}

template <class T>
bool ShardedStep<T>::matches(const Worker& worker, const Network<T>& net) const {
    return all_of_shards(worker, [&](const Weights<T>& w) { return w.matches(kSoleWorker, net); });
}

template <class T>
bool ShardedStep<T>::finite(const Worker& worker) const {
    return all_of_shards(worker, [](const Weights<T>& w) { return w.finite(kSoleWorker); });
}

template <class T>
void ShardedStep<T>::load_state(const Worker& worker, const TrainingState<const T>& state) {
    for_each_shard(worker,
                   [&](std::size_t s) { shards_[s].weights().load_state(kSoleWorker, state); });
}

template <class T>
void ShardedStep<T>::store_state(const Worker& worker, const TrainingState<T>& state) const {
    for_each_shard(worker,
                   [&](std::size_t s) { shards_[s].weights().store_state(kSoleWorker, state); });
}

template class ShardedStep<float>;
template class ShardedStep<double>;

}  // namespace briskmlp
