// Elementary functions over vectors, written once for every instruction set and element type:
// without tables, gathers, calls or branches on values, with errors below 2 units in the last place
// (ULP) everywhere, denormal results included; tests/cpp/test_elementary.cpp measures them. NaN
// gives NaN, overflow infinity, and the sign of zero is kept where the function is odd.
//
// The reductions follow Cody and Waite, "Software Manual for the Elementary Functions" (1980): a
// constant is split in two so that the product with its upper part is exact even without FMA. The
// polynomials come from coefficients.py.
#pragma once

#include <math.h>

#include "kernels/coefficients.inl.h"
#include "kernels/compensated.inl.h"
#include "kernels/polynomial.inl.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Constants that depend on the precision.
template <class T>
struct Limits;
template <>
struct Limits<float> {
    static constexpr float kLn2High = 0x1.63p-1f;  // 9 bits: n ln 2 is exact for every exponent n
    static constexpr float kLn2Low = -0x1.bd0106p-13f;
    static constexpr float kExpMin = -104;    // e^x rounds to 0 below
    static constexpr float kExpMax = 89;      // e^x overflows above
    static constexpr float kExpm1Min = -18;   // e^x - 1 rounds to -1 below
    static constexpr float kTiny = 0x1p-30f;  // e^x - 1 rounds to x where |x| is less
    static constexpr float kTanhMax = 9.02f;  // tanh rounds to 1 above
    static constexpr float kErfMax = 3.95f;   // erf rounds to 1 above
    static constexpr float kSaturated = 20;   // 1 / (1 + e^-x) rounds to 1 above
    static constexpr float kMinExponent = -126;
    static constexpr float kTwoOverSqrtPi = 0x1.20dd76p+0f;
    static constexpr float kTwoOverSqrtPiLow = -0x1.f7ac92p-25f;
};
template <>
struct Limits<double> {
    static constexpr double kLn2High = 0x1.62e42fefap-1;  // 36 bits
    static constexpr double kLn2Low = 0x1.cf79abc9e3b3ap-40;
    static constexpr double kExpMin = -746;
    static constexpr double kExpMax = 710;
    static constexpr double kExpm1Min = -38;
    static constexpr double kTiny = 0x1p-60;
    static constexpr double kTanhMax = 19.1;
    static constexpr double kErfMax = 5.95;
    static constexpr double kSaturated = 40;
    static constexpr double kMinExponent = -1022;
    static constexpr double kTwoOverSqrtPi = 0x1.20dd750429b6dp+0;
    static constexpr double kTwoOverSqrtPiLow = 0x1.1ae3a914fed80p-56;
};

// The integer n nearest to a b, where as_power rounds, and 2^(n + kOffset) if that is normal: for
// those who need the power. Others round with one constant less, which is a register.
template <class T, int kOffset = 0>
struct Rounded {
    Vec<T> n, power;

    BRISKMLP_INLINE Rounded(Vec<T> a, Vec<T> b) {
        const Vec<T> shift = Vec<T>::set(kPowerShift<T> + T{kOffset}), sum = fma(a, b, shift);
        n = sum - shift;
        power = as_power(sum);
    }
};

// x = n ln 2 + remainder for |x| within [kExpMin, kExpMax]; `rest` is still without error, what is
// left is to subtract n kLn2Low.
template <class T>
struct Reduced {
    static constexpr double kLog2E = 1.4426950408889634;
    Vec<T> n, rest;

    BRISKMLP_INLINE explicit Reduced(Vec<T> x)
        : Reduced(x, round_nearest(x * constant<T>(kLog2E))) {}
    BRISKMLP_INLINE Reduced(Vec<T> x, Vec<T> nearest)
        : n(nearest), rest(fnma(n, Vec<T>::set(Limits<T>::kLn2High), x)) {}
};

// e^(high + low) in parts: 2^n (1 + s), where s is small against 1, so that 1 + s, or a multiple of
// it, can be had with one rounding.
template <class T>
struct Exponential {
    Vec<T> n, s;

    BRISKMLP_INLINE explicit Exponential(Vec<T> x) {
        const Reduced<T> reduced(x);
        set(reduced.n, fnma(reduced.n, Vec<T>::set(Limits<T>::kLn2Low), reduced.rest));
    }
    BRISKMLP_INLINE Exponential(Vec<T> high, Vec<T> low) {
        const Reduced<T> reduced(high);
        set(reduced.n, reduced.rest - fma(reduced.n, Vec<T>::set(Limits<T>::kLn2Low), -low));
    }
    // e^(high + low) itself, but 0 or nearly so where that is not a normal number.
    BRISKMLP_INLINE Vec<T> value() const {
        return (constant<T>(1) + s) * pow2(max(Vec<T>::set(Limits<T>::kMinExponent), n));
    }

