// A stretch of rows through all layers and back, on one thread. They should be few
// enough that what one layer leaves is still in cache when the next reads it.
#pragma once

#include "train/activations.h"
#include "train/weights.h"

namespace briskmlp {

// What is differentiated: the network's loss; the sum of its outputs times the targets, whose
// gradient with respect to the outputs is the targets themselves; or something whose gradient with
// respect to the outputs stands in d of the last layer already.
enum class Objective { kLoss, kLinear, kGiven };

// All of it works on rows [first, first + count) of `activations`.
template <class T>
class Pass {
  public:
    Pass(const Network<T>& net, const KernelTable<T>& kernels, const Weights<T>& weights,
         Objective objective)
        : net_(&net), kernels_(&kernels), weights_(&weights), objective_(objective) {}

    // From x(0) to the output, x(number of layers); the first row is `row` of the batch.
    void forward(Activations<T>& activations, index_t first, index_t count, const Batch<T>& batch,
                 index_t row) const;

    // Layer `layer` of that, without what becomes of its outputs on their way to the next one.
    void forward_layer(Activations<T>& activations, index_t first, index_t count,
                       const Batch<T>& batch, index_t row, std::size_t layer) const;

    // Weighted sum of the rows' losses (0 unless it is kLoss); d of the last layer receives its
    // gradient.
    double loss(Activations<T>& activations, index_t first, index_t count) const;

    // From d of the last layer to d of the first.
    void backward(Activations<T>& activations, index_t first, index_t count) const;

    // Of that: d of the layer below `layer`, first the gradient by what that layer passes on, then
    // to be made that with respect to its x W + b.
    void backward_through(Activations<T>& activations, index_t first, index_t count,
                          std::size_t layer) const;
    void backward_activation(Activations<T>& activations, index_t first, index_t count,
                             std::size_t layer) const;

    // Replaces x(0) by the gradient with respect to it; needs the first layer's transpose.
    void input_gradient(Activations<T>& activations, index_t first, index_t count) const;

    // The gradient of the tile of a layer's weights that starts at (row, col), d_w its size.
    void weight_gradient(Activations<T>& activations, index_t first, index_t count,
                         std::size_t layer, index_t row, index_t col, GemmStart start,
                         MatrixView<T> d_w) const;

  private:
    const Network<T>* net_;
    const KernelTable<T>* kernels_;
    const Weights<T>* weights_;
    Objective objective_;
};

}  // namespace briskmlp
