// A dense layer on sparse rows, which are read as they lie in a user's matrix: as many
// multiply-adds as there are entries, with the bits of ops/dense.h on the same rows made dense.
#pragma once

#include <vector>

#include "base/matrix_view.h"
#include "kernels/table.h"
#include "ops/gather.h"

namespace briskmlp {

// Some rows of a matrix that suits_sparse.
struct SparseRows {
    const InputMatrix* matrix;
    const std::uint32_t* numbers;  // (rows)
    index_t rows;
};

// The most entries that so many different rows of a sparse matrix have together.
index_t most_entries(const InputMatrix& x, index_t rows);

// Whether a layer of so many outputs can read the rows of a matrix so: those of few outputs have
// dense kernels that add up in another order.
template <class T>
bool suits_sparse(const KernelTable<T>& kernels, const InputMatrix& x, index_t outputs);

// As dense_forward, with w (K + 1, N).
template <class T>
void sparse_forward(const KernelTable<T>& kernels, Activation activation, const SparseRows& x,
                    MatrixView<const T> w, MatrixView<T> y, MatrixView<T> slope);

// As dense_backward_weights for rows [first, first + d_w.rows) of d_w, of which row K is that of
// the biases.
template <class T>
void sparse_backward_weights(const KernelTable<T>& kernels, const SparseRows& x, index_t first,
                             MatrixView<const T> d_y, GemmStart start, MatrixView<T> d_w);

// The entries of some rows by column, so that each row of d_w is written once, by whoever needs it.
template <class T>
class SparseColumns {
  public:
    // Room for so many rows and entries of a matrix of `cols` columns.
    void reserve(index_t rows, index_t entries, index_t cols);

    // Of a matrix that suits_sparse. Allocates nothing where there is room.
    void sort(const SparseRows& x);

    // As sparse_backward_weights, the bits too, for the rows that were sorted.
    void backward_weights(const KernelTable<T>& kernels, index_t first, MatrixView<const T> d_y,
                          MatrixView<T> d_w) const;

  private:
    // Entries [starts_[k], starts_[k + 1]) stand in column k; after the last is that of ones.
    std::vector<std::int64_t> starts_, next_;
    std::vector<std::int32_t> rows_;
    std::vector<T> values_;
};

}  // namespace briskmlp
