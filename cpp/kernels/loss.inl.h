// Losses of targets that are numbers, and their gradients with respect to the raw outputs, fused
// with the losses' links. What one output z adds for its target y stands at each; the loss of a row
// is the mean over its targets, whose sum has one fixed order.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// The loss of rows with one output a target: loss(z, target, d) returns the terms of a vector of
// columns and sets d to their derivatives.
template <class T, class Loss>
BRISKMLP_INLINE double elementwise_loss(LossRows<T> in, Loss loss) {
    using V = Vec<T>;
    const T mean = T(1) / static_cast<T>(in.n);
    double total = 0;
    for (index_t r = 0; r < in.rows; ++r) {
        const T* const z = in.z + r * in.ldz;
        const T* const target = in.target + r * in.ldtarget;
        T* const d = in.d == nullptr ? nullptr : in.d + r * in.ldd;
        const V factor = V::set(d == nullptr ? T(0) : in.scale[r] * mean);
        V sum = V::zero();
        for_vectors<T>(in.n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
            V derivative;
            const V term =
                loss(load_lanes(z + j, lanes), load_lanes(target + j, lanes), &derivative);
            sum = sum + select(first_lanes<T>(lanes), term, V::zero());
            if (d != nullptr) {
                store_lanes(factor * derivative, d + j, lanes);
            }
        });
        const double row = static_cast<double>(reduce_add(sum)) / static_cast<double>(in.n);
        total += in.weight == nullptr ? row : row * static_cast<double>(in.weight[r]);
    }
    return total;
}

// --- Distances -----------------------------------------------------------------------------------

// (y - z)^2
template <class T>
double mse(LossRows<T> in) {
    using V = Vec<T>;
    return elementwise_loss(in, [](V raw, V y, V* derivative) {
        const V error = raw - y;
        *derivative = error + error;
        return error * error;
    });
}

// |y - z|, with the derivative 0 at 0.
template <class T>
double mae(LossRows<T> in) {
    using V = Vec<T>;
    return elementwise_loss(in, [](V raw, V y, V* derivative) {
        const V error = raw - y;
        *derivative = select(error == V::zero(), error, copysign(V::set(T(1)), error));
        return abs(error);
    });
}

// e^2 / 2 for e = |y - z| up to delta, delta (e - delta / 2) above; the setting is delta.
template <class T>
double huber(LossRows<T> in) {
    using V = Vec<T>;
    const V delta = V::set(static_cast<T>(in.settings[0])), half = V::set(T(0.5));
    return elementwise_loss(in, [&](V raw, V y, V* derivative) {
        const V error = raw - y, distance = abs(error);
        const V cut = min(delta, distance);
        *derivative = copysign(cut, error);
        return cut * fnma(half, cut, distance);
    });
}

// log cosh e of e = y - z. With u = e^-|e| - 1 it is log(1 + u^2 / (2 (1 + u))), which is exact for
// small e, and |e| - log 2 + log(1 + (1 + u)^2), which does not overflow for large ones.
template <class T>
double log_cosh(LossRows<T> in) {
    using V = Vec<T>;
    const V one = V::set(T(1)), two = V::set(T(2)), ln2 = V::set(T(0.69314718055994530942));
    return elementwise_loss(in, [&](V raw, V y, V* derivative) {
        const V error = raw - y, distance = abs(error);
        const V u = expm1(-distance), power = one + u;
        const auto small = distance < one;
        *derivative = tanh(error);
        return log1p(select(small, u * u / (two * power), power * power)) +
               select(small, V::zero(), distance - ln2);
    });
}

// --- Likelihoods ---------------------------------------------------------------------------------

// softplus(z) - y z, which is -y log s(z) - (1 - y) log(1 - s(z)); its derivative is s(z) - y.
template <class T>
double binary_cross_entropy(LossRows<T> in) {
    using V = Vec<T>;
    return elementwise_loss(in, [](V raw, V y, V* derivative) {
        *derivative = sigmoid(raw) - y;
        return fnma(y, raw, softplus(raw));
    });
}

