// Activations: value and derivative of each kind over vectors, and the two loops that make kernels
// of them. Nothing overflows on the way. Values are within 2 ULP, far tails and denormal results
// included, except where a comment says otherwise; tests/cpp/test_activation.cpp measures them.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/kinds.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Where |x| is larger, the tails of gelu, of silu and mish, and of gelu_tanh round to 0; where x is
// above kGeluSaturated or kGeluTanhSaturated, gelu(x) or gelu_tanh(x) rounds to x; and the
// constants of gelu_tanh, a with a few bits less than fit.
template <class T>
struct ActivationLimits;
template <>
struct ActivationLimits<float> {
    static constexpr float kGelu = 14.5f, kSilu = 110, kGeluTanh = 11;
    static constexpr float kGeluSaturated = 5.75f, kGeluTanhSaturated = 5.5f;
    static constexpr float kGeluTanhA = 0x1.98844p+0f, kGeluTanhALow = 0x1.33d436p-20f;
    static constexpr float kGeluTanhB = 0x1.2444f2p-4f, kGeluTanhBLow = 0x1.49b16ap-29f;
};
template <>
struct ActivationLimits<double> {
    static constexpr double kGelu = 38.75, kSilu = 752, kGeluTanh = 21.75;
    static constexpr double kGeluSaturated = 8.5, kGeluTanhSaturated = 8;
    static constexpr double kGeluTanhA = 0x1.9884533d4364p+0, kGeluTanhALow = 0x1.08d0fcb3c500cp-48;
    static constexpr double kGeluTanhB = 0x1.2444f2a4d8b4bp-4;
    static constexpr double kGeluTanhBLow = -0x1.6c843a29d1c7p-61;
};

// An activation whose derivative follows from its output: Op has value(z) and slope(y).
template <class Op>
struct FromOutput {
    template <class T>
    BRISKMLP_INLINE static Vec<T> forward(Vec<T> z, Vec<T>& slope) {
        const Vec<T> y = Op::value(z);
        slope = Op::slope(y);
        return y;
    }
};

// One whose forward pass stores its derivative, which is what the backward pass is given.
struct FromInput {
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> stored) {
        return stored;
    }
};

struct Identity : FromOutput<Identity> {
    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        return z;
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T>) {
        return constant<T>(1);
    }
};

struct Relu : FromOutput<Relu> {
    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        return max(Vec<T>::zero(), z);
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> y) {
        return select(y > Vec<T>::zero(), constant<T>(1), Vec<T>::zero());
    }
};

struct LeakyRelu : FromOutput<LeakyRelu> {
    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        return max(z * constant<T>(kLeakySlope), z);
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> y) {
        return select(y > Vec<T>::zero(), constant<T>(1), constant<T>(kLeakySlope));
    }
};

// `above` where z is over 0, below (e^z - 1) under it, where the derivative is y + below.
template <class T>
BRISKMLP_INLINE Vec<T> elu_value(Vec<T> z, Vec<T> above, double below) {
    const Vec<T> zero = Vec<T>::zero();
    return select(z > zero, above, constant<T>(below) * expm1(min(zero, z)));
}
template <class T>
BRISKMLP_INLINE Vec<T> elu_slope(Vec<T> y, double above, double below) {
    return select(y > Vec<T>::zero(), constant<T>(above), y + constant<T>(below));
}

struct Elu : FromOutput<Elu> {
    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        return elu_value(z, z, kEluAlpha);
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> y) {
        return elu_slope(y, 1, kEluAlpha);
    }
};

struct Selu : FromOutput<Selu> {
    // kSeluScale kSeluAlpha, rounded once.
    static constexpr double kBelow = 1.7580993408473768599402175208123;

    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        // As a sum, it overflows no earlier than it has to.
        return elu_value(z, fma(z, constant<T>(kSeluScale - 1), z), kBelow);
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> y) {
        return elu_slope(y, kSeluScale, kBelow);
    }
};

struct Softplus : FromOutput<Softplus> {
    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        return softplus(z);
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> y) {
        return -expm1(-y);
    }
};

struct Sigmoid : FromOutput<Sigmoid> {
    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        return sigmoid(z);
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> y) {
        return fnma(y, y, y);
    }
};

struct Tanh : FromOutput<Tanh> {
    template <class T>
    BRISKMLP_INLINE static Vec<T> value(Vec<T> z) {
        return tanh(z);
    }
    template <class T>
    BRISKMLP_INLINE static Vec<T> slope(Vec<T> y) {
        return fnma(y, y, constant<T>(1));
    }
};

