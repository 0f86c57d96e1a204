// Vectors of NEON on aarch64: 4 floats or 2 doubles. See vec_portable.h for the contract
// that all vec_<isa>.h fulfil.
#pragma once

#include <arm_neon.h>

#include "base/types.h"
#include "kernels/inline.h"

#define BRISKMLP_ISA neon
#include "kernels/vec_power.inl.h"

namespace briskmlp::neon {
namespace {

constexpr const char* kIsaName = "neon";
constexpr bool kFused = true;

template <class T>
struct Vec;
template <class T>
struct VecMask;

// --- float ---------------------------------------------------------------------------------------

template <>
struct VecMask<float> {
    uint32x4_t m;
};
using MaskF = VecMask<float>;

BRISKMLP_INLINE MaskF operator&(MaskF a, MaskF b) { return {vandq_u32(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator|(MaskF a, MaskF b) { return {vorrq_u32(a.m, b.m)}; }
BRISKMLP_INLINE MaskF operator~(MaskF a) { return {vmvnq_u32(a.m)}; }
BRISKMLP_INLINE bool any(MaskF a) { return vmaxvq_u32(a.m) != 0; }
BRISKMLP_INLINE bool all(MaskF a) { return vminvq_u32(a.m) != 0; }
BRISKMLP_INLINE MaskF mask_of_first(float, int n) {
    const std::uint32_t lane[] = {0, 1, 2, 3};
    return {vcltq_u32(vld1q_u32(lane), vdupq_n_u32(static_cast<std::uint32_t>(n)))};
}

template <>
struct Vec<float> {
    static constexpr int kLanes = 4;
    using Mask = MaskF;
    float32x4_t v;

    BRISKMLP_INLINE static Vec load(const float* p) { return {vld1q_f32(p)}; }
    BRISKMLP_INLINE static Vec set(float x) { return {vdupq_n_f32(x)}; }
    BRISKMLP_INLINE static Vec zero() { return set(0.0f); }
    BRISKMLP_INLINE static Vec load_partial(const float* p, int n) {
        float lanes[kLanes] = {};
        for (int i = 0; i < n; ++i) lanes[i] = p[i];
        return load(lanes);
    }
    BRISKMLP_INLINE void store(float* p) const { vst1q_f32(p, v); }
    BRISKMLP_INLINE void store_partial(float* p, int n) const {
        float lanes[kLanes];
        store(lanes);
        for (int i = 0; i < n; ++i) p[i] = lanes[i];
    }
};
using VecF = Vec<float>;

BRISKMLP_INLINE VecF operator+(VecF a, VecF b) { return {vaddq_f32(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a, VecF b) { return {vsubq_f32(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator*(VecF a, VecF b) { return {vmulq_f32(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator/(VecF a, VecF b) { return {vdivq_f32(a.v, b.v)}; }
BRISKMLP_INLINE VecF operator-(VecF a) { return {vnegq_f32(a.v)}; }
BRISKMLP_INLINE VecF fma(VecF a, VecF b, VecF c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
BRISKMLP_INLINE VecF fnma(VecF a, VecF b, VecF c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
BRISKMLP_INLINE VecF fms(VecF a, VecF b, VecF c) { return -fnma(a, b, c); }
BRISKMLP_INLINE VecF min(VecF a, VecF b) { return {vminq_f32(a.v, b.v)}; }
BRISKMLP_INLINE VecF max(VecF a, VecF b) { return {vmaxq_f32(a.v, b.v)}; }
BRISKMLP_INLINE VecF abs(VecF a) { return {vabsq_f32(a.v)}; }
BRISKMLP_INLINE VecF copysign(VecF a, VecF sign) {
    return {vbslq_f32(vreinterpretq_u32_f32(vdupq_n_f32(-0.0f)), sign.v, a.v)};
}
BRISKMLP_INLINE VecF sqrt(VecF a) { return {vsqrtq_f32(a.v)}; }
BRISKMLP_INLINE VecF round_nearest(VecF a) { return {vrndnq_f32(a.v)}; }

BRISKMLP_INLINE MaskF operator<(VecF a, VecF b) { return {vcltq_f32(a.v, b.v)}; }
BRISKMLP_INLINE MaskF operator<=(VecF a, VecF b) { return {vcleq_f32(a.v, b.v)}; }
BRISKMLP_INLINE MaskF operator>(VecF a, VecF b) { return {vcgtq_f32(a.v, b.v)}; }
BRISKMLP_INLINE MaskF operator>=(VecF a, VecF b) { return {vcgeq_f32(a.v, b.v)}; }
BRISKMLP_INLINE MaskF operator==(VecF a, VecF b) { return {vceqq_f32(a.v, b.v)}; }
BRISKMLP_INLINE MaskF is_nan(VecF a) { return ~(a == a); }
BRISKMLP_INLINE VecF select(MaskF mask, VecF a, VecF b) { return {vbslq_f32(mask.m, a.v, b.v)}; }

BRISKMLP_INLINE float reduce_add(VecF a) {
    const float32x2_t x = vadd_f32(vget_low_f32(a.v), vget_high_f32(a.v));
    return vget_lane_f32(x, 0) + vget_lane_f32(x, 1);
}
BRISKMLP_INLINE float reduce_max(VecF a) {
    const float32x2_t x = vmax_f32(vget_low_f32(a.v), vget_high_f32(a.v));
    return vmaxv_f32(x);
}

BRISKMLP_INLINE VecF as_power(VecF x) {
    return {vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(x.v), 23))};
}
BRISKMLP_INLINE VecF pow2(VecF n) { return as_power(n + VecF::set(kPowerShift<float>)); }
BRISKMLP_INLINE VecF raw_exponent(VecF x) {
    // The biased exponent becomes the last bits of 2^23 + biased exponent.
    const uint32x4_t base = vreinterpretq_u32_f32(vdupq_n_f32(0x1p23f));
    const uint32x4_t biased = vshrq_n_u32(vreinterpretq_u32_f32(x.v), 23);
    const float32x4_t sum = vreinterpretq_f32_u32(vorrq_u32(biased, base));
    return {vsubq_f32(sum, vdupq_n_f32(0x1p23f + 127.0f))};
}
BRISKMLP_INLINE VecF raw_mantissa(VecF x) {
    // Below the mask the bits of x, above it those of 1.
    return {vbslq_f32(vdupq_n_u32(0x007fffff), x.v, vdupq_n_f32(1.0f))};
}

BRISKMLP_INLINE void transpose_block(const float* src, index_t ldsrc, float* dst, index_t lddst) {
    const float32x4_t a = vld1q_f32(src), b = vld1q_f32(src + ldsrc);
    const float32x4_t c = vld1q_f32(src + 2 * ldsrc), d = vld1q_f32(src + 3 * ldsrc);
    const float32x4x2_t ab = vtrnq_f32(a, b), cd = vtrnq_f32(c, d);
    vst1q_f32(dst, vcombine_f32(vget_low_f32(ab.val[0]), vget_low_f32(cd.val[0])));
    vst1q_f32(dst + lddst, vcombine_f32(vget_low_f32(ab.val[1]), vget_low_f32(cd.val[1])));
    vst1q_f32(dst + 2 * lddst, vcombine_f32(vget_high_f32(ab.val[0]), vget_high_f32(cd.val[0])));
    vst1q_f32(dst + 3 * lddst, vcombine_f32(vget_high_f32(ab.val[1]), vget_high_f32(cd.val[1])));
}

// --- double --------------------------------------------------------------------------------------

template <>
struct VecMask<double> {
    uint64x2_t m;
};
using MaskD = VecMask<double>;

BRISKMLP_INLINE MaskD operator&(MaskD a, MaskD b) { return {vandq_u64(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator|(MaskD a, MaskD b) { return {vorrq_u64(a.m, b.m)}; }
BRISKMLP_INLINE MaskD operator~(MaskD a) {
    return {vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(a.m)))};
}
BRISKMLP_INLINE bool any(MaskD a) { return vmaxvq_u32(vreinterpretq_u32_u64(a.m)) != 0; }
BRISKMLP_INLINE bool all(MaskD a) { return vminvq_u32(vreinterpretq_u32_u64(a.m)) != 0; }
BRISKMLP_INLINE MaskD mask_of_first(double, int n) {
    const std::uint64_t lane[] = {0, 1};
    return {vcltq_u64(vld1q_u64(lane), vdupq_n_u64(static_cast<std::uint64_t>(n)))};
}

template <>
struct Vec<double> {
    static constexpr int kLanes = 2;
    using Mask = MaskD;
    float64x2_t v;

    BRISKMLP_INLINE static Vec load(const double* p) { return {vld1q_f64(p)}; }
    BRISKMLP_INLINE static Vec set(double x) { return {vdupq_n_f64(x)}; }
    BRISKMLP_INLINE static Vec zero() { return set(0.0); }
    BRISKMLP_INLINE static Vec load_partial(const double* p, int n) {
        double lanes[kLanes] = {};
        for (int i = 0; i < n; ++i) lanes[i] = p[i];
        return load(lanes);
    }
    BRISKMLP_INLINE void store(double* p) const { vst1q_f64(p, v); }
    BRISKMLP_INLINE void store_partial(double* p, int n) const {
        double lanes[kLanes];
        store(lanes);
        for (int i = 0; i < n; ++i) p[i] = lanes[i];
    }
};
using VecD = Vec<double>;

BRISKMLP_INLINE VecD operator+(VecD a, VecD b) { return {vaddq_f64(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a, VecD b) { return {vsubq_f64(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator*(VecD a, VecD b) { return {vmulq_f64(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator/(VecD a, VecD b) { return {vdivq_f64(a.v, b.v)}; }
BRISKMLP_INLINE VecD operator-(VecD a) { return {vnegq_f64(a.v)}; }
BRISKMLP_INLINE VecD fma(VecD a, VecD b, VecD c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
BRISKMLP_INLINE VecD fnma(VecD a, VecD b, VecD c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
BRISKMLP_INLINE VecD fms(VecD a, VecD b, VecD c) { return -fnma(a, b, c); }
BRISKMLP_INLINE VecD min(VecD a, VecD b) { return {vminq_f64(a.v, b.v)}; }
BRISKMLP_INLINE VecD max(VecD a, VecD b) { return {vmaxq_f64(a.v, b.v)}; }
BRISKMLP_INLINE VecD abs(VecD a) { return {vabsq_f64(a.v)}; }
BRISKMLP_INLINE VecD copysign(VecD a, VecD sign) {
    return {vbslq_f64(vreinterpretq_u64_f64(vdupq_n_f64(-0.0)), sign.v, a.v)};
}
BRISKMLP_INLINE VecD sqrt(VecD a) { return {vsqrtq_f64(a.v)}; }
BRISKMLP_INLINE VecD round_nearest(VecD a) { return {vrndnq_f64(a.v)}; }

BRISKMLP_INLINE MaskD operator<(VecD a, VecD b) { return {vcltq_f64(a.v, b.v)}; }
BRISKMLP_INLINE MaskD operator<=(VecD a, VecD b) { return {vcleq_f64(a.v, b.v)}; }
BRISKMLP_INLINE MaskD operator>(VecD a, VecD b) { return {vcgtq_f64(a.v, b.v)}; }
BRISKMLP_INLINE MaskD operator>=(VecD a, VecD b) { return {vcgeq_f64(a.v, b.v)}; }
BRISKMLP_INLINE MaskD operator==(VecD a, VecD b) { return {vceqq_f64(a.v, b.v)}; }
BRISKMLP_INLINE MaskD is_nan(VecD a) { return ~(a == a); }
BRISKMLP_INLINE VecD select(MaskD mask, VecD a, VecD b) { return {vbslq_f64(mask.m, a.v, b.v)}; }

BRISKMLP_INLINE double reduce_add(VecD a) {
    return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1);
}
BRISKMLP_INLINE double reduce_max(VecD a) { return vmaxvq_f64(a.v); }

BRISKMLP_INLINE VecD as_power(VecD x) {
    return {vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(x.v), 52))};
}
BRISKMLP_INLINE VecD pow2(VecD n) { return as_power(n + VecD::set(kPowerShift<double>)); }
BRISKMLP_INLINE VecD raw_exponent(VecD x) {
    // The biased exponent becomes the last bits of 2^52 + biased exponent.
    const uint64x2_t base = vreinterpretq_u64_f64(vdupq_n_f64(0x1p52));
    const uint64x2_t biased = vshrq_n_u64(vreinterpretq_u64_f64(x.v), 52);
    const float64x2_t sum = vreinterpretq_f64_u64(vorrq_u64(biased, base));
    return {vsubq_f64(sum, vdupq_n_f64(0x1p52 + 1023.0))};
}
BRISKMLP_INLINE VecD raw_mantissa(VecD x) {
    // Below the mask the bits of x, above it those of 1.
    return {vbslq_f64(vdupq_n_u64(0x000fffffffffffff), x.v, vdupq_n_f64(1.0))};
}

BRISKMLP_INLINE void transpose_block(const double* src, index_t ldsrc, double* dst, index_t lddst) {
    const float64x2_t a = vld1q_f64(src), b = vld1q_f64(src + ldsrc);
    vst1q_f64(dst, vtrn1q_f64(a, b));
    vst1q_f64(dst + lddst, vtrn2q_f64(a, b));
}

template <class T>
BRISKMLP_INLINE VecMask<T> first_lanes(int n) {
    return mask_of_first(T{}, n);
}

}  // namespace
}  // namespace briskmlp::neon

#include "kernels/vec_scale.inl.h"
