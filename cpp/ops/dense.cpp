#include "ops/dense.h"

#include <algorithm>

#include "ops/gemm.h"

namespace briskmlp {
namespace {

template <class T>
Gemm<T> multiply(MatrixView<const T> a, MatrixView<const T> b, MatrixView<T> c) {
    return {c.rows, c.cols, a.cols, a.data, a.stride, 1, b.data, b.stride, c.data, c.stride};
}

// Any activation whose derivative the forward pass stores: its backward kernel multiplies by that.
constexpr Activation kStored = Activation::kGelu;

}  // namespace

template <class T>
void dense_forward(const KernelTable<T>& kernels, Activation activation,
                   const MatrixView<const T>& x, const MatrixView<const T>& w,
                   const MatrixView<const T>& wt, const MatrixView<T>& y,
                   const MatrixView<T>& slope, T* scratch) {
    const T* const bias = w.rows > x.cols ? w.row(x.cols) : nullptr;
    if (wt.data != nullptr && is_narrow(kernels, w.cols)) {
        kernels.narrow_forward(x.rows, w.cols, x.cols, x.data, x.stride, wt.data, wt.stride, bias,
                               y.data, y.stride);
        dense_activate(kernels, activation, y, slope);
        return;
    }
    Gemm<T> gemm = multiply(x, w, y);
    gemm.start = bias == nullptr ? GemmStart::kZero : GemmStart::kBias;
    gemm.bias = bias;
    if (activation == Activation::kRelu) {
        gemm.finish = GemmFinish::kRelu;
    } else if (activation != Activation::kIdentity) {
        gemm.finish = GemmFinish::kForward;
        gemm.forward = kernels.activation_forward[static_cast<int>(activation)];
        gemm.slope = derivative_from_output(activation) ? nullptr : slope.data;
        gemm.ldslope = slope.stride;
    }
    blocked_gemm(kernels, gemm, scratch);
}

template <class T>
void dense_activate(const KernelTable<T>& kernels, Activation activation, MatrixView<T> y,
                    MatrixView<T> slope) {
    if (activation != Activation::kIdentity) {
        kernels.activation_forward[static_cast<int>(activation)](
            y.rows, y.cols, y.data, y.stride, y.data, y.stride,
            derivative_from_output(activation) ? nullptr : slope.data, slope.stride);
    }
}

template <class T>
void dense_slope(const KernelTable<T>& kernels, Activation activation, MatrixView<const T> y,
                 MatrixView<T> slope) {
    if (derivative_from_output(activation)) {
        for (index_t r = 0; r < y.rows; ++r) {
            std::fill_n(slope.row(r), y.cols, T(1));
        }
        dense_backward_activation(kernels, activation, y, {}, slope);
    }
}

template <class T>
void dense_drop(const KernelTable<T>& kernels, const Dropped<T>& dropped, MatrixView<T> y,
                MatrixView<T> slope) {
    kernels.drop(dropped, y.rows, y.cols, y.data, y.stride, slope.data, slope.stride);
}

template <class T>
void dense_backward_activation(const KernelTable<T>& kernels, Activation activation,
                               MatrixView<const T> y, MatrixView<const T> slope, MatrixView<T> d) {
    const MatrixView<const T> source = slope.data == nullptr ? y : slope;
    const Activation kind = slope.data == nullptr ? activation : kStored;
    if (kind != Activation::kIdentity) {
        kernels.activation_backward[static_cast<int>(kind)](d.rows, d.cols, source.data,
                                                            source.stride, d.data, d.stride);
    }
}

template <class T>
void dense_backward_input(const KernelTable<T>& kernels, Activation below, MatrixView<const T> d_y,
                          MatrixView<const T> wt, MatrixView<const T> x, MatrixView<const T> slope,
                          MatrixView<T> d_x) {
    Gemm<T> gemm = multiply(d_y, wt, d_x);
    const MatrixView<const T> source = slope.data == nullptr ? x : slope;
    const Activation kind = slope.data == nullptr ? below : kStored;
    if (kind != Activation::kIdentity) {
        gemm.finish = kind == Activation::kRelu ? GemmFinish::kReluGrad : GemmFinish::kBackward;
        gemm.backward = kernels.activation_backward[static_cast<int>(kind)];
        gemm.source = source.data;
        gemm.ldsource = source.stride;
    }
    kernels.gemm(gemm);
}

template <class T>
void dense_backward_weights(const KernelTable<T>& kernels, MatrixView<const T> x,
                            MatrixView<const T> d_y, GemmStart start, MatrixView<T> d_w) {
    if (is_narrow(kernels, d_w.cols)) {
        kernels.narrow_gradient(d_y.rows, d_w.cols, d_w.rows, x.data, x.stride, d_y.data,
                                d_y.stride, start == GemmStart::kContinue, d_w.data, d_w.stride);
        return;
    }
    Gemm<T> gemm{d_w.rows, d_w.cols, d_y.rows,   x.data,   1,
                 x.stride, d_y.data, d_y.stride, d_w.data, d_w.stride};
    gemm.start = start;
    kernels.gemm(gemm);
}

#define BRISKMLP_INSTANTIATE(T)                                                                    \
    template void dense_forward(const KernelTable<T>&, Activation, const MatrixView<const T>&,     \
                                const MatrixView<const T>&, const MatrixView<const T>&,            \
                                const MatrixView<T>&, const MatrixView<T>&, T*);                   \
    template void dense_activate(const KernelTable<T>&, Activation, MatrixView<T>, MatrixView<T>); \
    template void dense_slope(const KernelTable<T>&, Activation, MatrixView<const T>,              \
                              MatrixView<T>);                                                      \
    template void dense_drop(const KernelTable<T>&, const Dropped<T>&, MatrixView<T>,              \
                             MatrixView<T>);                                                       \
    template void dense_backward_activation(const KernelTable<T>&, Activation,                     \
                                            MatrixView<const T>, MatrixView<const T>,              \
                                            MatrixView<T>);                                        \
    template void dense_backward_input(const KernelTable<T>&, Activation, MatrixView<const T>,     \
                                       MatrixView<const T>, MatrixView<const T>,                   \
                                       MatrixView<const T>, MatrixView<T>);                        \
    template void dense_backward_weights(const KernelTable<T>&, MatrixView<const T>,               \
                                         MatrixView<const T>, GemmStart, MatrixView<T>);
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
