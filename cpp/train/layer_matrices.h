// One matrix a layer in one buffer, shaped as the parameters are, (in + 1, out), with rows padded
// so that kernels need no masks: the working copy of the weights during training, an optimizer's
// state, a gradient. The padding stays zero.
#pragma once

#include <vector>

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "nn/network.h"

namespace briskmlp {

template <class T>
class LayerMatrices {
  public:
    LayerMatrices() = default;
    LayerMatrices(const std::vector<Layer>& layers, index_t lanes);

    MatrixView<T> operator[](std::size_t layer) { return views_[layer]; }  // (in + 1, out)
    MatrixView<const T> operator[](std::size_t layer) const { return views_[layer].constant(); }
    bool empty() const { return views_.empty(); }

    void load(const T* flat);   // from the layout of Network::parameters(), without padding
    void store(T* flat) const;  // to it
    bool finite() const;        // no NaN and no infinity

  private:
    std::vector<MatrixView<T>> views_;
    AlignedBuffer<T> buffer_;
};

}  // namespace briskmlp
