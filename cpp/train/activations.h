// What a stretch of rows leaves on its way through the network and back: the input of every layer,
// the gradients between layers, and the targets beside them.
#pragma once

#include <vector>

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "nn/network.h"
#include "train/dataset.h"

namespace briskmlp {

template <class T>
class Activations {
  public:
    // Room for `rows` rows with targets such as `targets` are: labels or values, weighted or not.
    Activations(const Network<T>& net, index_t lanes, index_t rows, const Targets<T>& targets);

    // Rows [first, first + count) of the input of `layer`, (count, in); layer == number of layers
    // is the network's output. The column after the last is 1 (see dense_backward_weights).
    MatrixView<T> x(std::size_t layer, index_t first, index_t count) {
        return x_[layer].view(first, count);
    }
    // The gradient of the loss with respect to x W + b of `layer`, (count, out).
    MatrixView<T> d(std::size_t layer, index_t first, index_t count) {
        return d_[layer].view(first, count);
    }
    // f'(x W + b) of `layer` where its activation needs it stored; otherwise without data.
    MatrixView<T> slope(std::size_t layer, index_t first, index_t count) {
        return slope_[layer].view(first, count);
    }
    // Kernels write whole vectors: where those cover the column of ones, it is set again.
    void restore_ones(std::size_t layer, index_t first, index_t count);

    // Reads the rows of `data` numbered order[0 ... count) into rows [first, first + count): inputs
    // and targets. `scale` times its weight becomes a row's share of the mean.
    void load(const Dataset<T>& data, const std::uint32_t* order, index_t first, index_t count,
              double scale);
    Targets<T> targets(index_t first);
    const T* scale(index_t first) const { return scale_.data() + first; }

  private:
    struct Matrix {
        AlignedBuffer<T> buffer;
        index_t cols = 0, stride = 0;
        MatrixView<T> view(index_t first, index_t count) {
            return {buffer.data() == nullptr ? nullptr : buffer.data() + first * stride, count,
                    cols, stride};
        }
    };
    static Matrix matrix(index_t rows, index_t cols, index_t padded_cols, index_t lanes);

    index_t lanes_;
    std::vector<Matrix> x_, d_, slope_;
    AlignedBuffer<std::int32_t> labels_;  // empty when the targets are values, as is
    Matrix values_;                       // the other when they are labels
    AlignedBuffer<T> weights_;            // empty when all are 1
    AlignedBuffer<T> scale_;
};

}  // namespace briskmlp
