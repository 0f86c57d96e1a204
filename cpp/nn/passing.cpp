#include "nn/passing.h"

#include <algorithm>

#include "base/check.h"

namespace briskmlp {
namespace {

template <class T>
void copy_rows(MatrixView<const T> from, index_t cols, MatrixView<T> to) {
    for (index_t r = 0; r < from.rows; ++r) {
        std::copy_n(from.row(r), cols, to.row(r));
    }
}

}  // namespace

index_t stream_cols(const std::vector<Layer>& layers) {
    index_t cols = 0;
    for (const Layer& layer : layers) {
        cols = std::max(cols, layer.residual ? layer.out : 0);
    }
    return cols;
}

template <class T>
MatrixView<T> add_sums(const KernelTable<T>& kernels, const Layer& layer, MatrixView<T> y,
                       MatrixView<T> stream) {
    if (layer.residual) {
        kernels.add(y.rows, y.cols, y.data, y.stride, stream.data, stream.stride, stream.data,
                    stream.stride);
        return stream;
    }
    if (y.cols <= stream.cols) {
        copy_rows(y.constant(), y.cols, stream);
    }
    return y;
}

template <class T>
void pass_on(const KernelTable<T>& kernels, const Layer& layer, MatrixView<const T> x,
             MatrixView<T> y, MatrixView<T> stream, T* inverse_deviations) {
    if (!layer.normalizes) {
        kernels.add(y.rows, y.cols, y.data, y.stride, x.data, x.stride, y.data, y.stride);
        return;
    }
    const MatrixView<T> sums = add_sums(kernels, layer, y, stream);
    kernels.layer_norm(y.rows, y.cols, sums.data, sums.stride, y.data, y.stride,
                       inverse_deviations);
}

template <class T>
void pass_back(const KernelTable<T>& kernels, const Layer& layer, const Layer& above,
               MatrixView<const T> y, const T* inverse_deviations, MatrixView<T> d,
               MatrixView<T> stream) {
    if (layer.normalizes) {
        kernels.layer_norm_backward(d.rows, d.cols, y.data, y.stride, inverse_deviations, d.data,
                                    d.stride);
    }
    add_sums_back(kernels, layer, above, d, stream);
}

template <class T>
void add_sums_back(const KernelTable<T>& kernels, const Layer& layer, const Layer& above,
                   MatrixView<T> d, MatrixView<T> stream) {
    if (above.residual) {
        kernels.add(d.rows, d.cols, d.data, d.stride, stream.data, stream.stride, d.data, d.stride);
    }
    if (layer.residual) {
        copy_rows(d.constant(), round_up(d.cols, kernels.lanes), stream);
    }
}

#define BRISKMLP_INSTANTIATE(T)                                                                    \
    template MatrixView<T> add_sums(const KernelTable<T>&, const Layer&, MatrixView<T>,            \
                                    MatrixView<T>);                                                \
    template void add_sums_back(const KernelTable<T>&, const Layer&, const Layer&, MatrixView<T>,  \
                                MatrixView<T>);                                                    \
    template void pass_on(const KernelTable<T>&, const Layer&, MatrixView<const T>, MatrixView<T>, \
                          MatrixView<T>, T*);                                                      \
    template void pass_back(const KernelTable<T>&, const Layer&, const Layer&,                     \
                            MatrixView<const T>, const T*, MatrixView<T>, MatrixView<T>);
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
