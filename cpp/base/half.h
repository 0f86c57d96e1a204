// Half precision (IEEE binary16) as the bits that NumPy's float16 holds. Only a format: computing
// is done in float.
#pragma once

#include <cstdint>
#include <cstring>

namespace briskmlp {

struct Half {
    std::uint16_t bits;
};

inline float to_float(Half half) {
    const std::uint32_t sign = std::uint32_t{half.bits & 0x8000u} << 16;
    const std::uint32_t magnitude = half.bits & 0x7fffu;
    // As a float of the same fields the number is too small by 2^(127 - 15); the product is exact,
    // and makes denormal numbers normal.
    const std::uint32_t fields = magnitude << 13;
    float value;
    std::memcpy(&value, &fields, sizeof value);
    value *= 0x1p112f;
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (magnitude >= 0x7c00u) {
        bits = 0x7f800000u | fields;
    }
    bits |= sign;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// Rounded to the nearest, ties to even; NaN stays NaN.
inline Half to_half(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const std::uint32_t sign = bits >> 16 & 0x8000u;
    bits &= 0x7fffffffu;
    std::uint32_t half;
    if (bits > 0x7f800000u) {
        half = 0x7e00u | (bits >> 13 & 0x3ffu);
    } else if (bits >= 0x477ff000u) {  // 65520, the midpoint of the greatest half and 65536
        half = 0x7c00u;
    } else if (bits >= 0x38800000u) {  // 2^-14, the least normal half
        half = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
    } else {
        // About 1/2 the last place of a float is that of a denormal half, so that the sum rounds.
        float magnitude;
        std::memcpy(&magnitude, &bits, sizeof magnitude);
        magnitude += 0.5f;
        std::memcpy(&bits, &magnitude, sizeof bits);
        half = bits - 0x3f000000u;
    }
    return {static_cast<std::uint16_t>(sign | half)};
}

}  // namespace briskmlp
