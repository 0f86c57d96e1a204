// Vectors of SSE2, the baseline of x86-64: 4 floats or 2 doubles. See vec_portable.h for the
// contract that all vec_<isa>.h fulfil.
#pragma once

#include <emmintrin.h>

#include "base/types.h"
#include "kernels/inline.h"

#define BRISKMLP_ISA sse2
#include "kernels/vec_power.inl.h"

namespace briskmlp::sse2 {
namespace {

constexpr const char* kIsaName = "sse2";
constexpr bool kFused = false;

template <class T>
struct Vec;
template <class T>
struct VecMask;

// --- float ---------------------------------------------------------------------------------------

template <>
struct VecMask<float> {
    __m128 m;
};
using MaskF = VecMask<float>;

BRISKMLP_INLINE MaskF operator&(MaskF a, MaskF b) { return {_mm_and_ps(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator|(MaskF a, MaskF b) { return {_mm_or_ps(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator~(MaskF a) {
    return {_mm_xor_ps(a.m, _mm_castsi128_ps(_mm_set1_epi32(-1)))};
}
BRISKMLP_INLINE bool any(MaskF a) { return _mm_movemask_ps(a.m) != 0; }
BRISKMLP_INLINE bool all(MaskF a) { return _mm_movemask_ps(a.m) == 0xf; }
BRISKMLP_INLINE MaskF mask_of_first(float, int n) {
    const __m128i lane = _mm_setr_epi32(0, 1, 2, 3);
    return {_mm_castsi128_ps(_mm_cmpgt_epi32(_mm_set1_epi32(n), lane))};
}

template <>
struct Vec<float> {
    static constexpr int kLanes = 4;
    using Mask = MaskF;
    __m128 v;

    BRISKMLP_INLINE static Vec load(const float* p) { return {_mm_loadu_ps(p)}; }
    BRISKMLP_INLINE static Vec set(float x) { return {_mm_set1_ps(x)}; }
    BRISKMLP_INLINE static Vec zero() { return {_mm_setzero_ps()}; }
    BRISKMLP_INLINE static Vec load_partial(const float* p, int n) {
        if (n >= kLanes) return load(p);
        return {_mm_setr_ps(n > 0 ? p[0] : 0.0f, n > 1 ? p[1] : 0.0f, n > 2 ? p[2] : 0.0f, 0.0f)};
    }
    BRISKMLP_INLINE void store(float* p) const { _mm_storeu_ps(p, v); }
    BRISKMLP_INLINE void store_partial(float* p, int n) const {
        float lanes[kLanes];
        _mm_storeu_ps(lanes, v);
        for (int i = 0; i < n; ++i) p[i] = lanes[i];
    }
};
using VecF = Vec<float>;

BRISKMLP_INLINE VecF operator+(VecF a, VecF b) { return {_mm_add_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a, VecF b) { return {_mm_sub_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator*(VecF a, VecF b) { return {_mm_mul_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator/(VecF a, VecF b) { return {_mm_div_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a) { return {_mm_xor_ps(a.v, _mm_set1_ps(-0.0f))}; }
BRISKMLP_INLINE VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
BRISKMLP_INLINE VecF fnma(VecF a, VecF b, VecF c) { return c - a * b; }
BRISKMLP_INLINE VecF fms(VecF a, VecF b, VecF c) { return a * b - c; }
BRISKMLP_INLINE VecF min(VecF a, VecF b) { return {_mm_min_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF max(VecF a, VecF b) { return {_mm_max_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF abs(VecF a) { return {_mm_andnot_ps(_mm_set1_ps(-0.0f), a.v)}; }
BRISKMLP_INLINE VecF copysign(VecF a, VecF sign) {
    const __m128 bit = _mm_set1_ps(-0.0f);
    return {_mm_or_ps(_mm_and_ps(bit, sign.v), _mm_andnot_ps(bit, a.v))};
}
BRISKMLP_INLINE VecF sqrt(VecF a) { return {_mm_sqrt_ps(a.v)}; }
BRISKMLP_INLINE VecF round_nearest(VecF a) {
    const VecF shift = VecF::set(0x1.8p23f);  // leaves no bits for a fraction
    return (a + shift) - shift;
}

BRISKMLP_INLINE MaskF operator<(VecF a, VecF b) { return {_mm_cmplt_ps(a.v, b.v)}; }
BRISKMLP_INLINE MaskF operator<=(VecF a, VecF b) { return {_mm_cmple_ps(a.v, b.v)}; }
BRISKMLP_INLINE MaskF operator==(VecF a, VecF b) { return {_mm_cmpeq_ps(a.v, b.v)}; }
BRISKMLP_INLINE MaskF is_nan(VecF a) { return {_mm_cmpunord_ps(a.v, a.v)}; }
BRISKMLP_INLINE MaskF operator>(VecF a, VecF b) { return b < a; }
BRISKMLP_INLINE MaskF operator>=(VecF a, VecF b) { return b <= a; }
BRISKMLP_INLINE VecF select(MaskF mask, VecF a, VecF b) {
    return {_mm_or_ps(_mm_and_ps(mask.m, a.v), _mm_andnot_ps(mask.m, b.v))};
}

BRISKMLP_INLINE float reduce_add(VecF a) {
    const __m128 y = _mm_add_ps(a.v, _mm_movehl_ps(a.v, a.v));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_shuffle_ps(y, y, 1)));
}
BRISKMLP_INLINE float reduce_max(VecF a) {
    const __m128 y = _mm_max_ps(a.v, _mm_movehl_ps(a.v, a.v));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_shuffle_ps(y, y, 1)));
}

BRISKMLP_INLINE VecF as_power(VecF x) {
    return {_mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(x.v), 23))};
}
BRISKMLP_INLINE VecF pow2(VecF n) { return as_power(n + VecF::set(kPowerShift<float>)); }
BRISKMLP_INLINE VecF raw_exponent(VecF x) {
    // The biased exponent becomes the last bits of 2^23 + biased exponent.
    const __m128 base = _mm_set1_ps(0x1p23f);
    const __m128 biased = _mm_castsi128_ps(_mm_srli_epi32(_mm_castps_si128(x.v), 23));
    return {_mm_sub_ps(_mm_or_ps(biased, base), _mm_set1_ps(0x1p23f + 127.0f))};
}
BRISKMLP_INLINE VecF raw_mantissa(VecF x) {
    const __m128 mantissa = _mm_and_ps(x.v, _mm_castsi128_ps(_mm_set1_epi32(0x007fffff)));
    return {_mm_or_ps(mantissa, _mm_set1_ps(1.0f))};
}

BRISKMLP_INLINE void transpose_block(const float* src, index_t ldsrc, float* dst, index_t lddst) {
    __m128 a = _mm_loadu_ps(src), b = _mm_loadu_ps(src + ldsrc);
    __m128 c = _mm_loadu_ps(src + 2 * ldsrc), d = _mm_loadu_ps(src + 3 * ldsrc);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(dst, a);
    _mm_storeu_ps(dst + lddst, b);
    _mm_storeu_ps(dst + 2 * lddst, c);
    _mm_storeu_ps(dst + 3 * lddst, d);
}

// --- double --------------------------------------------------------------------------------------

template <>
struct VecMask<double> {
    __m128d m;
};
using MaskD = VecMask<double>;

BRISKMLP_INLINE MaskD operator&(MaskD a, MaskD b) { return {_mm_and_pd(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator|(MaskD a, MaskD b) { return {_mm_or_pd(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator~(MaskD a) {
    return {_mm_xor_pd(a.m, _mm_castsi128_pd(_mm_set1_epi32(-1)))};
}
BRISKMLP_INLINE bool any(MaskD a) { return _mm_movemask_pd(a.m) != 0; }
BRISKMLP_INLINE bool all(MaskD a) { return _mm_movemask_pd(a.m) == 0x3; }
BRISKMLP_INLINE MaskD mask_of_first(double, int n) {
    return {_mm_cmplt_pd(_mm_setr_pd(0.0, 1.0), _mm_set1_pd(n))};
}

template <>
struct Vec<double> {
    static constexpr int kLanes = 2;
    using Mask = MaskD;
    __m128d v;

    BRISKMLP_INLINE static Vec load(const double* p) { return {_mm_loadu_pd(p)}; }
    BRISKMLP_INLINE static Vec set(double x) { return {_mm_set1_pd(x)}; }
    BRISKMLP_INLINE static Vec zero() { return {_mm_setzero_pd()}; }
    BRISKMLP_INLINE static Vec load_partial(const double* p, int n) {
        if (n >= kLanes) return load(p);
        return {_mm_set_sd(n > 0 ? p[0] : 0.0)};
    }
    BRISKMLP_INLINE void store(double* p) const { _mm_storeu_pd(p, v); }
    BRISKMLP_INLINE void store_partial(double* p, int n) const {
        double lanes[kLanes];
        _mm_storeu_pd(lanes, v);
        for (int i = 0; i < n; ++i) p[i] = lanes[i];
    }
};
using VecD = Vec<double>;

BRISKMLP_INLINE VecD operator+(VecD a, VecD b) { return {_mm_add_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a, VecD b) { return {_mm_sub_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator*(VecD a, VecD b) { return {_mm_mul_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator/(VecD a, VecD b) { return {_mm_div_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a) { return {_mm_xor_pd(a.v, _mm_set1_pd(-0.0))}; }
BRISKMLP_INLINE VecD fma(VecD a, VecD b, VecD c) { return a * b + c; }
BRISKMLP_INLINE VecD fnma(VecD a, VecD b, VecD c) { return c - a * b; }
BRISKMLP_INLINE VecD fms(VecD a, VecD b, VecD c) { return a * b - c; }
BRISKMLP_INLINE VecD min(VecD a, VecD b) { return {_mm_min_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD max(VecD a, VecD b) { return {_mm_max_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD abs(VecD a) { return {_mm_andnot_pd(_mm_set1_pd(-0.0), a.v)}; }
BRISKMLP_INLINE VecD copysign(VecD a, VecD sign) {
    const __m128d bit = _mm_set1_pd(-0.0);
    return {_mm_or_pd(_mm_and_pd(bit, sign.v), _mm_andnot_pd(bit, a.v))};
}
BRISKMLP_INLINE VecD sqrt(VecD a) { return {_mm_sqrt_pd(a.v)}; }
BRISKMLP_INLINE VecD round_nearest(VecD a) {
    const VecD shift = VecD::set(0x1.8p52);  // leaves no bits for a fraction
    return (a + shift) - shift;
}

BRISKMLP_INLINE MaskD operator<(VecD a, VecD b) { return {_mm_cmplt_pd(a.v, b.v)}; }
BRISKMLP_INLINE MaskD operator<=(VecD a, VecD b) { return {_mm_cmple_pd(a.v, b.v)}; }
BRISKMLP_INLINE MaskD operator==(VecD a, VecD b) { return {_mm_cmpeq_pd(a.v, b.v)}; }
BRISKMLP_INLINE MaskD is_nan(VecD a) { return {_mm_cmpunord_pd(a.v, a.v)}; }
BRISKMLP_INLINE MaskD operator>(VecD a, VecD b) { return b < a; }
BRISKMLP_INLINE MaskD operator>=(VecD a, VecD b) { return b <= a; }
BRISKMLP_INLINE VecD select(MaskD mask, VecD a, VecD b) {
    return {_mm_or_pd(_mm_and_pd(mask.m, a.v), _mm_andnot_pd(mask.m, b.v))};
}

BRISKMLP_INLINE double reduce_add(VecD a) {
    return _mm_cvtsd_f64(_mm_add_sd(a.v, _mm_unpackhi_pd(a.v, a.v)));
}
BRISKMLP_INLINE double reduce_max(VecD a) {
    return _mm_cvtsd_f64(_mm_max_sd(a.v, _mm_unpackhi_pd(a.v, a.v)));
}

BRISKMLP_INLINE VecD as_power(VecD x) {
    return {_mm_castsi128_pd(_mm_slli_epi64(_mm_castpd_si128(x.v), 52))};
}
BRISKMLP_INLINE VecD pow2(VecD n) { return as_power(n + VecD::set(kPowerShift<double>)); }
BRISKMLP_INLINE VecD raw_exponent(VecD x) {
    // The biased exponent becomes the last bits of 2^52 + biased exponent.
    const __m128d base = _mm_set1_pd(0x1p52);
    const __m128d biased = _mm_castsi128_pd(_mm_srli_epi64(_mm_castpd_si128(x.v), 52));
    return {_mm_sub_pd(_mm_or_pd(biased, base), _mm_set1_pd(0x1p52 + 1023.0))};
}
BRISKMLP_INLINE VecD raw_mantissa(VecD x) {
    const __m128d mantissa = _mm_and_pd(x.v, _mm_castsi128_pd(_mm_set1_epi64x(0x000fffffffffffff)));
    return {_mm_or_pd(mantissa, _mm_set1_pd(1.0))};
}

BRISKMLP_INLINE void transpose_block(const double* src, index_t ldsrc, double* dst, index_t lddst) {
    const __m128d a = _mm_loadu_pd(src), b = _mm_loadu_pd(src + ldsrc);
    _mm_storeu_pd(dst, _mm_unpacklo_pd(a, b));
    _mm_storeu_pd(dst + lddst, _mm_unpackhi_pd(a, b));
}

template <class T>
BRISKMLP_INLINE VecMask<T> first_lanes(int n) {
    return mask_of_first(T{}, n);
}

}  // namespace
}  // namespace briskmlp::sse2

#include "kernels/vec_scale.inl.h"
