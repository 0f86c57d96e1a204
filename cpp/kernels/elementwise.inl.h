// Sums of matrices.
#pragma once

#include "kernels/inline.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
void add_rows(index_t rows, index_t cols, const T* a, index_t lda, const T* b, index_t ldb, T* y,
              index_t ldy) {
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += Vec<T>::kLanes) {
            (Vec<T>::load(a + r * lda + j) + Vec<T>::load(b + r * ldb + j)).store(y + r * ldy + j);
        }
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
