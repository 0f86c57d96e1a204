// The oracle of the losses: what their kernels compute, written as the definitions say, in double
// or more, one row at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/reference.h"

namespace briskmlp::reference {

// The loss of one row of raw outputs z and its gradient with respect to them.
struct LossValue {
    double loss;
    Row gradient;
};

// --- Losses with one output a target -------------------------------------------------------------

// What an output adds for its target, and the derivative of that.
struct Term {
    long double loss, slope;
};

inline Term mse(long double z, long double y) { return {(y - z) * (y - z), 2 * (z - y)}; }

inline Term mae(long double z, long double y) {
    return {std::fabs(z - y), z == y ? 0.0L : std::copysign(1.0L, z - y)};
}

inline Term huber(long double z, long double y, long double delta) {
    const long double e = std::fabs(z - y);
    return {e <= delta ? e * e / 2 : delta * (e - delta / 2),
            std::copysign(std::fmin(e, delta), z - y)};
}

inline Term log_cosh(long double z, long double y) {
    // log cosh e = log(1 + 2 sinh(e / 2)^2), whose square overflows for large e.
    const long double e = std::fabs(z - y), sinh = std::sinh(std::fmin(e, 2.0L) / 2);
    return {e < 2 ? std::log1p(2 * sinh * sinh) : e + std::log1p(std::exp(-2 * e)) - std::log(2.0L),
            std::tanh(z - y)};
}

inline Term binary_cross_entropy(long double z, long double y) {
    // -y log s(z) - (1 - y) log(1 - s(z)), with log s(z) = -softplus(-z)
    const auto softplus = [](long double x) {
        return std::fmax(x, 0.0L) + std::log1p(std::exp(-std::fabs(x)));
    };
    return {y * softplus(-z) + (1 - y) * softplus(z), 1 / (1 + std::exp(-z)) - y};
}

inline Term poisson(long double z, long double y) {
    const long double mean = std::exp(z);
    return {mean - y + (y == 0 ? 0 : y * (std::log(y) - z)), mean - y};
}

inline Term gamma(long double z, long double y) {
    const long double ratio = y * std::exp(-z);
    return {ratio - 1 - std::log(ratio), 1 - ratio};
}

inline Term tweedie(long double z, long double y, long double power) {
    const long double a = 2 - power, b = power - 1;
    const long double mean = std::exp(a * z), ratio = y * std::exp(-b * z);
    return {mean / a + ratio / b - std::pow(y, a) / (a * b), mean - ratio};
}

// The loss of a row: the mean of term(z, y) over the targets.
template <class F>
LossValue mean_loss(const Row& z, const Row& y, F term) {
    const auto n = static_cast<long double>(y.size());
    long double loss = 0;
    Row gradient;
    for (std::size_t j = 0; j < y.size(); ++j) {
        const Term value = term(z[j], y[j]);
        loss += value.loss / n;
        gradient.push_back(static_cast<double>(value.slope / n));
    }
    return {static_cast<double>(loss), gradient};
}

// --- Others --------------------------------------------------------------------------------------

inline Row softmax(Row z) {
    const double top = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (double& x : z) {
        x = std::exp(x - top);
        sum += x;
    }
    for (double& x : z) {
        x /= sum;
    }
    return z;
}

// p: probabilities; for a label, 1 there and 0 elsewhere. Their sum need not be 1.
inline LossValue cross_entropy(const Row& z, const Row& p) {
    const double top = *std::max_element(z.begin(), z.end());
    double sum = 0, mass = 0;
    for (std::size_t j = 0; j < z.size(); ++j) {
        sum += std::exp(z[j] - top);
        mass += p[j];
    }
    LossValue value{0, softmax(z)};
    for (std::size_t j = 0; j < z.size(); ++j) {
        value.loss += p[j] * (std::log(sum) + top - z[j]);
        value.gradient[j] = mass * value.gradient[j] - p[j];
    }
    return value;
}

// z: n means, then n log-variances.
inline LossValue gaussian_nll(const Row& z, const Row& y) {
    constexpr double kLog2Pi = 1.8378770664093454835606594728112;
    const std::size_t n = y.size();
    LossValue value{0, Row(z.size())};
    for (std::size_t j = 0; j < n; ++j) {
        const double error = y[j] - z[j], variance = std::exp(z[n + j]);
        const auto count = static_cast<double>(n);
        value.loss += 0.5 * (z[n + j] + error * error / variance + kLog2Pi) / count;
        value.gradient[j] = -error / variance / count;
        value.gradient[n + j] = 0.5 * (1 - error * error / variance) / count;
    }
    return value;
}

// From raw outputs z, the n of each level together, to quantiles.
inline Row quantiles(const Row& z, std::size_t n) {
    const std::size_t levels = z.size() / n;
    const auto middle = static_cast<std::size_t>(middle_quantile(static_cast<index_t>(levels)));
    Row q(z);
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = middle + 1; k < levels; ++k) {
            q[k * n + j] = q[(k - 1) * n + j] + softplus(z[k * n + j]);
        }
        for (std::size_t k = middle; k-- > 0;) {
            q[k * n + j] = q[(k + 1) * n + j] - softplus(z[k * n + j]);
        }
    }
    return q;
}

inline LossValue quantile(const Row& z, const Row& y, const Row& level) {
    const std::size_t n = y.size(), levels = level.size();
    const auto middle = static_cast<std::size_t>(middle_quantile(static_cast<index_t>(levels)));
    const Row q = quantiles(z, n);
    const auto terms = static_cast<double>(z.size());
    LossValue value{0, Row(z.size())};
    for (std::size_t i = 0; i < z.size(); ++i) {
        const std::size_t j = i % n, of = i / n;
        const double error = y[j] - q[i], slope = error < 0 ? 1 - level[of] : -level[of];
        value.loss -= slope * error / terms;
        // The raw outputs that this quantile depends on, and how.
        for (std::size_t k = std::min(of, middle); k <= std::max(of, middle); ++k) {
            const double step = sigmoid(z[k * n + j]);
            value.gradient[k * n + j] += slope / terms *
                                         (k == middle  ? 1
                                          : k > middle ? step
                                                       : -step);
        }
    }
    return value;
}

// p is the probability of the label: -(1 - p)^gamma log p.
inline LossValue focal(const Row& z, std::size_t label, double gamma) {
    Row one_hot(z.size(), 0.0);
    one_hot[label] = 1;
    const double loss = cross_entropy(z, one_hot).loss, p = std::exp(-loss);
    const double miss = -std::expm1(-loss), ratio = miss > 0 ? loss / miss : 1;
    LossValue value{std::pow(miss, gamma) * loss, softmax(z)};
    for (std::size_t j = 0; j < z.size(); ++j) {
        value.gradient[j] = std::pow(miss, gamma) * (1 + gamma * p * ratio) *
                            (j == label ? -miss : value.gradient[j]);
    }
    return value;
}

}  // namespace briskmlp::reference
