// Sums of matrices, in a fixed order: what chunks or shards of work each have a part of.
#pragma once

#include "base/matrix_view.h"
#include "kernels/table.h"

namespace briskmlp {

// sum = term(0) + ... + term(count - 1), all of sum's shape, count >= 2; padded as kernels.add has
// it.
template <class T, class Term>
void sum_matrices(const KernelTable<T>& kernels, index_t count, Term term, MatrixView<T> sum) {
    MatrixView<const T> so_far = term(0);
    for (index_t i = 1; i < count; ++i) {
        const MatrixView<const T> next = term(i);
        kernels.add(sum.rows, sum.cols, so_far.data, so_far.stride, next.data, next.stride,
                    sum.data, sum.stride);
        so_far = sum.constant();
    }
}

}  // namespace briskmlp