// gelu(x) = x Phi(x) = max(x, 0) - t Phi(-t), t = |x|. With E = e^(-t^2 / 2), t Phi(-t) = E y w(y)
// for y = t / (t + bend). t^2 needs twice the digits, as its error is multiplied by t^2 / 2 in E.
// Within 4 ULP.
struct Gelu : FromInput {
    template <class T>
    BRISKMLP_INLINE static Vec<T> forward(Vec<T> x, Vec<T>& slope) {
        using C = Coefficients<T>;
        const Vec<T> zero = Vec<T>::zero(), one = constant<T>(1), half = constant<T>(0.5);
        const Vec<T> t = min(Vec<T>::set(ActivationLimits<T>::kGelu), abs(x));
        const Pair<T> square = exact_product(t, t);
        const Exponential<T> e(-half * square.high, -half * square.low);
        const Vec<T> y = t / (t + Vec<T>::set(C::kGeluBend));
        const Vec<T> z = y - half, w = polynomial_in_pairs(z, z * z, C::kGeluTail);
        const Vec<T> tail = scale(fma(w, e.s, w), e.n);

        // The slope at -t is Phi(-t) - t phi(t), and Phi(-t) = E w / (t + bend) = E w (1 - y) /
        // bend.
        const Vec<T> density = e.value() * constant<T>(0.3989422804014327);
        const Vec<T> shrink = constant<T>(1.0 / C::kGeluBend);
        const Vec<T> mirrored = fnma(t, density, tail * fnma(y, shrink, shrink));
        slope = select(x > zero, one - mirrored, mirrored);
        return fnma(y, tail, max(zero, x));
    }
};

// x s(v), s the logistic function, given that of v and x dv / dx; x is bounded below. As functions
// of arrays silu and gelu_tanh divide by d and are within 2 ULP; training needs 1 / d for the
// slope, so that it multiplies by that, and is within 3, as with mish.
template <bool kCareful, class T>
BRISKMLP_INLINE Vec<T> gated(Vec<T> x, const Logistic<T>& f, Vec<T> x_dv, Vec<T>& slope) {
    const Vec<T> one = constant<T>(1), inverse = one / f.d;
    const Vec<T> rest = (one + f.s) * inverse;  // 1 - s(v)
    const Vec<T> value = scale(inverse, f.n);
    slope = fma(x_dv * rest, value, value);
    return scale(kCareful ? x / f.d : x * inverse, f.n);
}

template <bool kCareful = false>
struct Silu : FromInput {
    template <class T>
    BRISKMLP_INLINE static Vec<T> forward(Vec<T> x, Vec<T>& slope) {
        const Vec<T> c = max(Vec<T>::set(-ActivationLimits<T>::kSilu), x);
        const Vec<T> v = min(Vec<T>::set(Limits<T>::kSaturated), c);
        return gated<kCareful>(c, Logistic<T>(v), v, slope);
    }
};

// x s(v), v = a x + b x^3 with a = 2 sqrt(2 / pi), b = 0.044715 a, in twice the digits as for gelu.
template <bool kCareful = false>
struct GeluTanh : FromInput {
    template <class T>
    BRISKMLP_INLINE static Vec<T> forward(Vec<T> x, Vec<T>& slope) {
        using L = ActivationLimits<T>;
        const Vec<T> a = Vec<T>::set(L::kGeluTanhA), b = Vec<T>::set(L::kGeluTanhB);
        const Vec<T> c = max(Vec<T>::set(-L::kGeluTanh), x);
        const Vec<T> t = min(Vec<T>::set(L::kGeluTanhSaturated), c);
        const Pair<T> square = exact_product(t, t);
        const Pair<T> factor = multiply_add(square.high, b, a);
        const Vec<T> lost = fma(square.high, Vec<T>::set(L::kGeluTanhBLow),
                                fma(square.low, b, Vec<T>::set(L::kGeluTanhALow)));
        const Pair<T> v = exact_product(t, factor.high);
        const Vec<T> v_low = fma(t, factor.low + lost, v.low);
        const Vec<T> dv = fma(square.high, b + b, factor.high);  // a + 3 b x^2
        return gated<kCareful>(c, Logistic<T>(v.high, v_low), t * dv, slope);
    }
};

// The factor with which mish fades below 0: 2^n (1 + s) = e^-|x| there, 1 above.
template <class T>
struct Fading {
    typename Vec<T>::Mask negative;
    Vec<T> e;  // e^-|x| on both sides, but 0 or nearly so where that is not a normal number
    Vec<T> n, s;

    BRISKMLP_INLINE Fading(Vec<T> x, const Exponential<T>& decay)  // decay: e^-|x|
        : negative(x < Vec<T>::zero()),
          e(decay.value()),
          n(select(negative, decay.n, Vec<T>::zero())),
          s(select(negative, decay.s, Vec<T>::zero())) {}