  private:
    BRISKMLP_INLINE void set(Vec<T> exponent, Vec<T> r) {
        n = exponent;
        const Vec<T> square = r * r;
        s = fma(square, polynomial_in_pairs(r, square, Coefficients<T>::kExpm1), r);
    }
};

// NaN stays NaN, as the second operand of min and max.
template <class T>
BRISKMLP_INLINE Vec<T> clamp(Vec<T> x, T low, T high) {
    return min(Vec<T>::set(high), max(Vec<T>::set(low), x));
}

// What is left of x after n ln 2, as the sum of r and a small part.
template <class T>
struct ReducedExactly {
    Vec<T> n, r, low;

    BRISKMLP_INLINE explicit ReducedExactly(const Reduced<T>& reduced) : n(reduced.n) {
        const Vec<T> ln2_low = Vec<T>::set(Limits<T>::kLn2Low);
        r = fnma(n, ln2_low, reduced.rest);
        low = fnma(n, ln2_low, reduced.rest - r);
    }
    BRISKMLP_INLINE explicit ReducedExactly(Vec<T> x) : ReducedExactly(Reduced<T>(x)) {}
    BRISKMLP_INLINE ReducedExactly(Vec<T> high, Vec<T> more) : ReducedExactly(high) {
        const Pair<T> sum = ordered_sum(r, low + more);
        r = sum.high;
        low = sum.low;
    }
    // e^(r + low) - 1 - r
    BRISKMLP_INLINE Vec<T> tail() const {
        const Vec<T> square = r * r;
        return fma(square, polynomial_in_pairs(r, square, Coefficients<T>::kExpm1), low);
    }
};

// Within 1 ULP for float and 0.65 for double, where the sum 1 + r is kept exact; 0.75 where a
// result is denormal.
template <class T>
BRISKMLP_INLINE Vec<T> exp(Vec<T> x) {
    const Vec<T> bounded = clamp(x, Limits<T>::kExpMin, Limits<T>::kExpMax);
    if constexpr (sizeof(T) == 4) {
        const Exponential<T> e(bounded);
        return scale(constant<T>(1) + e.s, e.n);
    } else {
        const ReducedExactly<T> e(bounded);
        const Pair<T> sum = ordered_sum(constant<T>(1), e.r);
        return scale(sum.high + (sum.low + e.tail()), e.n);
    }
}

// 2^kOffset (e^x - 1) = 2^m (1 + r + tail) - 2^kOffset for kExpm1Min <= x < kExpMax. With half of
// it nothing overflows that fits when doubled, with the whole no denormal number loses a bit.
template <int kOffset, class T>
BRISKMLP_INLINE Vec<T> scaled_expm1(Vec<T> x) {
    const Rounded<T, kOffset> m(x, constant<T>(Reduced<T>::kLog2E));
    const ReducedExactly<T> e(Reduced<T>(x, m.n));
    const Vec<T> unit = constant<T>(kOffset == 0 ? 1 : 0.5);
    const Pair<T> sum = ordered_sum(m.power - unit, m.power * e.r);
    return sum.high + fma(m.power, e.tail(), sum.low);
}

// Half of e^x - 1 within 0.6 ULP, where that is within 1.2: no sum loses anything, the tail's first
// term is one of them, and `low` is multiplied by the e^r that belongs to it.
template <class T>
BRISKMLP_INLINE Vec<T> half_expm1_carefully(Vec<T> x) {
    const Rounded<T, -1> m(x, constant<T>(Reduced<T>::kLog2E));
    const ReducedExactly<T> e(Reduced<T>(x, m.n));
    const Vec<T> square = e.r * e.r;
    const Pair<T> second = exact_product(constant<T>(0.5) * e.r, e.r);
    const Vec<T> low = fma(e.low, e.r + second.high, e.low) + second.low;
    const Vec<T> p = polynomial_in_pairs<1>(e.r, square, Coefficients<T>::kExpm1);
    const Vec<T> tail = fma(square * e.r, p, low);
    const Pair<T> whole = sum(m.power, constant<T>(-0.5));
    const Pair<T> more = ordered_sum(whole.high, m.power * e.r);
    const Pair<T> most = ordered_sum(more.high, m.power * second.high);
    return most.high + fma(m.power, tail, (whole.low + more.low) + most.low);
}

