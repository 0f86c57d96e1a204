#include "train/activations.h"

#include <algorithm>

#include "train/layer_matrices.h"

namespace briskmlp {

template <class T>
typename Activations<T>::Matrix Activations<T>::matrix(index_t rows, index_t cols,
                                                       index_t padded_cols, index_t lanes) {
    const index_t stride = padded_stride<T>(padded_cols, lanes);
    return {AlignedBuffer<T>(checked_mul(rows, stride)), cols, stride};
}

template <class T>
Activations<T>::Activations(const Network<T>& net, index_t lanes, index_t rows,
                            const Targets<T>& targets)
    : lanes_(lanes), scale_(rows) {
    x_.push_back(matrix(rows, net.inputs(), net.inputs() + 1, lanes));
    for (const Layer& layer : net.layers()) {
        x_.push_back(matrix(rows, layer.out, layer.out + 1, lanes));
        d_.push_back(matrix(rows, layer.out, layer.out, lanes));
        slope_.push_back(derivative_from_output(layer.activation)
                             ? Matrix{}
                             : matrix(rows, layer.out, layer.out, lanes));
    }
    for (Matrix& x : x_) {
        for (index_t r = 0; r < rows; ++r) {
            x.buffer[r * x.stride + x.cols] = T(1);
        }
    }
    if (targets.labels != nullptr) {
        labels_ = AlignedBuffer<std::int32_t>(rows);
    } else {
        values_ = {AlignedBuffer<T>(checked_mul(rows, targets.cols)), targets.cols, targets.cols};
    }
    if (targets.weights != nullptr) {
        weights_ = AlignedBuffer<T>(rows);
    }
}

template <class T>
void Activations<T>::restore_ones(std::size_t layer, index_t first, index_t count) {
    Matrix& x = x_[layer];
    if (x.cols % lanes_ == 0) {
        return;
    }
    T* one = x.buffer.data() + first * x.stride + x.cols;
    for (index_t r = 0; r < count; ++r, one += x.stride) {
        *one = T(1);
    }
}

template <class T>
void Activations<T>::load(const Dataset<T>& data, const std::uint32_t* order, index_t first,
                          index_t count, double scale) {
    const MatrixView<T> x = this->x(0, first, count);
    gather_rows(data.x, order, count, x.data, x.stride);
    for (index_t i = 0; i < count; ++i) {
        const index_t row = order[i];
        if (labels_.size() > 0) {
            labels_[first + i] = data.y.labels[row];
        } else {
            std::copy_n(data.y.values + row * data.y.cols, data.y.cols,
                        values_.view(first + i, 1).data);
        }
        double weight = 1;
        if (weights_.size() > 0) {
            weights_[first + i] = data.y.weights[row];
            weight = static_cast<double>(data.y.weights[row]);
        }
        scale_[first + i] = static_cast<T>(scale * weight);
    }
}

template <class T>
Targets<T> Activations<T>::targets(index_t first) {
    return {labels_.size() > 0 ? labels_.data() + first : nullptr, values_.view(first, 1).data,
            values_.cols, weights_.size() > 0 ? weights_.data() + first : nullptr};
}

template class Activations<float>;
template class Activations<double>;

}  // namespace briskmlp
