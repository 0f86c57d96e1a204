#include "train/batch_norm.h"

#include <algorithm>
#include <cmath>

namespace briskmlp {

template <class T>
BatchNorm<T>::BatchNorm(const Network<T>& net, const KernelTable<T>& kernels, index_t tiles,
                        index_t workers)
    : kernels_(&kernels), max_tiles_(tiles), stride_(0) {
    for (std::size_t l = 0; l + 1 < net.layers().size(); ++l) {
        widths_.push_back(round_up(net.layers()[l].out, kernels.lanes));
        stride_ = std::max(stride_, padded_stride<T>(widths_.back(), kernels.lanes));
    }
    rows_ = 2 * static_cast<index_t>(widths_.size()) + 2;
    tiles_ = AlignedBuffer<T>(checked_mul(checked_mul(4, tiles), stride_));
    combined_ = AlignedBuffer<T>(checked_mul(checked_mul(workers, rows_), stride_));
}

template <class T>
void BatchNorm<T>::measure(std::size_t layer, index_t tile, MatrixView<const T> x) {
    T* const means = of_tile(layer, tile);
    kernels_->column_moments(x.rows, widths_[layer], x.data, x.stride, means, means + stride_);
}

// Chan, Golub and LeVeque (1983): the squared deviations of the tiles, each from its own mean, and
// those of their means from the mean of all.
template <class T>
void BatchNorm<T>::combine(const Worker& worker, std::size_t layer, const RowCut& cut) {
    const auto rows = static_cast<double>(cut.rows);
    const auto share = [&](index_t tile) {
        return static_cast<double>(cut.tile_begin(tile + 1) - cut.tile_begin(tile)) / rows;
    };
    T* const means = own(worker, 2 * layer);
    T* const inverse_deviations = own(worker, 2 * layer + 1);
    for (index_t j = 0; j < widths_[layer]; ++j) {
        double mean = 0, variance = 0;
        for (index_t tile = 0; tile < cut.tiles; ++tile) {
            mean += share(tile) * static_cast<double>(of_tile(layer, tile)[j]);
        }
        for (index_t tile = 0; tile < cut.tiles; ++tile) {
            const T* const moments = of_tile(layer, tile) + j;
            const double off = static_cast<double>(moments[0]) - mean;
            variance += static_cast<double>(moments[stride_]) / rows + share(tile) * off * off;
        }
        means[j] = static_cast<T>(mean);
        inverse_deviations[j] = static_cast<T>(1 / std::sqrt(variance + kNormEpsilon));
    }
}

template <class T>
void BatchNorm<T>::apply(const Worker& worker, std::size_t layer, MatrixView<const T> x,
                         MatrixView<T> y) const {
    kernels_->batch_norm(x.rows, widths_[layer], x.data, x.stride, means(worker, layer),
                         inverse_deviations(worker, layer), y.data, y.stride);
}

template <class T>
void BatchNorm<T>::measure_back(std::size_t layer, index_t tile, MatrixView<const T> d,
                                MatrixView<const T> y) {
    T* const sums = of_tile(layer + 1, tile);
    kernels_->column_products(d.rows, widths_[layer], d.data, d.stride, y.data, y.stride, sums,
                              sums + stride_);
}

template <class T>
void BatchNorm<T>::combine_back(const Worker& worker, std::size_t layer, const RowCut& cut) {
    T* const means = own(worker, 2 * widths_.size());
    for (index_t j = 0; j < widths_[layer]; ++j) {
        double sum = 0, products = 0;
        for (index_t tile = 0; tile < cut.tiles; ++tile) {
            const T* const sums = of_tile(layer + 1, tile) + j;
            sum += static_cast<double>(sums[0]);
            products += static_cast<double>(sums[stride_]);
        }
        means[j] = static_cast<T>(sum / static_cast<double>(cut.rows));
        means[stride_ + j] = static_cast<T>(products / static_cast<double>(cut.rows));
    }
}

template <class T>
void BatchNorm<T>::apply_back(const Worker& worker, std::size_t layer, MatrixView<const T> y,
                              MatrixView<T> d) const {
    const T* const means = own(worker, 2 * widths_.size());
    kernels_->batch_norm_backward(d.rows, widths_[layer], y.data, y.stride, means, means + stride_,
                                  inverse_deviations(worker, layer), d.data, d.stride);
}

template class BatchNorm<float>;
template class BatchNorm<double>;

}  // namespace briskmlp
