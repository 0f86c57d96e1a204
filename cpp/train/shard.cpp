#include "train/shard.h"

#include <utility>

#include "ops/dense.h"

namespace briskmlp {

template <class T>
Shard<T>::Shard(const Network<T>& net, const KernelTable<T>& kernels,
                const std::vector<Block>& blocks, const StepNeeds& needs, index_t rows)
    : kernels_(&kernels),
      layers_(net.layers()),
      weights_(net, kernels, blocks, false, needs.optimizer),
      tiles_(weight_tiles(blocks, kernels.lanes)),
      penalty_(needs.penalty ? 1 : 0) {
    for (std::size_t l = 0; l + 1 < layers_.size(); ++l) {
        y_.push_back(PaddedMatrix<T>::with_ones(rows, units(l), kernels.lanes));
        slope_.push_back(derivative_from_output(layers_[l].activation) && !needs.dropout
                             ? PaddedMatrix<T>()
                             : PaddedMatrix<T>(rows, units(l), kernels.lanes));
    }
    const Block tile = bounding_tile(tiles_);
    d_first_ = PaddedMatrix<T>(rows, units(0), kernels.lanes);
    scratch_ = PaddedMatrix<T>(tile.rows, tile.cols, kernels.lanes);
}

template <class T>
void Shard<T>::forward_first(MatrixView<const T> x, const Batch<T>& batch) {
    dense_forward(*kernels_, layers_[0].activation, x, weights_.w(0), weights_.transposed(0),
                  y(0, x.rows), slope_[0].view(0, x.rows));
    finish(0, batch);
}

template <class T>
void Shard<T>::activate(std::size_t layer, const Batch<T>& batch) {
    dense_activate(*kernels_, layers_[layer].activation, y(layer, batch.rows),
                   slope_[layer].view(0, batch.rows));
    finish(layer, batch);
}

template <class T>
void Shard<T>::finish(std::size_t layer, const Batch<T>& batch) {
    const MatrixView<T> slope = slope_[layer].view(0, batch.rows);
    if (slope.data != nullptr) {
        dense_slope(*kernels_, layers_[layer].activation, y(layer, batch.rows).constant(), slope);
    }
    if (batch.dropout != nullptr && batch.dropout->on(layer)) {
        dense_drop(*kernels_,
                   batch.dropout->template of<T>(layer, layers_[layer].out, batch.number, 0,
                                                 first_unit(layer)),
                   y(layer, batch.rows), slope);
    }
    y_[layer].restore_ones(0, batch.rows);
}

template <class T>
void Shard<T>::forward_part(std::size_t layer, MatrixView<T> sum) {
    dense_forward(*kernels_, Activation::kIdentity, y(layer - 1, sum.rows).constant(),
                  weights_.w(layer), weights_.transposed(layer), sum, {});
}

template <class T>
void Shard<T>::backward(std::size_t layer, MatrixView<const T> d, MatrixView<T> d_below) {
    dense_backward_input(*kernels_, layers_[layer - 1].activation, d, weights_.transposed(layer),
                         y(layer - 1, d.rows).constant(),
                         slope_[layer - 1].view(0, d.rows).constant(), d_below);
}

template <class T>
double Shard<T>::take_penalty() {
    return penalty_.size() == 0 ? 0 : std::exchange(penalty_[0], 0);
}

template <class T>
void Shard<T>::update(std::size_t layer, MatrixView<const T> x, MatrixView<const T> d,
                      const Batch<T>& batch, const OptimizerStep<T>& step) {
    for (const Block& tile : tiles_) {
        if (tile.layer == layer) {
            const MatrixView<T> gradient = scratch_.view(0, tile.rows).columns(0, tile.cols);
            dense_backward_weights(*kernels_, x.columns(tile.row, tile.rows),
                                   d.columns(tile.col, tile.cols), GemmStart::kZero, gradient);
            if (penalty_.size() > 0) {
                penalty_[0] += batch.inverse_mean_weight() * weights_.sum_of_squares(tile);
            }
            weights_.update(step, tile, gradient);
        }
    }
}

template class Shard<float>;
template class Shard<double>;

}  // namespace briskmlp
