// A non-owning view of a matrix that lies anywhere in memory: any strides, in elements, may be
// negative or 0. matrix_view.h has the plain one, with rows of neighbours.
#pragma once

#include "base/types.h"

namespace briskmlp {

template <class T>
struct StridedMatrix {
    T* data;
    index_t rows, cols;
    index_t row, col;  // element (r, c) is data[r * row + c * col]

    StridedMatrix transposed() const { return {data, cols, rows, col, row}; }
    // The (count_rows, count_cols) block at (first_row, first_col).
    StridedMatrix block(index_t first_row, index_t count_rows, index_t first_col,
                        index_t count_cols) const {
        return {data + first_row * row + first_col * col, count_rows, count_cols, row, col};
    }
    StridedMatrix moved(index_t elements) const { return {data + elements, rows, cols, row, col}; }
};

}  // namespace briskmlp
