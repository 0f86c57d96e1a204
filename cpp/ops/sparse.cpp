#include "ops/sparse.h"

#include <algorithm>

#include "ops/dense.h"

namespace briskmlp {

template <class T>
bool suits_sparse(const KernelTable<T>& kernels, const InputMatrix& x, index_t outputs) {
    return sparse_in_place<T>(x) != nullptr && x.ascending && outputs > 1 &&
           !is_narrow(kernels, outputs);
}

template <class T>
void sparse_forward(const KernelTable<T>& kernels, Activation activation, const SparseRows& x,
                    MatrixView<const T> w, MatrixView<T> y, MatrixView<T> slope) {
    const T* const values = sparse_in_place<T>(*x.matrix);
    for (index_t r = 0; r < x.rows; ++r) {
        kernels.sparse_forward(1, y.cols, x.matrix->starts + x.numbers[r], x.matrix->columns,
                               values, w.data, w.stride, w.row(x.matrix->cols), y.row(r), y.stride);
    }
    dense_activate(kernels, activation, y, slope);
}

template <class T>
void sparse_backward_weights(const KernelTable<T>& kernels, const SparseRows& x, index_t first,
                             MatrixView<const T> d_y, GemmStart start, MatrixView<T> d_w) {
    const InputMatrix& matrix = *x.matrix;
    const T* const values = sparse_in_place<T>(matrix);
    const index_t cols = round_up(d_w.cols, kernels.lanes), end = first + d_w.rows;
    for (index_t r = 0; start == GemmStart::kZero && r < d_w.rows; ++r) {
        std::fill_n(d_w.row(r), cols, T(0));
    }
    const std::int32_t bias_row = 0;
    const T one = 1;
    for (index_t r = 0; r < x.rows; ++r) {
        const std::int32_t* const begin = matrix.columns + matrix.starts[x.numbers[r]];
        const std::int32_t* const stop = matrix.columns + matrix.starts[x.numbers[r] + 1];
        const std::int32_t* const from = std::lower_bound(begin, stop, first);
        const std::int32_t* const to = std::lower_bound(from, stop, end);
        kernels.sparse_gradient(to - from, from, values + (from - matrix.columns), first, cols,
                                d_y.row(r), d_w.data, d_w.stride);
        if (end > matrix.cols) {  // the column of ones
            kernels.sparse_gradient(1, &bias_row, &one, 0, cols, d_y.row(r),
                                    d_w.row(matrix.cols - first), d_w.stride);
        }
    }
}

#define BRISKMLP_INSTANTIATE(T)                                                              \
    template bool suits_sparse(const KernelTable<T>&, const InputMatrix&, index_t);          \
    template void sparse_forward(const KernelTable<T>&, Activation, const SparseRows&,       \
                                 MatrixView<const T>, MatrixView<T>, MatrixView<T>);         \
    template void sparse_backward_weights(const KernelTable<T>&, const SparseRows&, index_t, \
                                          MatrixView<const T>, GemmStart, MatrixView<T>);
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
