// A measure of error in units of the last place, against functions in higher precision: double for
// float, long double for double.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/random.h"

namespace briskmlp {

template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

// Where long double is double there is nothing to compare double with.
template <class T>
constexpr bool kHasOracle = std::numeric_limits<Wide<T>>::digits > std::numeric_limits<T>::digits;

// |got - want| in units of the last place that T has at want, denormal numbers included. Infinity
// counts as the power of 2 beyond the greatest number. NaN is right where NaN is wanted.
template <class T>
double ulp_error(T got, Wide<T> want) {
    using Limits = std::numeric_limits<T>;
    if (std::isnan(want) || std::isnan(got)) {
        return std::isnan(want) && std::isnan(got) ? 0 : Limits::infinity();
    }
    const Wide<T> beyond = std::ldexp(Wide<T>{1}, Limits::max_exponent);
    const Wide<T> value = std::isinf(got) ? std::copysign(beyond, Wide<T>{got}) : Wide<T>{got};
    want = std::fabs(want) > beyond ? std::copysign(beyond, want) : want;
    const int least = Limits::min_exponent - 1;
    const int exponent = want == 0 ? least : std::max(least, std::ilogb(want));
    return static_cast<double>(std::ldexp(std::fabs(value - want), Limits::digits - 1 - exponent));
}

// `count` numbers that meet every exponent of T and both signs equally often, then as many that are
// uniform in [-range, range] for ranges 1/16, 1, 16, 128, 1024.
template <class T>
std::vector<T> stratified_values(index_t count) {
    using Bits = std::conditional_t<std::is_same_v<T, float>, std::uint32_t, std::uint64_t>;
    const CounterRng rng(7, RandomStream::kInit, 0);
    const Bits stride = std::numeric_limits<Bits>::max() / static_cast<Bits>(count);
    std::vector<T> values;
    for (index_t i = 0; i < count; ++i) {
        const std::uint64_t random = rng.bits(static_cast<std::uint64_t>(i));
        const Bits bits = static_cast<Bits>(i) * stride + static_cast<Bits>(random % stride);
        T value;
        std::memcpy(&value, &bits, sizeof value);
        values.push_back(value);
    }
    for (index_t i = 0; i < count; ++i) {
        constexpr double kRanges[] = {0.0625, 1, 16, 128, 1024};
        const double unit = 2 * rng.uniform(static_cast<std::uint64_t>(count + i)) - 1;
        values.push_back(static_cast<T>(kRanges[i % 5] * unit));
    }
    return values;
}

// How much of an error an oracle that exponentiates may make itself, in ULP of T. It is the
// relative error of an exponent, a few roundings, times the exponent, at most the logarithm of the
// value.
template <class T>
double oracle_error_ulp(Wide<T> value) {
    const double ratio = static_cast<double>(std::numeric_limits<Wide<T>>::epsilon()) /
                         static_cast<double>(std::numeric_limits<T>::epsilon());
    const double exponent =
        value == 0 ? 0 : std::fabs(static_cast<double>(std::log(std::fabs(value))));
    return 4 * ratio * (1 + exponent);
}

// The functions that the C library lacks, without overflow or cancellation.
namespace oracle {

template <class W>
W sigmoid(W x) {
    const W e = std::exp(-std::fabs(x));
    return (x < 0 ? e : W{1}) / (1 + e);
}

template <class W>
W softplus(W x) {
    return std::log1p(std::exp(-std::fabs(x))) + std::fmax(x, W{0});
}

template <class W>
W selu(W x) {
    return x > 0 ? W(1.0507009873554804934193349852946L) * x
                 : W(1.7580993408473768599402175208123L) * std::expm1(x);
}

template <class W>
W gelu(W x) {
    return x * (std::erfc(-x * W(0.70710678118654752440084436210485L)) / 2);
}

// 1 / (1 + e^-v) with v = a x + b x^3; x^3 is kept from overflowing.
template <class W>
W gelu_tanh(W x) {
    const W a = W(1.5957691216057307117597842397375L), b = a * W(0.044715L);
    const W bounded = std::fmax(W{-1000}, std::fmin(W{1000}, x));
    return x * sigmoid(bounded * (a + b * bounded * bounded));
}

template <class W>
W silu(W x) {
    return x * sigmoid(x);
}

// tanh(softplus(x)) = n / (n + 2), n = w (w + 2), w = e^x; to the right over w^2.
template <class W>
W mish(W x) {
    const W e = std::exp(-std::fabs(x));
    const W n = x < 0 ? e * (e + 2) : 1 + 2 * e, two = x < 0 ? W{2} : 2 * e * e;
    return x * (n / (n + two));
}

}  // namespace oracle

}  // namespace briskmlp
