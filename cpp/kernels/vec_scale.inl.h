// What instruction sets lack instructions for: built on pow2, raw_exponent and raw_mantissa, and
// included by the headers of those sets.
#include <math.h>

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
BRISKMLP_INLINE typename Vec<T>::Mask is_not_positive_finite(Vec<T> x) {
    return ~((x > Vec<T>::zero()) & (x < Vec<T>::set(static_cast<T>(HUGE_VAL))));
}

template <class T>
BRISKMLP_INLINE Vec<T> scale(Vec<T> x, Vec<T> n) {
    // Two factors, because one may be out of range. The first product is exact, so that only the
    // second rounds.
    const Vec<T> half = round_nearest(n * Vec<T>::set(T{0.5}));
    return (x * pow2(half)) * pow2(n - half);
}

template <class T>
BRISKMLP_INLINE Vec<T> scale_low(Vec<T> x, Vec<T> n) {
    // The first product is exact here too.
    return (x * as_power(n + Vec<T>::set(kPowerShift<T> + T{64}))) * Vec<T>::set(T{0x1p-64f});
}

template <class T>
BRISKMLP_INLINE Vec<T> split(Vec<T> x, Vec<T>& exponent) {
    // Denormal numbers are multiplied by a power of two that makes them normal.
    constexpr T kTiny = sizeof(T) == 4 ? T{0x1p-126f} : T(0x1p-1022);
    constexpr T kLift = sizeof(T) == 4 ? T{0x1p24f} : T{0x1p53};
    constexpr T kLiftExponent = sizeof(T) == 4 ? T{24} : T{53};
    const auto denormal = x < Vec<T>::set(kTiny);
    x = select(denormal, x * Vec<T>::set(kLift), x);
    const Vec<T> mantissa = raw_mantissa(x);
    const Vec<T> one = Vec<T>::set(T{1}), zero = Vec<T>::zero();
    const auto upper = mantissa >= Vec<T>::set(T{1.5});
    exponent = (raw_exponent(x) - select(denormal, Vec<T>::set(kLiftExponent), zero)) +
               select(upper, one, zero);
    return select(upper, mantissa * Vec<T>::set(T{0.5}), mantissa);
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
