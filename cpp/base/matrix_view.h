// A non-owning view of a row-major matrix. It neither checks bounds nor owns memory.
#pragma once

#include "base/types.h"

namespace briskmlp {

template <class T>
struct MatrixView {
    T* data;  // (rows, cols) row-major
    index_t rows;
    index_t cols;
    index_t stride;  // elements from one row to the next, >= cols

    T* row(index_t r) const { return data + r * stride; }
    // Columns [first, first + count).
    MatrixView columns(index_t first, index_t count) const {
        return {data + first, rows, count, stride};
    }
    MatrixView<const T> constant() const { return {data, rows, cols, stride}; }
};

}  // namespace briskmlp
