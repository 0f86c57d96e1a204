// The weights that training works on: a padded copy of the network's, and of each layer's matrix
// its transpose, which the backward pass reads. Refreshed tile by tile as the optimizer updates
// them, and written back before anyone else can look.
#pragma once

#include <vector>

#include "train/layer_matrices.h"

namespace briskmlp {

template <class T>
class Weights {
  public:
    // `input_gradient`: whether the first layer is transposed too, for the gradient of its input.
    Weights(const Network<T>& net, const KernelTable<T>& kernels, bool input_gradient);

    // Takes the network's parameters as they are now.
    void load(const Network<T>& net);

    MatrixView<T> w(std::size_t layer) { return w_[layer]; }  // (in + 1, out)
    MatrixView<const T> w(std::size_t layer) const { return w_[layer]; }
    MatrixView<const T> transposed(std::size_t layer) const;  // (out, in)

    // Brings the transpose up to date in the columns and rows of one tile of w.
    void refresh(std::size_t layer, index_t row, index_t rows, index_t col, index_t cols);

    const LayerMatrices<T>& matrices() const { return w_; }

  private:
    const KernelTable<T>* kernels_;
    LayerMatrices<T> w_;
    std::vector<AlignedBuffer<T>> transposed_;  // empty for a layer that needs none
    std::vector<index_t> strides_;
};

}  // namespace briskmlp
