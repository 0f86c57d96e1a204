// d_x = d_y f'(x) over vectors, for functions of arrays. What is passed beside d_y is the output y
// where the derivative follows from it, as in training, and x where it does not; the name of the
// second operand says which. Within a few units of epsilon times |d_y| max |f'|.
#pragma once

#include "kernels/activation.inl.h"
#include "kernels/elementary.inl.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
BRISKMLP_INLINE Vec<T> d_exp(Vec<T> d_y, Vec<T> y) {
    return d_y * y;
}
template <class T>
BRISKMLP_INLINE Vec<T> d_expm1(Vec<T> d_y, Vec<T> y) {
    return d_y * (y + constant<T>(1));
}
template <class T>
BRISKMLP_INLINE Vec<T> d_log(Vec<T> d_y, Vec<T> x) {
    return d_y / x;
}
template <class T>
BRISKMLP_INLINE Vec<T> d_log1p(Vec<T> d_y, Vec<T> x) {
    return d_y / (x + constant<T>(1));
}
// 2 / sqrt(pi) e^(-x^2)
template <class T>
BRISKMLP_INLINE Vec<T> d_erf(Vec<T> d_y, Vec<T> x) {
    const Vec<T> t = min(Vec<T>::set(T(30)), abs(x));  // e^(-t^2) is 0 beyond
    const Pair<T> square = exact_product(t, t);
    const Exponential<T> e(-square.high, -square.low);
    return d_y * (e.value() * Vec<T>::set(Limits<T>::kTwoOverSqrtPi));
}
template <class T>
BRISKMLP_INLINE Vec<T> d_log_sigmoid(Vec<T> d_y, Vec<T> y) {
    return d_y * -expm1(y);
}
template <class T>
BRISKMLP_INLINE Vec<T> d_leaky_relu(Vec<T> d_y, Vec<T> x, Vec<T> slope) {
    return d_y * select(x > Vec<T>::zero(), constant<T>(1), slope);
}
template <class T>
BRISKMLP_INLINE Vec<T> d_elu(Vec<T> d_y, Vec<T> y, Vec<T> alpha) {
    return d_y * select(y > Vec<T>::zero(), constant<T>(1), y + alpha);
}

// An activation's, from y.
template <class Op, class T>
BRISKMLP_INLINE Vec<T> d_from_output(Vec<T> d_y, Vec<T> y) {
    return d_y * Op::slope(y);
}
// An activation's, from x.
template <class Op, class T>
BRISKMLP_INLINE Vec<T> d_from_input(Vec<T> d_y, Vec<T> x) {
    Vec<T> slope;
    Op::forward(x, slope);
    return d_y * slope;
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
