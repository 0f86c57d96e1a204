// Vectors in plain C++, for processors without a header of their own, and the contract that every
// vec_<isa>.h fulfils with the same names:
//
// * Vec<T>, T = float or double: kLanes elements. load and store need no alignment; the _partial
//   forms take 0 <= n <= kLanes, touch no memory past n, and fill the lanes from n on with zeros.
// * fma(a, b, c) = a b + c, fms(a, b, c) = a b - c and fnma(a, b, c) = c - a b, rounded once where
//   kFused, else twice.
// * min and max: if b is NaN so is the result; if only a is, it is b or NaN. Of two zeros, either.
// * Comparisons with NaN are false. select(mask, a, b) takes a where the mask is set.
// * round_nearest: to the nearest integer, ties to even, for |a| < 2^22 (float), 2^51 (double).
// * reduce_add and reduce_max fold the upper half of the lanes onto the lower half until one is
//   left, so that the order of the sum depends on kLanes alone.
// * pow2(n) = 2^n for integral n whose power is a normal number, and as_power(kPowerShift + n) is
//   the same.
// * scale(x, n) = x 2^n rounded once, gradual underflow included, for |x| < 2^60 and integral n
//   between twice the least and twice the greatest exponent of normal numbers, where x 2^(n / 2)
//   is exact.
//   scale_low(x, n) is the same for n <= 62 and 2^(n + 64) a normal number.
// * split(x, e): the mantissa in [0.75, 1.5) and exponent of a finite x > 0, denormal or not.
// * raw_exponent(x): the exponent of a normal x > 0, whose mantissa is in [1, 2).
// * is_not_positive_finite(x): whether x is not in (0, infinity).
// * transpose_block: dst = src transposed, kLanes x kLanes; the two do not overlap.
#pragma once

#include <math.h>
#include <string.h>

#include "base/types.h"
#include "kernels/inline.h"

#define BRISKMLP_ISA portable
#include "kernels/vec_power.inl.h"

namespace briskmlp::portable {
namespace {

constexpr const char* kIsaName = "portable";
constexpr bool kFused = false;

// The fields of an IEEE number.
template <class T>
struct Format;
template <>
struct Format<float> {
    using Bits = std::uint32_t;
    static constexpr int kMantissaBits = 23, kBias = 127;
};
template <>
struct Format<double> {
    using Bits = std::uint64_t;
    static constexpr int kMantissaBits = 52, kBias = 1023;
};

template <class T>
BRISKMLP_INLINE typename Format<T>::Bits to_bits(T x) {
    typename Format<T>::Bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
template <class T>
BRISKMLP_INLINE T from_bits(typename Format<T>::Bits bits) {
    T x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
// The least number whose last place is 1: a sum about it has no fraction.
template <class T>
constexpr T kInteger = static_cast<T>(std::uint64_t{1} << Format<T>::kMantissaBits);
template <class T>
constexpr typename Format<T>::Bits kSignBit = typename Format<T>::Bits{1} << (8 * sizeof(T) - 1);

template <class T>
struct VecMask {
    bool m[16 / sizeof(T)];
};

template <class T>
struct Vec {
    static constexpr int kLanes = 16 / sizeof(T);
    using Mask = VecMask<T>;
    T v[kLanes];

    // The vector of f(0), f(1), ...
    template <class F>
    BRISKMLP_INLINE static Vec generate(F f) {
        Vec r;
        for (int i = 0; i < kLanes; ++i) r.v[i] = f(i);
        return r;
    }
    template <class F>
    BRISKMLP_INLINE static Mask generate_mask(F f) {
        Mask r;
        for (int i = 0; i < kLanes; ++i) r.m[i] = f(i);
        return r;
    }

    BRISKMLP_INLINE static Vec load(const T* p) {
        return generate([&](int i) { return p[i]; });
    }
    BRISKMLP_INLINE static Vec set(T x) {
        return generate([&](int) { return x; });
    }
    BRISKMLP_INLINE static Vec zero() { return set(T{0}); }
    BRISKMLP_INLINE static Vec load_partial(const T* p, int n) {
        return generate([&](int i) { return i < n ? p[i] : T{0}; });
    }
    BRISKMLP_INLINE void store(T* p) const {
        for (int i = 0; i < kLanes; ++i) p[i] = v[i];
    }
    BRISKMLP_INLINE void store_partial(T* p, int n) const {
        for (int i = 0; i < n; ++i) p[i] = v[i];
    }
};

template <class T>
BRISKMLP_INLINE VecMask<T> operator&(VecMask<T> a, VecMask<T> b) {
    return Vec<T>::generate_mask([&](int i) { return a.m[i] && b.m[i]; });
}
template <class T>
BRISKMLP_INLINE VecMask<T> operator|(VecMask<T> a, VecMask<T> b) {
    return Vec<T>::generate_mask([&](int i) { return a.m[i] || b.m[i]; });
}
template <class T>
BRISKMLP_INLINE VecMask<T> operator~(VecMask<T> a) {
    return Vec<T>::generate_mask([&](int i) { return !a.m[i]; });
}
template <class T>
BRISKMLP_INLINE bool any(VecMask<T> a) {
    bool r = false;
    for (bool m : a.m) r |= m;
    return r;
}
template <class T>
BRISKMLP_INLINE bool all(VecMask<T> a) {
    return !any(~a);
}
template <class T>
BRISKMLP_INLINE VecMask<T> first_lanes(int n) {
    return Vec<T>::generate_mask([&](int i) { return i < n; });
}

template <class T>
BRISKMLP_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate([&](int i) { return a.v[i] + b.v[i]; });
}
template <class T>
BRISKMLP_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate([&](int i) { return a.v[i] - b.v[i]; });
}
template <class T>
BRISKMLP_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate([&](int i) { return a.v[i] * b.v[i]; });
}
template <class T>
BRISKMLP_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate([&](int i) { return a.v[i] / b.v[i]; });
}
template <class T>
BRISKMLP_INLINE Vec<T> operator-(Vec<T> a) {
    return Vec<T>::generate([&](int i) { return -a.v[i]; });
}
template <class T>
BRISKMLP_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
    return a * b + c;
}
template <class T>
BRISKMLP_INLINE Vec<T> fnma(Vec<T> a, Vec<T> b, Vec<T> c) {
    return c - a * b;
}
template <class T>
BRISKMLP_INLINE Vec<T> fms(Vec<T> a, Vec<T> b, Vec<T> c) {
    return a * b - c;
}
template <class T>
BRISKMLP_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
template <class T>
BRISKMLP_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
template <class T>
BRISKMLP_INLINE Vec<T> abs(Vec<T> a) {
    return Vec<T>::generate([&](int i) { return from_bits<T>(to_bits(a.v[i]) & ~kSignBit<T>); });
}
template <class T>
BRISKMLP_INLINE Vec<T> copysign(Vec<T> a, Vec<T> sign) {
    return Vec<T>::generate([&](int i) {
        return from_bits<T>((to_bits(a.v[i]) & ~kSignBit<T>) | (to_bits(sign.v[i]) & kSignBit<T>));
    });
}
BRISKMLP_INLINE float scalar_sqrt(float x) { return ::sqrtf(x); }
BRISKMLP_INLINE double scalar_sqrt(double x) { return ::sqrt(x); }
template <class T>
BRISKMLP_INLINE Vec<T> sqrt(Vec<T> a) {
    return Vec<T>::generate([&](int i) { return scalar_sqrt(a.v[i]); });
}
template <class T>
BRISKMLP_INLINE Vec<T> round_nearest(Vec<T> a) {
    const Vec<T> shift = Vec<T>::set(T{1.5} * kInteger<T>);
    return (a + shift) - shift;
}

