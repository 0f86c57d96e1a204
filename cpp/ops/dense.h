// A dense layer on a stretch of rows: y = f(x W + b) and its two backward passes, each one matmul
// with its epilogue. Shapes: x (M, K), W (K, N), y (M, N). Strides are in elements. "Padded" is
// rounded up to whole vectors; every matrix that is written has room for padded rows.
#pragma once

#include "base/matrix_view.h"
#include "kernels/table.h"

namespace briskmlp {

// Whether layers of so few outputs have kernels of their own, which read W transposed.
template <class T>
bool is_narrow(const KernelTable<T>& kernels, index_t outputs) {
    return outputs <= kernels.narrow;
}

// y = f(x W + b), with w (K + 1, N): the weights, then the bias; or f(x W) where w is (K, N). wt is
// (N, K), W transposed: a narrow layer is faster with it, others need none. When `slope` has data
// it receives f'(x W + b) where derivative_from_output(activation) is false, and is left alone
// otherwise. `scratch`, unless null, is what blocked_gemm needs for weights whose rows collide in
// the caches. Its views come by reference: a copy of one that was just written, 8 bytes at a time,
// is read 16 bytes at a time, which waits for the writes, and a single row has no time for that.
template <class T>
void dense_forward(const KernelTable<T>& kernels, Activation activation,
                   const MatrixView<const T>& x, const MatrixView<const T>& w,
                   const MatrixView<const T>& wt, const MatrixView<T>& y,
                   const MatrixView<T>& slope, T* scratch = nullptr);

// The activation alone, in place; `slope` as for dense_forward.
template <class T>
void dense_activate(const KernelTable<T>& kernels, Activation activation, MatrixView<T> y,
                    MatrixView<T> slope);

// f'(x W + b) into `slope` also where derivative_from_output(activation), from y: before y becomes
// something else, so that the backward pass can do without it.
template <class T>
void dense_slope(const KernelTable<T>& kernels, Activation activation, MatrixView<const T> y,
                 MatrixView<T> slope);

// Leaves units out of y, after the activation, and out of `slope`, which has f'(x W + b).
template <class T>
void dense_drop(const KernelTable<T>& kernels, const Dropped<T>& dropped, MatrixView<T> y,
                MatrixView<T> slope);

// And its derivative alone: d *= f'(x W + b), from the slope that the forward pass left, or from y
// if slope has no data.
template <class T>
void dense_backward_activation(const KernelTable<T>& kernels, Activation activation,
                               MatrixView<const T> y, MatrixView<const T> slope, MatrixView<T> d);

// d_x = (d_y W^T) * g'(x), where x = g(...) is the output of the layer below and wt is (N, K), W
// transposed. `slope` is what the forward pass stored for the layer below, if anything.
template <class T>
void dense_backward_input(const KernelTable<T>& kernels, Activation below, MatrixView<const T> d_y,
                          MatrixView<const T> wt, MatrixView<const T> x, MatrixView<const T> slope,
                          MatrixView<T> d_x);

// d_w = x^T d_y, added to d_w when `start` is kContinue. x is the corner of a (M, K + 1) matrix
// whose last column is 1, so that the last row of d_w is the gradient of the bias.
template <class T>
void dense_backward_weights(const KernelTable<T>& kernels, MatrixView<const T> x,
                            MatrixView<const T> d_y, GemmStart start, MatrixView<T> d_w);

}  // namespace briskmlp
