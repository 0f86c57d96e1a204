// Vectors of AVX-512 (F, DQ, BW, VL): 16 floats or 8 doubles. See vec_portable.h for the contract
// that all vec_<isa>.h fulfil.
#pragma once

// GCC 12 takes the "undefined" operands of its own intrinsics for uninitialised variables.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include "base/types.h"
#include "kernels/inline.h"

#define BRISKMLP_ISA avx512
#include "kernels/vec_power.inl.h"

namespace briskmlp::avx512 {
namespace {

constexpr const char* kIsaName = "avx512";
constexpr bool kFused = true;

template <class T>
struct Vec;
template <class T>
struct VecMask;

// --- float ---------------------------------------------------------------------------------------

template <>
struct VecMask<float> {
    __mmask16 m;
};
using MaskF = VecMask<float>;

BRISKMLP_INLINE MaskF operator&(MaskF a, MaskF b) { return {_kand_mask16(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator|(MaskF a, MaskF b) { return {_kor_mask16(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator~(MaskF a) { return {_knot_mask16(a.m)}; }
BRISKMLP_INLINE bool any(MaskF a) { return a.m != 0; }
BRISKMLP_INLINE bool all(MaskF a) { return a.m == 0xffff; }
BRISKMLP_INLINE MaskF mask_of_first(float, int n) {
    return {static_cast<__mmask16>((1u << n) - 1u)};
}

template <>
struct Vec<float> {
    static constexpr int kLanes = 16;
    using Mask = MaskF;
    __m512 v;

    BRISKMLP_INLINE static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
    BRISKMLP_INLINE static Vec set(float x) { return {_mm512_set1_ps(x)}; }
    BRISKMLP_INLINE static Vec zero() { return {_mm512_setzero_ps()}; }
    BRISKMLP_INLINE static Vec load_partial(const float* p, int n) {
        return {_mm512_maskz_loadu_ps(mask_of_first(float{}, n).m, p)};
    }
    BRISKMLP_INLINE void store(float* p) const { _mm512_storeu_ps(p, v); }
    BRISKMLP_INLINE void store_partial(float* p, int n) const {
        _mm512_mask_storeu_ps(p, mask_of_first(float{}, n).m, v);
    }
};
using VecF = Vec<float>;

BRISKMLP_INLINE VecF operator+(VecF a, VecF b) { return {_mm512_add_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a, VecF b) { return {_mm512_sub_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator*(VecF a, VecF b) { return {_mm512_mul_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator/(VecF a, VecF b) { return {_mm512_div_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
BRISKMLP_INLINE VecF fma(VecF a, VecF b, VecF c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecF fms(VecF a, VecF b, VecF c) { return {_mm512_fmsub_ps(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecF min(VecF a, VecF b) { return {_mm512_min_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF max(VecF a, VecF b) { return {_mm512_max_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF abs(VecF a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.v)}; }
BRISKMLP_INLINE VecF copysign(VecF a, VecF sign) {
    return {_mm512_castsi512_ps(_mm512_ternarylogic_epi32(_mm512_set1_epi32(INT32_MIN),
                                                          _mm512_castps_si512(sign.v),
                                                          _mm512_castps_si512(a.v), 0xCA))};
}
BRISKMLP_INLINE VecF sqrt(VecF a) { return {_mm512_sqrt_ps(a.v)}; }
BRISKMLP_INLINE VecF round_nearest(VecF a) {
    return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT)};
}

BRISKMLP_INLINE MaskF operator<(VecF a, VecF b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
BRISKMLP_INLINE MaskF operator<=(VecF a, VecF b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)};
}
BRISKMLP_INLINE MaskF operator>(VecF a, VecF b) { return b < a; }
BRISKMLP_INLINE MaskF operator>=(VecF a, VecF b) { return b <= a; }
BRISKMLP_INLINE MaskF operator==(VecF a, VecF b) {
    return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)};
}
BRISKMLP_INLINE MaskF is_not_positive_finite(VecF a) {
    return {_mm512_fpclass_ps_mask(a.v, 0xdf)};  // all classes but denormal and normal
}
BRISKMLP_INLINE MaskF is_nan(VecF a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
BRISKMLP_INLINE VecF select(MaskF mask, VecF a, VecF b) {
    return {_mm512_mask_blend_ps(mask.m, b.v, a.v)};
}

BRISKMLP_INLINE float reduce_add(VecF a) {
    const __m256 x = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 z = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(z, _mm_movehdup_ps(z)));
}
BRISKMLP_INLINE float reduce_max(VecF a) {
    const __m256 x = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
    const __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 z = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ss(z, _mm_movehdup_ps(z)));
}

BRISKMLP_INLINE VecF scale(VecF x, VecF n) { return {_mm512_scalef_ps(x.v, n.v)}; }
BRISKMLP_INLINE VecF scale_low(VecF x, VecF n) { return scale(x, n); }
BRISKMLP_INLINE VecF as_power(VecF x) {
    return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x.v), 23))};
}
BRISKMLP_INLINE VecF pow2(VecF n) { return as_power(n + VecF::set(kPowerShift<float>)); }
BRISKMLP_INLINE VecF raw_exponent(VecF x) { return {_mm512_getexp_ps(x.v)}; }
BRISKMLP_INLINE VecF split(VecF x, VecF& exponent) {
    const __m512 mantissa = _mm512_getmant_ps(x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
    exponent.v = _mm512_sub_ps(_mm512_getexp_ps(x.v), _mm512_getexp_ps(mantissa));
    return {mantissa};
}

// The four 128-bit quarters of row `i`, `i + 4`, `i + 8`, `i + 12` of a column of quarters.
BRISKMLP_INLINE __m512 load_quarters(const float* p, index_t stride) {
    // Masked loads need no shuffles, of which the transposition has enough.
    const __m512 a = _mm512_castps128_ps512(_mm_loadu_ps(p));
    const __m512 b = _mm512_mask_broadcast_f32x4(a, 0x00f0, _mm_loadu_ps(p + stride));
    const __m512 c = _mm512_mask_broadcast_f32x4(b, 0x0f00, _mm_loadu_ps(p + 2 * stride));
    return _mm512_mask_broadcast_f32x4(c, 0xf000, _mm_loadu_ps(p + 3 * stride));
}
BRISKMLP_INLINE void transpose_block(const float* src, index_t ldsrc, float* dst, index_t lddst) {
    for (index_t j = 0; j < 16; j += 4) {  // 16 rows x 4 columns become 4 rows x 16 columns
        const __m512 a = load_quarters(src + j, 4 * ldsrc);
        const __m512 b = load_quarters(src + j + ldsrc, 4 * ldsrc);
        const __m512 c = load_quarters(src + j + 2 * ldsrc, 4 * ldsrc);
        const __m512 d = load_quarters(src + j + 3 * ldsrc, 4 * ldsrc);
        const __m512 ab0 = _mm512_unpacklo_ps(a, b), ab1 = _mm512_unpackhi_ps(a, b);
        const __m512 cd0 = _mm512_unpacklo_ps(c, d), cd1 = _mm512_unpackhi_ps(c, d);
        float* out = dst + j * lddst;
        _mm512_storeu_ps(out, _mm512_shuffle_ps(ab0, cd0, 0x44));
        _mm512_storeu_ps(out + lddst, _mm512_shuffle_ps(ab0, cd0, 0xee));
        _mm512_storeu_ps(out + 2 * lddst, _mm512_shuffle_ps(ab1, cd1, 0x44));
        _mm512_storeu_ps(out + 3 * lddst, _mm512_shuffle_ps(ab1, cd1, 0xee));
    }
}

// --- double --------------------------------------------------------------------------------------

template <>
struct VecMask<double> {
    __mmask8 m;
};
using MaskD = VecMask<double>;

BRISKMLP_INLINE MaskD operator&(MaskD a, MaskD b) { return {_kand_mask8(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator|(MaskD a, MaskD b) { return {_kor_mask8(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator~(MaskD a) { return {_knot_mask8(a.m)}; }
BRISKMLP_INLINE bool any(MaskD a) { return a.m != 0; }
BRISKMLP_INLINE bool all(MaskD a) { return a.m == 0xff; }
BRISKMLP_INLINE MaskD mask_of_first(double, int n) {
    return {static_cast<__mmask8>((1u << n) - 1u)};
}

template <>
struct Vec<double> {
    static constexpr int kLanes = 8;
    using Mask = MaskD;
    __m512d v;

    BRISKMLP_INLINE static Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
    BRISKMLP_INLINE static Vec set(double x) { return {_mm512_set1_pd(x)}; }
    BRISKMLP_INLINE static Vec zero() { return {_mm512_setzero_pd()}; }
    BRISKMLP_INLINE static Vec load_partial(const double* p, int n) {
        return {_mm512_maskz_loadu_pd(mask_of_first(double{}, n).m, p)};
    }
    BRISKMLP_INLINE void store(double* p) const { _mm512_storeu_pd(p, v); }
    BRISKMLP_INLINE void store_partial(double* p, int n) const {
        _mm512_mask_storeu_pd(p, mask_of_first(double{}, n).m, v);
    }
};
using VecD = Vec<double>;

BRISKMLP_INLINE VecD operator+(VecD a, VecD b) { return {_mm512_add_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a, VecD b) { return {_mm512_sub_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator*(VecD a, VecD b) { return {_mm512_mul_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator/(VecD a, VecD b) { return {_mm512_div_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a) { return {_mm512_xor_pd(a.v, _mm512_set1_pd(-0.0))}; }
BRISKMLP_INLINE VecD fma(VecD a, VecD b, VecD c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecD fms(VecD a, VecD b, VecD c) { return {_mm512_fmsub_pd(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecD min(VecD a, VecD b) { return {_mm512_min_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD max(VecD a, VecD b) { return {_mm512_max_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD abs(VecD a) { return {_mm512_andnot_pd(_mm512_set1_pd(-0.0), a.v)}; }
BRISKMLP_INLINE VecD copysign(VecD a, VecD sign) {
    return {_mm512_castsi512_pd(_mm512_ternarylogic_epi64(_mm512_set1_epi64(INT64_MIN),
                                                          _mm512_castpd_si512(sign.v),
                                                          _mm512_castpd_si512(a.v), 0xCA))};
}
BRISKMLP_INLINE VecD sqrt(VecD a) { return {_mm512_sqrt_pd(a.v)}; }
BRISKMLP_INLINE VecD round_nearest(VecD a) {
    return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEAREST_INT)};
}

BRISKMLP_INLINE MaskD operator<(VecD a, VecD b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)};
}
BRISKMLP_INLINE MaskD operator<=(VecD a, VecD b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)};
}
BRISKMLP_INLINE MaskD operator>(VecD a, VecD b) { return b < a; }
BRISKMLP_INLINE MaskD operator>=(VecD a, VecD b) { return b <= a; }
BRISKMLP_INLINE MaskD operator==(VecD a, VecD b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)};
}
BRISKMLP_INLINE MaskD is_not_positive_finite(VecD a) {
    return {_mm512_fpclass_pd_mask(a.v, 0xdf)};  // all classes but denormal and normal
}
BRISKMLP_INLINE MaskD is_nan(VecD a) { return {_mm512_cmp_pd_mask(a.v, a.v, _CMP_UNORD_Q)}; }
BRISKMLP_INLINE VecD select(MaskD mask, VecD a, VecD b) {
    return {_mm512_mask_blend_pd(mask.m, b.v, a.v)};
}

BRISKMLP_INLINE double reduce_add(VecD a) {
    const __m256d x = _mm256_add_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d y = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(y, _mm_unpackhi_pd(y, y)));
}
BRISKMLP_INLINE double reduce_max(VecD a) {
    const __m256d x = _mm256_max_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d y = _mm_max_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_max_sd(y, _mm_unpackhi_pd(y, y)));
}

BRISKMLP_INLINE VecD scale(VecD x, VecD n) { return {_mm512_scalef_pd(x.v, n.v)}; }
BRISKMLP_INLINE VecD scale_low(VecD x, VecD n) { return scale(x, n); }
BRISKMLP_INLINE VecD as_power(VecD x) {
    return {_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_castpd_si512(x.v), 52))};
}
BRISKMLP_INLINE VecD pow2(VecD n) { return as_power(n + VecD::set(kPowerShift<double>)); }
BRISKMLP_INLINE VecD raw_exponent(VecD x) { return {_mm512_getexp_pd(x.v)}; }
BRISKMLP_INLINE VecD split(VecD x, VecD& exponent) {
    const __m512d mantissa = _mm512_getmant_pd(x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
    exponent.v = _mm512_sub_pd(_mm512_getexp_pd(x.v), _mm512_getexp_pd(mantissa));
    return {mantissa};
}

BRISKMLP_INLINE __m512d load_quarters(const double* p, index_t stride) {
    const __m512d a = _mm512_castpd128_pd512(_mm_loadu_pd(p));
    const __m512d b = _mm512_mask_broadcast_f64x2(a, 0x0c, _mm_loadu_pd(p + stride));
    const __m512d c = _mm512_mask_broadcast_f64x2(b, 0x30, _mm_loadu_pd(p + 2 * stride));
    return _mm512_mask_broadcast_f64x2(c, 0xc0, _mm_loadu_pd(p + 3 * stride));
}
BRISKMLP_INLINE void transpose_block(const double* src, index_t ldsrc, double* dst, index_t lddst) {
    for (index_t j = 0; j < 8; j += 2) {  // 8 rows x 2 columns become 2 rows x 8 columns
        const __m512d a = load_quarters(src + j, 2 * ldsrc);
        const __m512d b = load_quarters(src + j + ldsrc, 2 * ldsrc);
        _mm512_storeu_pd(dst + j * lddst, _mm512_unpacklo_pd(a, b));
        _mm512_storeu_pd(dst + (j + 1) * lddst, _mm512_unpackhi_pd(a, b));
    }
}

template <class T>
BRISKMLP_INLINE VecMask<T> first_lanes(int n) {
    return mask_of_first(T{}, n);
}

}  // namespace
}  // namespace briskmlp::avx512