// Within 1.1 ULP for float and 0.6 for double.
template <class T>
BRISKMLP_INLINE Vec<T> expm1(Vec<T> x) {
    const Vec<T> bounded = clamp(x, Limits<T>::kExpm1Min, Limits<T>::kExpMax);
    const Vec<T> half = sizeof(T) == 4 ? scaled_expm1<-1>(bounded) : half_expm1_carefully(bounded);
    return copysign(select(abs(x) < Vec<T>::set(Limits<T>::kTiny), x, half + half), x);
}

// For small t = |x|, tanh t = t + t^3 p(t^2); else 1 - 2 / (1 + E), E = e^(2 t) = 2^n 2^r, where
// coefficients.py makes up for what 2 log2(e) loses by rounding. The two polynomials are evaluated
// as one, whose coefficients are chosen.
template <class T>
BRISKMLP_INLINE Vec<T> tanh(Vec<T> x) {
    using C = Coefficients<T>;
    const Vec<T> one = constant<T>(1), two_log2_e = constant<T>(2.8853900817779268);
    const Vec<T> t = min(Vec<T>::set(Limits<T>::kTanhMax), abs(x)), z = t * t;
    const Rounded<T> e(t, two_log2_e);
    const auto small = t < Vec<T>::set(C::kTanhSmall);
    const Vec<T> v = select(small, z, excess(t, two_log2_e, e.n)), first = select(small, t, one);
    const Vec<T> y = fma(first * v, polynomial(small, v, C::kTanh, C::kExp2), first);
    const Vec<T> large = one - constant<T>(2) / fma(e.power, y, one);
    return copysign(select(small, y, large), x);
}

// The logarithm of (1 + f) 2^e, -1/4 <= f <= 1/2. With s = f / (2 + f) and
// R = (2 atanh s - 2 s) / s, log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R), where the last term is
// small. Within 0.85 ULP for float and 0.65 for double, where the sum of the terms before it is
// kept exact.
template <class T>
BRISKMLP_INLINE Vec<T> log_sum(Vec<T> f, Vec<T> e) {
    const Vec<T> ln2_high = Vec<T>::set(Limits<T>::kLn2High);
    const Vec<T> ln2_low = Vec<T>::set(Limits<T>::kLn2Low);
    const Vec<T> s = f / (f + constant<T>(2)), z = s * s, half_f = constant<T>(-0.5) * f;
    const Vec<T> p = fms(z, polynomial(z, Coefficients<T>::kLog), half_f * f);
    if constexpr (sizeof(T) == 4) {
        return fma(e, ln2_high, f + fma(half_f, f, fma(s, p, e * ln2_low)));
    } else {
        const Pair<T> near = multiply_add(half_f, f, f);
        const Pair<T> sum = ordered_sum(e * ln2_high, near.high);
        return sum.high + (fma(e, ln2_low, sum.low) + fma(s, p, near.low));
    }
}

// log is -inf at 0, NaN below, and +inf and NaN are themselves; `value` elsewhere. The operations
// that yield infinity and NaN also raise the flags that belong to them.
template <class T>
BRISKMLP_INLINE Vec<T> log_special(Vec<T> x, Vec<T> value) {
    const auto special = is_not_positive_finite(x);
    if (!any(special)) {
        return value;
    }
    const Vec<T> zero = Vec<T>::zero();
    return select(special, select(x == zero, constant<T>(-1) / abs(x), sqrt(x)), value);
}

template <class T>
BRISKMLP_INLINE Vec<T> log(Vec<T> x) {
    Vec<T> e;
    const Vec<T> m = split(x, e);
    return log_special(x, log_sum(m - constant<T>(1), e));
}

// 1 + x = (1 + f) 2^e, where e is such that f = 2^-e x + (2^-e - 1) is exact: the two terms have
// opposite signs and differ by less than a factor of 2, or one is 0. (2^-e - 1 is rounded where x
// is so large that it does not matter.)
template <class T>
BRISKMLP_INLINE Vec<T> log1p(Vec<T> x) {
    const Vec<T> one = constant<T>(1), two_thirds = constant<T>(2.0 / 3.0);
    const Vec<T> u = fma(x, two_thirds, two_thirds);
    const Vec<T> below = raw_exponent(u), e = below + one, power = scale(one, -one - below);
    const Vec<T> f = fma(x, power, power - one);
    return copysign(log_special(u, log_sum(f, e)), x);
}

