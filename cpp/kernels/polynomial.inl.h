// Polynomials over vectors. Coefficients ascend; K is the first that is used.
#pragma once

#include "kernels/inline.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// c(K) + c(K + 1) x + ..., N - K terms, by Horner's rule.
template <int K, int N, class V, class Coefficients>
BRISKMLP_INLINE V horner(V x, Coefficients c) {
    if constexpr (K == N - 1) {
        return c(K);
    } else {
        return fma(x, horner<K + 1, N>(x, c), c(K));
    }
}
template <int K = 0, class T, int N>
BRISKMLP_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[N]) {
    return horner<K, N>(x, [&](int k) BRISKMLP_INLINE_LAMBDA { return Vec<T>::set(c[k]); });
}
// The polynomial of coefficients a where the mask is set, else b.
template <class T, int N>
BRISKMLP_INLINE Vec<T> polynomial(typename Vec<T>::Mask mask, Vec<T> x, const T (&a)[N],
                                  const T (&b)[N]) {
    return horner<0, N>(x, [&](int k) BRISKMLP_INLINE_LAMBDA {
        return select(mask, Vec<T>::set(a[k]), Vec<T>::set(b[k]));
    });
}
// The same in pairs of terms, given x^2: half as long to wait for, and no more work where x^2 is
// there already.
template <int K = 0, class T, int N>
BRISKMLP_INLINE Vec<T> polynomial_in_pairs(Vec<T> x, Vec<T> square, const T (&c)[N]) {
    if constexpr (K == N - 1) {
        return Vec<T>::set(c[K]);
    } else {
        const Vec<T> pair = fma(x, Vec<T>::set(c[K + 1]), Vec<T>::set(c[K]));
        if constexpr (K == N - 2) {
            return pair;
        } else {
            return fma(square, polynomial_in_pairs<K + 2>(x, square, c), pair);
        }
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
