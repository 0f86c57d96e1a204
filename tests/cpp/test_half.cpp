// base/half.h: every half, and roundings of floats between them.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/half.h"

using namespace briskmlp;

namespace {

// A half's value by its definition.
double value_of(std::uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double sign = (bits & 0x8000) != 0 ? -1 : 1;
    if (exponent == 31) {
        return fraction != 0 ? std::nan("") : sign * std::numeric_limits<double>::infinity();
    }
    return sign *
           (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

}  // namespace

TEST_CASE("every half is the float of its value, and back") {
    for (std::uint32_t i = 0; i < 0x10000; ++i) {
        const auto bits = static_cast<std::uint16_t>(i);
        const double value = value_of(bits);
        const float wide = to_float(Half{bits});
        if (std::isnan(value)) {
            CHECK(std::isnan(wide));
            CHECK(std::isnan(value_of(to_half(wide).bits)));
        } else {
            CHECK(static_cast<double>(wide) == value);
            CHECK(to_half(wide).bits == bits);
        }
    }
}

TEST_CASE("floats are rounded to the nearest half, ties to even") {
    for (std::uint16_t bits = 0; bits < 0x7bff; ++bits) {
        const auto low = static_cast<float>(value_of(bits));
        const auto high = static_cast<float>(value_of(static_cast<std::uint16_t>(bits + 1)));
        const float middle = (low + high) / 2;
        CHECK(to_half(std::nextafter(middle, low)).bits == bits);
        CHECK(to_half(std::nextafter(middle, high)).bits == bits + 1);
        CHECK(to_half(middle).bits == bits + (bits & 1));
        CHECK(to_half(-middle).bits == (0x8000 | (bits + (bits & 1))));
    }
    CHECK(to_half(65519.0f).bits == 0x7bff);
    CHECK(to_half(65520.0f).bits == 0x7c00);
    CHECK(to_half(1e-30f).bits == 0);
}
