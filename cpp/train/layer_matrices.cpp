#include "train/layer_matrices.h"

#include <algorithm>

namespace briskmlp {

template <class T>
LayerMatrices<T>::LayerMatrices(const std::vector<Layer>& layers, index_t lanes) {
    index_t size = 0;
    for (const Layer& layer : layers) {
        size = checked_add(size, checked_mul(layer.in + 1, padded_stride<T>(layer.out, lanes)));
    }
    buffer_ = AlignedBuffer<T>(size);
    T* data = buffer_.data();
    for (const Layer& layer : layers) {
        const index_t stride = padded_stride<T>(layer.out, lanes);
        views_.push_back({data, layer.in + 1, layer.out, stride});
        data += (layer.in + 1) * stride;
    }
}

template <class T>
void LayerMatrices<T>::load(const T* flat) {
    for (const MatrixView<T>& view : views_) {
        for (index_t r = 0; r < view.rows; ++r, flat += view.cols) {
            std::copy_n(flat, view.cols, view.row(r));
        }
    }
}

template <class T>
void LayerMatrices<T>::store(T* flat) const {
    for (const MatrixView<T>& view : views_) {
        for (index_t r = 0; r < view.rows; ++r, flat += view.cols) {
            std::copy_n(view.row(r), view.cols, flat);
        }
    }
}

template <class T>
bool LayerMatrices<T>::finite() const {
    T sum = 0;  // x - x is NaN for a NaN or an infinity, otherwise 0
    for (index_t i = 0; i < buffer_.size(); ++i) {
        sum += buffer_[i] - buffer_[i];
    }
    return sum == 0;
}

template class LayerMatrices<float>;
template class LayerMatrices<double>;

}  // namespace briskmlp
