// Normal noise on the inputs of training: which number an entry gets follows from a counter, so
// that tiles, shards and threads make no difference.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/random.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// sqrt(2) erfinv(x) = x p(w), w = -log(1 - x^2), within 1.3e-7 of itself (Giles, "Approximating the
// erfinv function", 2010): by w - 2.5 below 5, by sqrt(w) - 3 beyond.
template <class T>
constexpr T kNear[] = {T(1.50140941),     T(0.246640727),    T(-0.00417768164),
                       T(-0.00125372503), T(0.00021858087),  T(-4.39150654e-06),
                       T(-3.5233877e-06), T(3.43273939e-07), T(2.81022636e-08)};
template <class T>
constexpr T kFar[] = {T(2.83297682),    T(1.00167406),     T(0.00943887047),
                      T(-0.0076224613), T(0.00573950773),  T(-0.00367342844),
                      T(0.00134934322), T(0.000100950558), T(-0.000200214257)};

// The normal number that is larger than a share (1 + x) / 2 of them; -1 < x < 1, and 1 - x^2 not
// rounded to 0.
template <class T>
BRISKMLP_INLINE Vec<T> normal_quantile(Vec<T> x) {
    using V = Vec<T>;
    const V one = V::set(T(1));
    const V w = -log((one - x) * (one + x));
    const V near = polynomial(w - V::set(T(2.5)), kNear<T>);
    const V far = polynomial(sqrt(w) - V::set(T(3)), kFar<T>);
    return V::set(T(1.41421356237309504880)) * x * select(w < V::set(T(5)), near, far);
}

// The uniform numbers wait in a buffer of their own, in a plain loop that compilers turn into
// vectors of 64-bit integers.
template <class T>
void add_noise(const Noise<T>& noise, index_t rows, index_t cols, T* x, index_t ldx) {
    using V = Vec<T>;
    constexpr index_t kBuffer = 256;
    constexpr int kHalf = 1 << 23;
    T uniform[kBuffer];
    for (index_t r = 0; r < rows; ++r) {
        const auto row = static_cast<std::uint64_t>((noise.first_row + r) * cols);
        for (index_t first = 0; first < cols; first += kBuffer) {
            const index_t count = cols - first < kBuffer ? cols - first : kBuffer;
            for (index_t j = 0; j < count; ++j) {
                const std::uint64_t bits =
                    random_bits(noise.key, row + static_cast<std::uint64_t>(first + j));
                const int k = static_cast<int>(bits >> 40);  // the middle of a 2^24th: never 0 or 1
                uniform[j] = static_cast<T>(2 * (k - kHalf) + 1) * T(0x1p-24);
            }
            T* const x_row = x + r * ldx + first;
            for (index_t j = 0; j < count; j += V::kLanes) {
                const int n = static_cast<int>(count - j < V::kLanes ? count - j : V::kLanes);
                const V z = normal_quantile(V::load_partial(uniform + j, n));
                const V deviation = V::load_partial(noise.deviations + first + j, n);
                fma(deviation, z, V::load_partial(x_row + j, n)).store_partial(x_row + j, n);
            }
        }
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
