// Sums and products that keep, or make up for, what rounding loses, with FMA and without: the means
// by which elementary.inl.h and activation.inl.h stay accurate where digits cancel or are
// magnified.
#pragma once

#include "kernels/inline.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
BRISKMLP_INLINE Vec<T> constant(double value) {
    return Vec<T>::set(static_cast<T>(value));
}

// A number as the unevaluated sum of two, the second at most half a unit of the first.
template <class T>
struct Pair {
    Vec<T> high, low;
};

// a b without error (barring underflow). Without FMA by Dekker's method: |a|, |b| < 2^100.
template <class T>
BRISKMLP_INLINE Pair<T> exact_product(Vec<T> a, Vec<T> b) {
    const Vec<T> high = a * b;
    if constexpr (kFused) {
        return {high, fma(a, b, -high)};
    } else {
        const Vec<T> splitter = constant<T>(sizeof(T) == 4 ? 0x1p12 + 1 : 0x1p27 + 1);
        const Vec<T> ta = a * splitter, tb = b * splitter;
        const Vec<T> a1 = ta - (ta - a), b1 = tb - (tb - b);
        const Vec<T> a2 = a - a1, b2 = b - b1;
        return {high, ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2};
    }
}

// a b + c, nearly without error where c - (a b + c) is a number of the type.
template <class T>
BRISKMLP_INLINE Pair<T> multiply_add(Vec<T> a, Vec<T> b, Vec<T> c) {
    if constexpr (kFused) {
        const Vec<T> high = fma(a, b, c);
        return {high, fma(a, b, c - high)};
    } else {
        const Pair<T> product = exact_product(a, b);
        const Vec<T> high = product.high + c;
        return {high, (product.high - (high - c)) + product.low};
    }
}

// a b + c, rounded once with FMA, and without it nearly so where |c| is below |a b|.
template <class T>
BRISKMLP_INLINE Vec<T> fma_once(Vec<T> a, Vec<T> b, Vec<T> c) {
    if constexpr (kFused) {
        return fma(a, b, c);
    } else {
        const Pair<T> product = exact_product(a, b);
        return product.high + (product.low + c);
    }
}

// c - q d without error, for q = c / d but for a rounding error or two.
template <class T>
BRISKMLP_INLINE Vec<T> remainder(Vec<T> c, Vec<T> q, Vec<T> d) {
    if constexpr (kFused) {
        return fnma(q, d, c);
    } else {
        const Pair<T> product = exact_product(q, d);
        return (c - product.high) - product.low;
    }
}

// a b - c, rounded once, for c near a b.
template <class T>
BRISKMLP_INLINE Vec<T> excess(Vec<T> a, Vec<T> b, Vec<T> c) {
    if constexpr (kFused) {
        return fms(a, b, c);
    } else {
        const Pair<T> product = exact_product(a, b);
        return (product.high - c) + product.low;
    }
}

// a + b without error, for |a| >= |b| (Dekker, 1971).
template <class T>
BRISKMLP_INLINE Pair<T> ordered_sum(Vec<T> a, Vec<T> b) {
    const Vec<T> high = a + b;
    return {high, b - (high - a)};
}

// a + b without error (Knuth, 1969).
template <class T>
BRISKMLP_INLINE Pair<T> sum(Vec<T> a, Vec<T> b) {
    const Vec<T> high = a + b, rest = high - a;
    return {high, (a - (high - rest)) + (b - rest)};
}

// c / (d.high + d.low), its rounding aside nearly without error.
template <class T>
BRISKMLP_INLINE Vec<T> divide(Pair<T> c, Pair<T> d) {
    const Vec<T> inverse = constant<T>(1) / d.high, q = c.high * inverse;
    const Vec<T> rest = fnma(q, d.low, remainder(c.high, q, d.high) + c.low);
    return fma(rest, inverse, q);
}
template <class T>
BRISKMLP_INLINE Pair<T> divide(Vec<T> c, Pair<T> d) {
    const Vec<T> inverse = constant<T>(1) / d.high, q = c * inverse;
    return ordered_sum(q, fnma(q, d.low, remainder(c, q, d.high)) * inverse);
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
