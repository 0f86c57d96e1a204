// What a stretch of rows leaves on its way through the network and back: the rows themselves, the
// output of every layer, and the gradients between layers.
#pragma once

#include <vector>

#include "nn/network.h"
#include "train/batch.h"

namespace briskmlp {

template <class T>
class Activations {
  public:
    // Room for `rows` rows with targets such as `targets` are; `changed`: hidden layers' outputs
    // are, after their activation, by dropout or batch norm.
    Activations(const Network<T>& net, index_t lanes, index_t rows, const Targets<T>& targets,
                bool changed);

    BatchRows<T>& rows() { return rows_; }

    // Rows [first, first + count) of the input of `layer`, (count, in); layer == number of layers
    // is the network's output. The column after the last is 1 (see dense_backward_weights).
    MatrixView<T> x(std::size_t layer, index_t first, index_t count) {
        return layer == 0 ? rows_.x(first, count) : y_[layer - 1].view(first, count);
    }
    // The gradient of the loss with respect to x W + b of `layer`, (count, out).
    MatrixView<T> d(std::size_t layer, index_t first, index_t count) {
        return d_[layer].view(first, count);
    }
    // f'(x W + b) of `layer` where its activation needs it stored, or dropout or a norm or what
    // comes before the next layer changes the output; otherwise without data.
    MatrixView<T> slope(std::size_t layer, index_t first, index_t count) {
        return slope_[layer].view(first, count);
    }
    // What residual connections keep from layer to layer: sums, then gradients by them.
    MatrixView<T> stream(index_t first, index_t count) { return stream_.view(first, count); }
    // What the layer norm after `layer`, if any, leaves of rows from `first` on for its way back.
    T* inverse_deviations(std::size_t layer, index_t first) {
        T* const all = inverse_deviations_[layer].data();
        return all == nullptr ? nullptr : all + first;
    }
    // To be called when x(layer) was written.
    void restore_ones(std::size_t layer, index_t first, index_t count) {
        layer == 0 ? rows_.restore_ones(first, count) : y_[layer - 1].restore_ones(first, count);
    }

  private:
    BatchRows<T> rows_;
    std::vector<PaddedMatrix<T>> y_, d_, slope_;
    PaddedMatrix<T> stream_;
    std::vector<AlignedBuffer<T>> inverse_deviations_;
};

}  // namespace briskmlp
