// Functions of arrays: the loop that makes a kernel of a function of vectors, and their table.
#pragma once

#include "kernels/activation.inl.h"
#include "kernels/derivative.inl.h"
#include "kernels/elementary.inl.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
BRISKMLP_INLINE Vec<T> relu(Vec<T> x) {
    return Relu::value(x);
}
template <class T>
BRISKMLP_INLINE Vec<T> selu(Vec<T> x) {
    return Selu::value(x);
}
template <class T>
BRISKMLP_INLINE Vec<T> leaky_relu(Vec<T> x, Vec<T> slope) {
    return select(x > Vec<T>::zero(), x, slope * x);
}
template <class T>
BRISKMLP_INLINE Vec<T> elu(Vec<T> x, Vec<T> alpha) {
    const Vec<T> zero = Vec<T>::zero();
    return select(x > zero, x, alpha * expm1(min(zero, x)));
}
// Gelu::forward without the slope and with the rounding errors that it tolerates made good: those
// of E, y and w, and of their product. The power of 2 in E comes last, so that nothing of what
// makes them good is lost where results are denormal.
template <class T>
BRISKMLP_INLINE Vec<T> gelu(Vec<T> x) {
    using C = Coefficients<T>;
    const Vec<T> half = constant<T>(0.5), bend = Vec<T>::set(C::kGeluBend);
    const Vec<T> saturated = Vec<T>::set(ActivationLimits<T>::kGeluSaturated);
    const Vec<T> bounded = min(saturated, x);
    const Vec<T> t = max(bounded, min(Vec<T>::set(ActivationLimits<T>::kGelu), -x));
    const Pair<T> square = exact_product(t, t);
    const ReducedExactly<T> e(-half * square.high, -half * square.low);
    const Pair<T> y = divide(t, ordered_sum(max(bend, t), min(bend, t)));
    const Vec<T> z = y.high - half, further = polynomial<1>(z, C::kGeluTail);
    const Pair<T> w = multiply_add(z, further, Vec<T>::set(C::kGeluTail[0]));
    const Pair<T> product = multiply_add(w.high, e.r, w.high);
    const Vec<T> w_low = fma(y.low, further, w.low + Vec<T>::set(C::kGeluTailLow));
    const Vec<T> low = product.low + fma(w.high, e.tail(), fma(w_low, e.r, w_low));
    const Vec<T> tail = product.high + low;
    const Vec<T> positive = scale(max(Vec<T>::zero(), bounded), -e.n);
    const Vec<T> result = fnma(y.high, tail, positive);
    const Vec<T> lost = remainder(positive - result, y.high, tail);
    return select(x > saturated, x, scale(result + fnma(y.low, tail, lost), e.n));
}
template <class Op, class T>
BRISKMLP_INLINE Vec<T> value_of(Vec<T> x) {
    Vec<T> slope;
    return Op::forward(x, slope);
}

template <class T, class... Operand>
constexpr int arity(Vec<T> (*)(Operand...)) {
    return static_cast<int>(sizeof...(Operand));
}

// The lanes past the end repeat an element: what they raise and which branch they take is as it
// would be without them.
template <class T>
BRISKMLP_INLINE Vec<T> load_repeating(const T* p, int lanes) {
    return lanes == Vec<T>::kLanes
               ? Vec<T>::load(p)
               : select(first_lanes<T>(lanes), Vec<T>::load_partial(p, lanes), Vec<T>::set(*p));
}

template <class T, auto kFunction>
void pointwise(index_t n, const T* const* in, T* out) {
    constexpr int kArity = arity(kFunction);
    const T* const a = in[0];
    const T* const b = in[kArity > 1 ? 1 : 0];
    const T* const c = in[kArity > 2 ? 2 : 0];
    for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
        const Vec<T> x = load_repeating(a + j, lanes);
        Vec<T> y;
        if constexpr (kArity == 1) {
            y = kFunction(x);
        } else if constexpr (kArity == 2) {
            y = kFunction(x, load_repeating(b + j, lanes));
        } else {
            y = kFunction(x, load_repeating(b + j, lanes), load_repeating(c + j, lanes));
        }
        store_lanes(y, out + j, lanes);
    });
}

template <class T>
constexpr FunctionTable<T> make_functions() {
    FunctionTable<T> f{};
    f.exp = pointwise<T, exp<T>>;
    f.expm1 = pointwise<T, expm1<T>>;
    f.log = pointwise<T, log<T>>;
    f.log1p = pointwise<T, log1p<T>>;
    f.erf = pointwise<T, erf<T>>;
    f.tanh = pointwise<T, tanh<T>>;
    f.sigmoid = pointwise<T, sigmoid<T>>;
    f.softplus = pointwise<T, softplus<T>>;
    f.log_sigmoid = pointwise<T, log_sigmoid<T>>;
    f.relu = pointwise<T, relu<T>>;
    f.selu = pointwise<T, selu<T>>;
    f.gelu = pointwise<T, gelu<T>>;
    f.gelu_tanh = pointwise<T, value_of<GeluTanh<true>, T>>;
    f.silu = pointwise<T, value_of<Silu<true>, T>>;
    f.mish = pointwise<T, value_of<Mish<true>, T>>;
    f.leaky_relu = pointwise<T, leaky_relu<T>>;
    f.elu = pointwise<T, elu<T>>;

    f.d_exp = pointwise<T, d_exp<T>>;
    f.d_expm1 = pointwise<T, d_expm1<T>>;
    f.d_log = pointwise<T, d_log<T>>;
    f.d_log1p = pointwise<T, d_log1p<T>>;
    f.d_erf = pointwise<T, d_erf<T>>;
    f.d_tanh = pointwise<T, d_from_output<Tanh, T>>;
    f.d_sigmoid = pointwise<T, d_from_output<Sigmoid, T>>;
    f.d_softplus = pointwise<T, d_from_output<Softplus, T>>;
    f.d_log_sigmoid = pointwise<T, d_log_sigmoid<T>>;
    f.d_relu = pointwise<T, d_from_output<Relu, T>>;
    f.d_selu = pointwise<T, d_from_output<Selu, T>>;
    f.d_gelu = pointwise<T, d_from_input<Gelu, T>>;
    f.d_gelu_tanh = pointwise<T, d_from_input<GeluTanh<>, T>>;
    f.d_silu = pointwise<T, d_from_input<Silu<>, T>>;
    f.d_mish = pointwise<T, d_from_input<Mish<>, T>>;
    f.d_leaky_relu = pointwise<T, d_leaky_relu<T>>;
    f.d_elu = pointwise<T, d_elu<T>>;
    return f;
}

template <class T>
constexpr FunctionTable<T> kFunctions = make_functions<T>();

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