// Half the Poisson deviance from the mean m = e^z, m - y - y log(m / y). From y = 1 on it is taken
// as y (m / y - 1 - log(m / y)), whose terms are small where m is near y.
template <class T>
double poisson(LossRows<T> in) {
    using V = Vec<T>;
    const V one = V::set(T(1)), tiny = V::set(T(1e-37));
    return elementwise_loss(in, [&](V raw, V y, V* derivative) {
        const V mean = exp(raw), log_ratio = raw - log(max(tiny, y));
        *derivative = mean - y;
        const V far = fnma(y, log_ratio, *derivative);
        return select(y < one, far, y * (expm1(log_ratio) - log_ratio));
    });
}

// Half the gamma deviance from the mean e^z, y / e^z - 1 - log(y / e^z).
template <class T>
double gamma_deviance(LossRows<T> in) {
    using V = Vec<T>;
    return elementwise_loss(in, [](V raw, V y, V* derivative) {
        const V log_ratio = log(y) - raw, excess = expm1(log_ratio);
        *derivative = -excess;
        return excess - log_ratio;
    });
}

// Half the Tweedie deviance from the mean m = e^z, m^a / a + y m^-b / b - y^a / (a b) with a = 2 -
// p and b = p - 1; the setting is the power p.
template <class T>
double tweedie(LossRows<T> in) {
    using V = Vec<T>;
    const double p = in.settings[0];
    const V a = V::set(static_cast<T>(2 - p)), b = V::set(static_cast<T>(p - 1));
    const V of_mean = V::set(static_cast<T>(1 / (2 - p)));
    const V of_ratio = V::set(static_cast<T>(1 / (p - 1)));
    const V of_target = V::set(static_cast<T>(1 / ((2 - p) * (p - 1))));
    return elementwise_loss(in, [&](V raw, V y, V* derivative) {
        const V log_y = log(y);  // -inf at 0, where the powers of y are 0
        const V mean = exp(a * raw), ratio = exp(fnma(b, raw, log_y));
        *derivative = mean - ratio;
        return fma(of_mean, mean, fnma(of_target, exp(a * log_y), of_ratio * ratio));
    });
}

// (log v + (y - mu)^2 / v + log 2 pi) / 2 with raw outputs mu and log v.
template <class T>
double gaussian_nll(LossRows<T> in) {
    using V = Vec<T>;
    constexpr double kLog2Pi = 1.8378770664093454835606594728112;
    const V half = V::set(T(0.5)), one = V::set(T(1));
    const index_t n = in.n;
    const T mean = T(1) / static_cast<T>(n);
    double total = 0;
    for (index_t r = 0; r < in.rows; ++r) {
        const T* const z = in.z + r * in.ldz;
        const V factor = V::set(in.d == nullptr ? T(0) : in.scale[r] * mean);
        V sum = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes) {
            const V log_variance = load_lanes(z + n + j, lanes);
            const V error =
                load_lanes(z + j, lanes) - load_lanes(in.target + r * in.ldtarget + j, lanes);
            const V scaled = error * exp(-log_variance);
            const V square = error * scaled;
            sum = sum + select(first_lanes<T>(lanes), log_variance + square, V::zero());
            if (in.d != nullptr) {
                T* const d = in.d + r * in.ldd;
                store_lanes(factor * scaled, d + j, lanes);
                store_lanes(factor * half * (one - square), d + n + j, lanes);
            }
        });
        const double row =
            0.5 * (static_cast<double>(reduce_add(sum)) / static_cast<double>(n) + kLog2Pi);
        total += in.weight == nullptr ? row : row * static_cast<double>(in.weight[r]);
    }
    return total;
}

// The link of means that are positive, and of variances.
template <class T>
void exp_rows(index_t rows, index_t n, T* z, index_t ldz) {
    for (index_t r = 0; r < rows; ++r) {
        for_vectors<T>(n, [&](index_t j, int lanes) {
            store_lanes(exp(load_lanes(z + r * ldz + j, lanes)), z + r * ldz + j, lanes);
        });
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
