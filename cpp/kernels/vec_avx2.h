// Vectors of AVX2 with FMA: 8 floats or 4 doubles. See vec_portable.h for the contract
// that all vec_<isa>.h fulfil.
#pragma once

#include <immintrin.h>

#include "base/types.h"
#include "kernels/inline.h"

#define BRISKMLP_ISA avx2
#include "kernels/vec_power.inl.h"

namespace briskmlp::avx2 {
namespace {

constexpr const char* kIsaName = "avx2";
constexpr bool kFused = true;

template <class T>
struct Vec;
template <class T>
struct VecMask;

// --- float ---------------------------------------------------------------------------------------

template <>
struct VecMask<float> {
    __m256 m;
};
using MaskF = VecMask<float>;

BRISKMLP_INLINE MaskF operator&(MaskF a, MaskF b) { return {_mm256_and_ps(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator|(MaskF a, MaskF b) { return {_mm256_or_ps(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator~(MaskF a) {
    return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))};
}
BRISKMLP_INLINE bool any(MaskF a) { return _mm256_movemask_ps(a.m) != 0; }
BRISKMLP_INLINE bool all(MaskF a) { return _mm256_movemask_ps(a.m) == 0xff; }
BRISKMLP_INLINE MaskF mask_of_first(float, int n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane))};
}

template <>
struct Vec<float> {
    static constexpr int kLanes = 8;
    using Mask = MaskF;
    __m256 v;

