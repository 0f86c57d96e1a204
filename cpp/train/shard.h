// A share of the hidden units: the columns of the first layer that lead to them and the rows of the
// other layers that lead from them, with all that belongs to these weights. One worker computes
// with it, and no other ever reads it.
#pragma once

#include <vector>

#include "train/batch.h"
#include "train/padded_matrix.h"
#include "train/step.h"
#include "train/weights.h"

namespace briskmlp {

// Layers are numbered as the network's; "units" are this shard's of a hidden layer.
template <class T>
class Shard {
  public:
    // `blocks`: one a layer, see deal_out in plan.cpp. For up to `rows` rows.
    Shard(const Network<T>& net, const KernelTable<T>& kernels, const std::vector<Block>& blocks,
          const StepNeeds& needs, index_t rows);

    Weights<T>& weights() { return weights_; }
    const Weights<T>& weights() const { return weights_; }

    // The outputs (rows, units) of a hidden layer, after whose columns stands one of ones.
    MatrixView<T> y(std::size_t layer, index_t rows) { return y_[layer].view(0, rows); }
    // The gradient with respect to x W + b of the first layer's units, which no one else needs.
    MatrixView<T> d_first(index_t rows) { return d_first_.view(0, rows); }
    // Which units of a hidden layer these are: [first_unit, first_unit + units).
    index_t first_unit(std::size_t layer) const { return weights_.blocks()[layer + 1].row; }
    index_t units(std::size_t layer) const { return weights_.transposed(layer + 1).cols; }

    // y of the first layer from the network's input x (rows, inputs).
    void forward_first(MatrixView<const T> x, const Batch<T>& batch);
    // y of a later hidden layer, where its sums x W + b stand.
    void activate(std::size_t layer, const Batch<T>& batch);
    // What the units of the layer below add to x W + b of `layer` >= 1; sum (rows, out).
    void forward_part(std::size_t layer, MatrixView<T> sum);

    // The gradient with respect to the units' x W + b of the layer below `layer` >= 1, (rows,
    // units), from that with respect to x W + b of `layer`, (rows, out).
    void backward(std::size_t layer, MatrixView<const T> d, MatrixView<T> d_below);
    // This shard's part of Step::take_penalty.
    double take_penalty();

    // Updates the weights of `layer` by their gradient x^T d. x is what the layer works on: the
    // network's input, or the y of the layer below.
    void update(std::size_t layer, MatrixView<const T> x, MatrixView<const T> d,
                const Batch<T>& batch, const OptimizerStep<T>& step);

  private:
    // What follows the activation of a hidden layer.
    void finish(std::size_t layer, const Batch<T>& batch);

    const KernelTable<T>* kernels_;
    std::vector<Layer> layers_;
    Weights<T> weights_;
    std::vector<Block> tiles_;
    std::vector<PaddedMatrix<T>> y_, slope_;  // one a hidden layer
    PaddedMatrix<T> d_first_;
    PaddedMatrix<T> scratch_;        // a weight tile's gradient
    AlignedBuffer<double> penalty_;  // one, in a cache line of its own; empty if not needed
};

}  // namespace briskmlp
