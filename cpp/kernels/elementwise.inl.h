// The elementary functions as kernels over arrays, and sums of matrices.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T, Vec<T> (*kFunction)(Vec<T>)>
void elementwise(index_t n, const T* x, T* y) {
    for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
        store_lanes(kFunction(load_lanes(x + j, lanes)), y + j, lanes);
    });
}

template <class T>
void add_rows(index_t rows, index_t cols, const T* a, index_t lda, const T* b, index_t ldb, T* y,
              index_t ldy) {
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += Vec<T>::kLanes) {
            (Vec<T>::load(a + r * lda + j) + Vec<T>::load(b + r * ldb + j)).store(y + r * ldy + j);
        }
    }
}

template <class T>
constexpr ElementaryTable<T> kElementary = {
    elementwise<T, exp<T>>,     elementwise<T, expm1<T>>,    elementwise<T, log<T>>,
    elementwise<T, log1p<T>>,   elementwise<T, erf<T>>,      elementwise<T, tanh<T>>,
    elementwise<T, sigmoid<T>>, elementwise<T, softplus<T>>, elementwise<T, log_sigmoid<T>>,
};

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