    BRISKMLP_INLINE static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
    BRISKMLP_INLINE static Vec set(float x) { return {_mm256_set1_ps(x)}; }
    BRISKMLP_INLINE static Vec zero() { return {_mm256_setzero_ps()}; }
    BRISKMLP_INLINE static Vec load_partial(const float* p, int n) {
        return {_mm256_maskload_ps(p, _mm256_castps_si256(mask_of_first(float{}, n).m))};
    }
    BRISKMLP_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
    BRISKMLP_INLINE void store_partial(float* p, int n) const {
        _mm256_maskstore_ps(p, _mm256_castps_si256(mask_of_first(float{}, n).m), v);
    }
};
using VecF = Vec<float>;

BRISKMLP_INLINE VecF operator+(VecF a, VecF b) { return {_mm256_add_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a, VecF b) { return {_mm256_sub_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator*(VecF a, VecF b) { return {_mm256_mul_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator/(VecF a, VecF b) { return {_mm256_div_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
BRISKMLP_INLINE VecF fma(VecF a, VecF b, VecF c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecF fms(VecF a, VecF b, VecF c) { return {_mm256_fmsub_ps(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecF min(VecF a, VecF b) { return {_mm256_min_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF max(VecF a, VecF b) { return {_mm256_max_ps(a.v, b.v)}; }
BRISKMLP_INLINE VecF abs(VecF a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
BRISKMLP_INLINE VecF copysign(VecF a, VecF sign) {
    const __m256 bit = _mm256_set1_ps(-0.0f);
    return {_mm256_or_ps(_mm256_and_ps(bit, sign.v), _mm256_andnot_ps(bit, a.v))};
}
BRISKMLP_INLINE VecF sqrt(VecF a) { return {_mm256_sqrt_ps(a.v)}; }
BRISKMLP_INLINE VecF round_nearest(VecF a) {
    return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

BRISKMLP_INLINE MaskF operator<(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
BRISKMLP_INLINE MaskF operator<=(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
BRISKMLP_INLINE MaskF operator==(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
BRISKMLP_INLINE MaskF is_nan(VecF a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
BRISKMLP_INLINE MaskF operator>(VecF a, VecF b) { return b < a; }
BRISKMLP_INLINE MaskF operator>=(VecF a, VecF b) { return b <= a; }
BRISKMLP_INLINE VecF select(MaskF mask, VecF a, VecF b) {
    return {_mm256_blendv_ps(b.v, a.v, mask.m)};
}

BRISKMLP_INLINE float reduce_add(VecF a) {
    const __m128 x = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 y = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_shuffle_ps(y, y, 1)));
}
BRISKMLP_INLINE float reduce_max(VecF a) {
    const __m128 x = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
    const __m128 y = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_shuffle_ps(y, y, 1)));
}

BRISKMLP_INLINE VecF as_power(VecF x) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x.v), 23))};
}
BRISKMLP_INLINE VecF pow2(VecF n) { return as_power(n + VecF::set(kPowerShift<float>)); }
BRISKMLP_INLINE VecF raw_exponent(VecF x) {
    // The biased exponent becomes the last bits of 2^23 + biased exponent.
    const __m256 base = _mm256_set1_ps(0x1p23f);
    const __m256 biased = _mm256_castsi256_ps(_mm256_srli_epi32(_mm256_castps_si256(x.v), 23));
    return {_mm256_sub_ps(_mm256_or_ps(biased, base), _mm256_set1_ps(0x1p23f + 127.0f))};
}
BRISKMLP_INLINE VecF raw_mantissa(VecF x) {
    const __m256 mantissa = _mm256_and_ps(x.v, _mm256_castsi256_ps(_mm256_set1_epi32(0x007fffff)));
    return {_mm256_or_ps(mantissa, _mm256_set1_ps(1.0f))};
}

// The 128-bit halves of row i and of row i + 4 of a column of halves.
BRISKMLP_INLINE __m256 load_halves(const float* p, index_t stride) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + stride),
                                1);
}
BRISKMLP_INLINE void transpose_block(const float* src, index_t ldsrc, float* dst, index_t lddst) {
    for (index_t j = 0; j < 8; j += 4) {  // 8 rows x 4 columns become 4 rows x 8 columns
        const __m256 a = load_halves(src + j, 4 * ldsrc);
        const __m256 b = load_halves(src + j + ldsrc, 4 * ldsrc);
        const __m256 c = load_halves(src + j + 2 * ldsrc, 4 * ldsrc);
        const __m256 d = load_halves(src + j + 3 * ldsrc, 4 * ldsrc);
        const __m256 ab0 = _mm256_unpacklo_ps(a, b), ab1 = _mm256_unpackhi_ps(a, b);
        const __m256 cd0 = _mm256_unpacklo_ps(c, d), cd1 = _mm256_unpackhi_ps(c, d);
        float* out = dst + j * lddst;
        _mm256_storeu_ps(out, _mm256_shuffle_ps(ab0, cd0, 0x44));
        _mm256_storeu_ps(out + lddst, _mm256_shuffle_ps(ab0, cd0, 0xee));
        _mm256_storeu_ps(out + 2 * lddst, _mm256_shuffle_ps(ab1, cd1, 0x44));
        _mm256_storeu_ps(out + 3 * lddst, _mm256_shuffle_ps(ab1, cd1, 0xee));
    }
}

// --- double --------------------------------------------------------------------------------------

template <>
struct VecMask<double> {
    __m256d m;
};
using MaskD = VecMask<double>;

BRISKMLP_INLINE MaskD operator&(MaskD a, MaskD b) { return {_mm256_and_pd(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator|(MaskD a, MaskD b) { return {_mm256_or_pd(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator~(MaskD a) {
    return {_mm256_xor_pd(a.m, _mm256_castsi256_pd(_mm256_set1_epi32(-1)))};
}
BRISKMLP_INLINE bool any(MaskD a) { return _mm256_movemask_pd(a.m) != 0; }
BRISKMLP_INLINE bool all(MaskD a) { return _mm256_movemask_pd(a.m) == 0xf; }
BRISKMLP_INLINE MaskD mask_of_first(double, int n) {
    const __m256i lane = _mm256_setr_epi64x(0, 1, 2, 3);
    return {_mm256_castsi256_pd(_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), lane))};
}

template <>
struct Vec<double> {
    static constexpr int kLanes = 4;
    using Mask = MaskD;
    __m256d v;

    BRISKMLP_INLINE static Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
    BRISKMLP_INLINE static Vec set(double x) { return {_mm256_set1_pd(x)}; }
    BRISKMLP_INLINE static Vec zero() { return {_mm256_setzero_pd()}; }
    BRISKMLP_INLINE static Vec load_partial(const double* p, int n) {
        return {_mm256_maskload_pd(p, _mm256_castpd_si256(mask_of_first(double{}, n).m))};
    }
    BRISKMLP_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
    BRISKMLP_INLINE void store_partial(double* p, int n) const {
        _mm256_maskstore_pd(p, _mm256_castpd_si256(mask_of_first(double{}, n).m), v);
    }
};
using VecD = Vec<double>;

BRISKMLP_INLINE VecD operator+(VecD a, VecD b) { return {_mm256_add_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a, VecD b) { return {_mm256_sub_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator*(VecD a, VecD b) { return {_mm256_mul_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator/(VecD a, VecD b) { return {_mm256_div_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a) { return {_mm256_xor_pd(a.v, _mm256_set1_pd(-0.0))}; }
BRISKMLP_INLINE VecD fma(VecD a, VecD b, VecD c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {_mm256_fnmadd_pd(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecD fms(VecD a, VecD b, VecD c) { return {_mm256_fmsub_pd(a.v, b.v, c.v)}; }
BRISKMLP_INLINE VecD min(VecD a, VecD b) { return {_mm256_min_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD max(VecD a, VecD b) { return {_mm256_max_pd(a.v, b.v)}; }
BRISKMLP_INLINE VecD abs(VecD a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
BRISKMLP_INLINE VecD copysign(VecD a, VecD sign) {
    const __m256d bit = _mm256_set1_pd(-0.0);
    return {_mm256_or_pd(_mm256_and_pd(bit, sign.v), _mm256_andnot_pd(bit, a.v))};
}
BRISKMLP_INLINE VecD sqrt(VecD a) { return {_mm256_sqrt_pd(a.v)}; }
BRISKMLP_INLINE VecD round_nearest(VecD a) {
    return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

BRISKMLP_INLINE MaskD operator<(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
BRISKMLP_INLINE MaskD operator<=(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
BRISKMLP_INLINE MaskD operator==(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
BRISKMLP_INLINE MaskD is_nan(VecD a) { return {_mm256_cmp_pd(a.v, a.v, _CMP_UNORD_Q)}; }
BRISKMLP_INLINE MaskD operator>(VecD a, VecD b) { return b < a; }
BRISKMLP_INLINE MaskD operator>=(VecD a, VecD b) { return b <= a; }
BRISKMLP_INLINE VecD select(MaskD mask, VecD a, VecD b) {
    return {_mm256_blendv_pd(b.v, a.v, mask.m)};
}

BRISKMLP_INLINE double reduce_add(VecD a) {
    const __m128d x = _mm_add_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)));
}
BRISKMLP_INLINE double reduce_max(VecD a) {
    const __m128d x = _mm_max_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_max_sd(x, _mm_unpackhi_pd(x, x)));
}

BRISKMLP_INLINE VecD as_power(VecD x) {
    return {_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(x.v), 52))};
}
BRISKMLP_INLINE VecD pow2(VecD n) { return as_power(n + VecD::set(kPowerShift<double>)); }
BRISKMLP_INLINE VecD raw_exponent(VecD x) {
    // The biased exponent becomes the last bits of 2^52 + biased exponent.
    const __m256d base = _mm256_set1_pd(0x1p52);
    const __m256d biased = _mm256_castsi256_pd(_mm256_srli_epi64(_mm256_castpd_si256(x.v), 52));
    return {_mm256_sub_pd(_mm256_or_pd(biased, base), _mm256_set1_pd(0x1p52 + 1023.0))};
}
BRISKMLP_INLINE VecD raw_mantissa(VecD x) {
    const __m256d mantissa =
        _mm256_and_pd(x.v, _mm256_castsi256_pd(_mm256_set1_epi64x(0x000fffffffffffff)));
    return {_mm256_or_pd(mantissa, _mm256_set1_pd(1.0))};
}

BRISKMLP_INLINE __m256d load_halves(const double* p, index_t stride) {
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + stride),
                                1);
}
BRISKMLP_INLINE void transpose_block(const double* src, index_t ldsrc, double* dst, index_t lddst) {
    for (index_t j = 0; j < 4; j += 2) {  // 4 rows x 2 columns become 2 rows x 4 columns
        const __m256d a = load_halves(src + j, 2 * ldsrc);
        const __m256d b = load_halves(src + j + ldsrc, 2 * ldsrc);
        _mm256_storeu_pd(dst + j * lddst, _mm256_unpacklo_pd(a, b));
        _mm256_storeu_pd(dst + (j + 1) * lddst, _mm256_unpackhi_pd(a, b));
    }
}

template <class T>
BRISKMLP_INLINE VecMask<T> first_lanes(int n) {
    return mask_of_first(T{}, n);
}

}  // namespace
}  // namespace briskmlp::avx2

#include "kernels/vec_scale.inl.h"