template <class T>
BRISKMLP_INLINE VecMask<T> operator<(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate_mask([&](int i) { return a.v[i] < b.v[i]; });
}
template <class T>
BRISKMLP_INLINE VecMask<T> operator<=(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate_mask([&](int i) { return a.v[i] <= b.v[i]; });
}
template <class T>
BRISKMLP_INLINE VecMask<T> operator>(Vec<T> a, Vec<T> b) {
    return b < a;
}
template <class T>
BRISKMLP_INLINE VecMask<T> operator>=(Vec<T> a, Vec<T> b) {
    return b <= a;
}
template <class T>
BRISKMLP_INLINE VecMask<T> operator==(Vec<T> a, Vec<T> b) {
    return Vec<T>::generate_mask([&](int i) { return a.v[i] == b.v[i]; });
}
template <class T>
BRISKMLP_INLINE VecMask<T> is_nan(Vec<T> a) {
    return ~(a == a);
}
template <class T>
BRISKMLP_INLINE Vec<T> select(VecMask<T> mask, Vec<T> a, Vec<T> b) {
    return Vec<T>::generate([&](int i) { return mask.m[i] ? a.v[i] : b.v[i]; });
}

template <class T>
BRISKMLP_INLINE T reduce_add(Vec<T> a) {
    for (int half = Vec<T>::kLanes / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) a.v[i] += a.v[i + half];
    }
    return a.v[0];
}
template <class T>
BRISKMLP_INLINE T reduce_max(Vec<T> a) {
    for (int half = Vec<T>::kLanes / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    }
    return a.v[0];
}

template <class T>
BRISKMLP_INLINE Vec<T> as_power(Vec<T> x) {
    return Vec<T>::generate(
        [&](int i) { return from_bits<T>(to_bits(x.v[i]) << Format<T>::kMantissaBits); });
}
template <class T>
BRISKMLP_INLINE Vec<T> pow2(Vec<T> n) {
    return as_power(n + Vec<T>::set(kPowerShift<T>));
}
// The exponent of a normal x > 0, and its mantissa in [1, 2).
template <class T>
BRISKMLP_INLINE Vec<T> raw_exponent(Vec<T> x) {
    return Vec<T>::generate([&](int i) {
        // The biased exponent becomes the last bits of kInteger + biased exponent.
        const auto biased = to_bits(x.v[i]) >> Format<T>::kMantissaBits;
        return from_bits<T>(biased | to_bits(kInteger<T>)) - (kInteger<T> + T{Format<T>::kBias});
    });
}
template <class T>
BRISKMLP_INLINE Vec<T> raw_mantissa(Vec<T> x) {
    return Vec<T>::generate([&](int i) {
        constexpr auto kMask = (typename Format<T>::Bits{1} << Format<T>::kMantissaBits) - 1;
        return from_bits<T>((to_bits(x.v[i]) & kMask) | to_bits(T{1}));
    });
}

template <class T>
BRISKMLP_INLINE void transpose_block(const T* src, index_t ldsrc, T* dst, index_t lddst) {
    for (index_t i = 0; i < Vec<T>::kLanes; ++i) {
        for (index_t j = 0; j < Vec<T>::kLanes; ++j) dst[j * lddst + i] = src[i * ldsrc + j];
    }
}

}  // namespace
}  // namespace briskmlp::portable

#include "kernels/vec_scale.inl.h"
