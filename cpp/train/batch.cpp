#include "train/batch.h"

#include <algorithm>

namespace briskmlp {

template <class T>
Batch<T>::Batch(const Dataset<T>& source, const std::uint32_t* numbers, index_t count)
    : data(&source), order(numbers), rows(count) {
    double sum = static_cast<double>(rows);
    if (source.y.weights != nullptr) {
        sum = 0;
        for (index_t i = 0; i < rows; ++i) {
            sum += static_cast<double>(source.y.weights[order[i]]);
        }
    }
    scale = sum == 0 ? 0 : 1 / sum;
}

template <class T>
BatchRows<T>::BatchRows(index_t inputs, index_t lanes, index_t rows, const Targets<T>& targets,
                        bool sparse)
    : x_(sparse ? PaddedMatrix<T>() : PaddedMatrix<T>::with_ones(rows, inputs, lanes)),
      numbers_(sparse ? static_cast<std::size_t>(rows) : 0),
      target_cols_(targets.cols),
      labels_(targets.labels == nullptr ? 0 : rows),
      values_(targets.labels == nullptr ? checked_mul(rows, targets.cols) : 0),
      weights_(targets.weights == nullptr ? 0 : rows),
      scale_(rows) {}

template <class T>
void BatchRows<T>::load(const Batch<T>& batch, index_t begin, index_t first, index_t count) {
    const Dataset<T>& data = *batch.data;
    const std::uint32_t* const order = batch.order + begin;
    if (is_sparse()) {
        std::copy_n(order, count, numbers_.begin() + first);
    } else {
        const MatrixView<T> x = this->x(first, count);
        gather_rows(data.x, order, count, x.data, x.stride);
        if (batch.noise != nullptr) {
            batch.noise->add(batch.number, begin, x);
        }
    }
    for (index_t i = 0; i < count; ++i) {
        const index_t row = order[i];
        if (data.y.labels != nullptr) {
            labels_[first + i] = data.y.labels[row];
        } else {
            const T* const values = data.y.values + row * target_cols_;
            std::copy(values, values + target_cols_, &values_[(first + i) * target_cols_]);
        }
        double weight = 1;
        if (data.y.weights != nullptr) {
            weights_[first + i] = data.y.weights[row];
            weight = static_cast<double>(data.y.weights[row]);
        }
        scale_[first + i] = static_cast<T>(batch.scale * batch.share * weight);
    }
}

template <class T>
Targets<T> BatchRows<T>::targets(index_t first) {
    return {labels_.size() > 0 ? labels_.data() + first : nullptr,
            labels_.size() > 0 ? nullptr : values_.data() + first * target_cols_, target_cols_,
            weights_.size() > 0 ? weights_.data() + first : nullptr};
}

template struct Batch<float>;
template struct Batch<double>;
template class BatchRows<float>;
template class BatchRows<double>;

}  // namespace briskmlp
