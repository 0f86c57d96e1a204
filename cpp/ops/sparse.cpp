#include "ops/sparse.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "ops/dense.h"

namespace briskmlp {

index_t most_entries(const InputMatrix& x, index_t rows) {
    std::vector<index_t> entries(static_cast<std::size_t>(x.rows));
    for (index_t r = 0; r < x.rows; ++r) {
        entries[static_cast<std::size_t>(r)] = x.starts[r + 1] - x.starts[r];
    }
    const auto longest = entries.begin() + std::min(rows, x.rows);
    std::nth_element(entries.begin(), longest, entries.end(), std::greater<>());
    return std::accumulate(entries.begin(), longest, index_t{0});
}

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

template <class T>
void SparseColumns<T>::reserve(index_t rows, index_t entries, index_t cols) {
    const auto columns = static_cast<std::size_t>(cols + 2);  // that of ones, and an end
    const auto all = static_cast<std::size_t>(entries + rows);
    starts_.reserve(columns);
    next_.reserve(columns);
    rows_.reserve(all);
    values_.reserve(all);
}

template <class T>
void SparseColumns<T>::sort(const SparseRows& x) {
    const InputMatrix& matrix = *x.matrix;
    const T* const values = sparse_in_place<T>(matrix);
    const auto for_each_entry = [&](auto body) {
        for (index_t r = 0; r < x.rows; ++r) {
            const std::int64_t end = matrix.starts[x.numbers[r] + 1];
            for (std::int64_t i = matrix.starts[x.numbers[r]]; i < end; ++i) {
                body(r, static_cast<std::size_t>(matrix.columns[i]), values[i]);
            }
            body(r, static_cast<std::size_t>(matrix.cols), T(1));
        }
    };
    starts_.assign(static_cast<std::size_t>(matrix.cols + 2), 0);
    for_each_entry([&](index_t, std::size_t column, T) { ++starts_[column + 1]; });
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    next_.assign(starts_.begin(), starts_.end());
    rows_.resize(static_cast<std::size_t>(starts_.back()));
    values_.resize(rows_.size());
    for_each_entry([&](index_t r, std::size_t column, T value) {
        const auto place = static_cast<std::size_t>(next_[column]++);
        rows_[place] = static_cast<std::int32_t>(r);
        values_[place] = value;
    });
}

template <class T>
void SparseColumns<T>::backward_weights(const KernelTable<T>& kernels, index_t first,
                                        MatrixView<const T> d_y, MatrixView<T> d_w) const {
    // Vectors at a time, from zeros: a row of d_w is a sparse row times d_y.
    constexpr index_t kStep = 64;
    static const T zeros[kStep] = {};
    const index_t cols = round_up(d_w.cols, kernels.lanes);
    for (index_t col = 0; col < cols; col += kStep) {
        kernels.sparse_forward(d_w.rows, std::min(kStep, cols - col), starts_.data() + first,
                               rows_.data(), values_.data(), d_y.data + col, d_y.stride, zeros,
                               d_w.data + col, d_w.stride);
    }
}

#define BRISKMLP_INSTANTIATE(T)                                                              \
    template bool suits_sparse(const KernelTable<T>&, const InputMatrix&, index_t);          \
    template void sparse_forward(const KernelTable<T>&, Activation, const SparseRows&,       \
                                 MatrixView<const T>, MatrixView<T>, MatrixView<T>);         \
    template void sparse_backward_weights(const KernelTable<T>&, const SparseRows&, index_t, \
                                          MatrixView<const T>, GemmStart, MatrixView<T>);    \
    template class SparseColumns<T>;
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
