#include "train/weights.h"

#include <algorithm>

namespace briskmlp {

template <class T>
Weights<T>::Weights(const Network<T>& net, const KernelTable<T>& kernels, bool input_gradient)
    : kernels_(&kernels), w_(net.layers(), kernels.lanes) {
    for (std::size_t l = 0; l < net.layers().size(); ++l) {
        const Layer& layer = net.layers()[l];
        strides_.push_back(padded_stride<T>(layer.in, kernels.lanes));
        const bool needed = l > 0 || input_gradient;
        transposed_.push_back(needed ? AlignedBuffer<T>(checked_mul(layer.out, strides_[l]))
                                     : AlignedBuffer<T>());
    }
    load(net);
}

template <class T>
void Weights<T>::load(const Network<T>& net) {
    w_.load(net.parameters());
    for (std::size_t l = 0; l < net.layers().size(); ++l) {
        refresh(l, 0, net.layers()[l].in + 1, 0, net.layers()[l].out);
    }
}

template <class T>
MatrixView<const T> Weights<T>::transposed(std::size_t layer) const {
    const MatrixView<const T> w = w_[layer];
    return {transposed_[layer].data(), w.cols, w.rows - 1, strides_[layer]};
}

template <class T>
void Weights<T>::refresh(std::size_t layer, index_t row, index_t rows, index_t col, index_t cols) {
    if (transposed_[layer].size() == 0) {
        return;
    }
    const MatrixView<T> w = w_[layer];
    const index_t bias_row = w.rows - 1;  // is not part of the transpose
    const index_t stride = strides_[layer];
    kernels_->transpose(std::min(rows, bias_row - row), cols, w.row(row) + col, w.stride,
                        transposed_[layer].data() + col * stride + row, stride);
}

template class Weights<float>;
template class Weights<double>;

}  // namespace briskmlp