// erf |x| = 1 - e^(-q), where q = |x| (2 / sqrt(pi) + |x| p(|x|)) is smooth.
template <class T>
BRISKMLP_INLINE Vec<T> erf(Vec<T> x) {
    const Vec<T> t = min(Vec<T>::set(Limits<T>::kErfMax), abs(x));
    const Vec<T> z = t - constant<T>(2), p = polynomial_in_pairs(z, z * z, Coefficients<T>::kErf);
    const Vec<T> slope = fma(t, p, Vec<T>::set(Limits<T>::kTwoOverSqrtPiLow));
    const Vec<T> q = fma_once(t, Vec<T>::set(Limits<T>::kTwoOverSqrtPi), t * slope);
    return copysign(scaled_expm1<0>(-q), x);
}

// e^x = 2^n (c + r) / (c - r), where c = r coth(r / 2) is half as long a polynomial as e^r takes,
// in r^2. It pays where a quotient follows anyway. An error of c hardly matters, so that c - r is
// best taken for `above` - 2 r, with no error but that of the sum.
template <class T>
struct ExponentialQuotient {
    Vec<T> n, r, above;

    BRISKMLP_INLINE explicit ExponentialQuotient(Vec<T> x) {
        const Reduced<T> reduced(x);
        n = reduced.n;
        r = fnma(n, Vec<T>::set(Limits<T>::kLn2Low), reduced.rest);
        const Vec<T> z = r * r;
        above = fma(z, polynomial(z, Coefficients<T>::kCoth), constant<T>(2)) + r;
    }
};

// e^x / (e^x + 1). From kSaturated on the sum rounds to e^x. It is taken from the smallest term on,
// as that loses least.
template <class T>
BRISKMLP_INLINE Vec<T> sigmoid(Vec<T> x) {
    const ExponentialQuotient<T> e(clamp(x, Limits<T>::kExpMin, Limits<T>::kSaturated));
    const Vec<T> a = scale_low(e.above, e.n);
    return a / (fnma(constant<T>(2), e.r, min(a, e.above)) + max(a, e.above));
}

// 1 / (1 + e^-v) = 2^n / d, d = 2^n + 1 + s, for e^-v = 2^-n (1 + s): for what is to be multiplied
// by it, where sigmoid would take a rounding more. From kSaturated on d rounds to 2^n, and callers
// lower v to that. The power of 2 comes last, so that a denormal result is rounded only once.
template <class T>
struct Logistic {
    Vec<T> n, s, d;

    BRISKMLP_INLINE explicit Logistic(Vec<T> v) {
        const Reduced<T> reduced(v);
        set(reduced.n, fms(reduced.n, Vec<T>::set(Limits<T>::kLn2Low), reduced.rest));
    }
    BRISKMLP_INLINE Logistic(Vec<T> high, Vec<T> low) {
        const Reduced<T> reduced(high);
        set(reduced.n, fma(reduced.n, Vec<T>::set(Limits<T>::kLn2Low), -low) - reduced.rest);
    }

  private:
    BRISKMLP_INLINE void set(Vec<T> exponent, Vec<T> r) {
        const Vec<T> one = constant<T>(1);
        n = exponent;
        const Vec<T> square = r * r;
        s = fma(square, polynomial_in_pairs(r, square, Coefficients<T>::kExpm1), r);
        const Vec<T> p = pow2(max(Vec<T>::set(Limits<T>::kMinExponent), n));
        d = max(p, one) + (min(p, one) + s);
    }
};

// log(1 + e^x) = max(x, 0) + log(1 + e), e = e^-|x|, log(1 + e) = 2 atanh(s), s = e / (2 + e),
// whose rounding error is made good with 2 / d for d about 4.8.
template <class T>
BRISKMLP_INLINE Vec<T> softplus(Vec<T> x) {
    const ExponentialQuotient<T> e(-min(Vec<T>::set(-Limits<T>::kExpMin), abs(x)));
    const Vec<T> a = scale_low(e.above, e.n);
    const Vec<T> d = fnma(constant<T>(4), e.r, a) + (e.above + e.above);
    const Vec<T> s = a / d, z = s * s, lost = remainder(a, s, d) * constant<T>(2 / 4.8);
    const Vec<T> p = polynomial_in_pairs(z, z * z, Coefficients<T>::kAtanh);
    return max(Vec<T>::zero(), x) + ((s + s) + fma(s * z, p, lost));
}

template <class T>
BRISKMLP_INLINE Vec<T> log_sigmoid(Vec<T> x) {
    return -softplus(-x);
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
