// Reading rows of a user's array, of any real type and any strides, into contiguous rows of the
// network's type.
#pragma once

#include "base/types.h"

namespace briskmlp {

// A user's matrix as it lies in memory: dense, with strides in bytes that may be zero or negative;
// or sparse in CSR, if it has `starts`: then of row r the entries numbered [starts[r], starts[r +
// 1]) of `data` stand in the columns of the same numbers, added up where one comes twice, and the
// rest is zero.
struct InputMatrix {
    const void* data;
    DType dtype;
    index_t rows, cols;
    index_t row_stride, col_stride;  // 0 when sparse
    const std::int64_t* starts = nullptr;
    const std::int32_t* columns = nullptr;

    bool is_sparse() const { return starts != nullptr; }
    InputMatrix rows_from(index_t first, index_t count) const {
        return {static_cast<const char*>(data) + first * row_stride,
                dtype,
                count,
                cols,
                row_stride,
                col_stride,
                is_sparse() ? starts + first : nullptr,
                columns};
    }
};

// dst (count, cols), stride lddst = the rows of x numbered index[0 ... count), or the first `count`
// rows when index is null.
template <class T>
void gather_rows(const InputMatrix& x, const std::uint32_t* index, index_t count, T* dst,
                 index_t lddst);

// x as (rows, cols) of T that can be read in place, or null when it must be gathered. The row
// stride in elements goes to *stride.
template <class T>
const T* in_place(const InputMatrix& x, index_t* stride);

// The entries of a sparse x if they are T and can be read in place, else null.
template <class T>
const T* sparse_in_place(const InputMatrix& x);

struct Position {
    index_t row, col;
};
// The first entry of a dense matrix, in row-major order, that is NaN or infinite; {-1, -1} when
// there is none.
Position find_nonfinite(const InputMatrix& x);

}  // namespace briskmlp