    // Finite x times 1 - w times the factor. The power of 2 comes last, so that a denormal result
    // is rounded only once.
    template <bool kCareful = false>
    BRISKMLP_INLINE Vec<T> times(Vec<T> x, Vec<T> w) const {
        const Vec<T> product = kCareful ? fma_once(x, s, x) : fma(x, s, x);
        return scale(fnma(product, w, product), n);
    }
};

// mish(x) = x tanh(softplus(x)). With e = e^-|x|, the tangent is 1 - u above 0 and e (1 - u) below,
// where u = a / d, d = a + e + c; a = e^2, c = 1/2 above, and a = e^2 + e, c = 2 below.
template <bool kCareful = false>
struct Mish : FromInput {
    template <class T>
    BRISKMLP_INLINE static Vec<T> forward(Vec<T> x, Vec<T>& slope) {
        constexpr T kMax = ActivationLimits<T>::kSilu;
        const Vec<T> one = constant<T>(1);
        const Vec<T> t = min(Vec<T>::set(kMax), abs(x));
        const Fading<T> fading(x, Exponential<T>(-t));
        const auto negative = fading.negative;
        const Vec<T> e = fading.e;
        const Vec<T> more = select(negative, e, Vec<T>::zero());
        const Vec<T> a = kCareful ? fma_once(e, e, more) : fma(e, e, more);
        const Pair<T> b = ordered_sum(select(negative, constant<T>(2), constant<T>(0.5)), e);
        const Pair<T> d = ordered_sum(b.high, a);
        const Vec<T> u = kCareful ? divide(a, Pair<T>{d.high, d.low + b.low}).high : a / d.high;
        const Vec<T> rest = one - u;

        // The tangent's derivative is (1 + e) u / d above and 4 u / d below.
        const Vec<T> growth = u / d.high * select(negative, constant<T>(4), one + e);
        slope = fma(copysign(t, x), growth, rest * select(negative, e, one));
        // Above kMax that is x, even where x is infinite.
        const Vec<T> bounded = copysign(t, x);
        return select(x > Vec<T>::set(kMax), x, fading.template times<kCareful>(bounded, u));
    }
};

template <class Op, bool kWithSlope, class T>
BRISKMLP_INLINE void forward_rows(index_t rows, index_t cols, const T* z, index_t ldz, T* y,
                                  index_t ldy, T* slope, index_t ldslope) {
    for (index_t r = 0; r < rows; ++r) {
        for_vectors<T>(cols, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
            Vec<T> d;
            store_lanes(Op::forward(load_lanes(z + r * ldz + j, lanes), d), y + r * ldy + j, lanes);
            if constexpr (kWithSlope) {
                store_lanes(d, slope + r * ldslope + j, lanes);
            }
        });
    }
}

template <class Op, class T>
void forward(index_t rows, index_t cols, const T* z, index_t ldz, T* y, index_t ldy, T* slope,
             index_t ldslope) {
    if (slope == nullptr) {
        forward_rows<Op, false>(rows, cols, z, ldz, y, ldy, slope, ldslope);
    } else {
        forward_rows<Op, true>(rows, cols, z, ldz, y, ldy, slope, ldslope);
    }
}

template <class Op, class T>
void backward(index_t rows, index_t cols, const T* source, index_t ldsource, T* d, index_t ldd) {
    for (index_t r = 0; r < rows; ++r) {
        for_vectors<T>(cols, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
            T* out = d + r * ldd + j;
            const Vec<T> slope = Op::slope(load_lanes(source + r * ldsource + j, lanes));
            store_lanes(load_lanes(out, lanes) * slope, out, lanes);
        });
    }
}

// In the order of the enumeration Activation.
template <class T>
constexpr ActivationForward<T> kActivationForward[kActivationCount] = {
    forward<Identity, T>, forward<Relu, T>,     forward<LeakyRelu, T>,  forward<Elu, T>,
    forward<Selu, T>,     forward<Gelu, T>,     forward<GeluTanh<>, T>, forward<Silu<>, T>,
    forward<Mish<>, T>,   forward<Softplus, T>, forward<Sigmoid, T>,    forward<Tanh, T>,
};
template <class T>
constexpr ActivationBackward<T> kActivationBackward[kActivationCount] = {
    backward<Identity, T>, backward<Relu, T>,     backward<LeakyRelu, T>,  backward<Elu, T>,
    backward<Selu, T>,     backward<Gelu, T>,     backward<GeluTanh<>, T>, backward<Silu<>, T>,
    backward<Mish<>, T>,   backward<Softplus, T>, backward<Sigmoid, T>,    backward<Tanh, T>,
};

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
