// What a loss kernel must come to on a row, and by how much rounding may move it.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/reference_losses.h"
#include "support.h"

namespace briskmlp {

using reference::Row;

// Error of elementary functions, in units of epsilon. Their own tests hold each to less.
constexpr double kUlps = 2;

// One loss on (rows, n) targets and (rows, z_cols) raw outputs.
template <class T>
struct LossProblem {
    index_t rows, n, z_cols;
    std::vector<T> z, target, weight, scale;
    std::vector<std::int32_t> labels;

    LossProblem(index_t rows_, index_t n_, index_t z_cols_, double range)
        : rows(rows_),
          n(n_),
          z_cols(z_cols_),
          z(random_values<T>(rows * z_cols, 1, -range, range)),
          target(random_values<T>(rows * n, 2, 0, 1)),
          weight(random_values<T>(rows, 3, 0, 2)),
          scale(random_values<T>(rows, 4, 0, 0.1)) {
        for (index_t r = 0; r < rows; ++r) {
            labels.push_back(static_cast<std::int32_t>((r * 7 + 3) % n));
        }
    }
    Row z_row(index_t r) const { return row(z, r, z_cols); }
    Row target_row(index_t r) const { return row(target, r, n); }
    std::size_t label(index_t r) const {
        return static_cast<std::size_t>(labels[static_cast<std::size_t>(r)]);
    }
    Row one_hot_row(index_t r) const {
        Row p(static_cast<std::size_t>(n), 0.0);
        p[label(r)] = 1;
        return p;
    }

  private:
    static Row row(const std::vector<T>& values, index_t r, index_t cols) {
        return Row(values.begin() + r * cols, values.begin() + (r + 1) * cols);
    }
};

// What one row must come to, and by how much it may differ.
struct Allowed {
    reference::LossValue value;
    double loss_error;
    Row gradient_error;
};

// --- Losses with one output a target -------------------------------------------------------------

// What an output adds, and the errors of that in units of epsilon.
struct AllowedTerm {
    reference::Term term;
    double loss_error, slope_error;
};

// Further roundings: of the loss the sum's n and the mean, of a derivative 1 / n and three
// products.
template <class T, class F>
Allowed expect_terms(const LossProblem<T>& p, index_t r, F allowed) {
    const Row z = p.z_row(r), y = p.target_row(r);
    const auto n = static_cast<double>(p.n);
    Allowed a{reference::mean_loss(
                  z, y, [&](double raw, double target) { return allowed(raw, target).term; }),
              0,
              {}};
    for (std::size_t j = 0; j < y.size(); ++j) {
        const AllowedTerm t = allowed(z[j], y[j]);
        const auto loss = static_cast<double>(std::fabs(t.term.loss));
        const auto slope = static_cast<double>(std::fabs(t.term.slope));
        a.loss_error += gamma<T>(1) * (t.loss_error + (n + 2) * loss) / n;
        a.gradient_error.push_back(gamma<T>(1) * (t.slope_error + 4 * slope) / n);
    }
    return a;
}

inline AllowedTerm allow_mse(double z, double y) {
    const reference::Term t = reference::mse(z, y);
    return {t, 3 * static_cast<double>(t.loss), static_cast<double>(std::fabs(t.slope))};
}

inline AllowedTerm allow_mae(double z, double y) {
    return {reference::mae(z, y), std::fabs(z - y), 0};
}

// Errors of the distance count twice in the loss, and delta is rounded.
inline AllowedTerm allow_huber(double z, double y, double delta) {
    const reference::Term t = reference::huber(z, y, delta);
    return {t, 8 * static_cast<double>(t.loss), 2 * static_cast<double>(std::fabs(t.slope))};
}

// For |z - y| < 1: u^2 / (2 (1 + u)), where |u| < 0.64 and 1 + u > 0.36, has the error of u (2 ULP
// and the distance's) twice and, 1.8 times, once more. Beyond, the loss is above 0.43, the distance
// at most 2.4 times that, and the logarithm's argument below 0.14.
inline AllowedTerm allow_log_cosh(double z, double y) {
    const reference::Term t = reference::log_cosh(z, y);
    return {t, 24 * static_cast<double>(t.loss),
            (kUlps + 1) * static_cast<double>(std::fabs(t.slope))};
}

// softplus(z) and y z nearly cancel for sure predictions, as sigmoid(z) and y do.
inline AllowedTerm allow_binary(double z, double y) {
    return {reference::binary_cross_entropy(z, y),
            (kUlps + 1) * (reference::softplus(z) + std::fabs(y * z)),
            (kUlps + 1) * (reference::sigmoid(z) + y)};
}

// The logarithm of mean / y has the errors of log y and of the difference. From y = 1 on it enters
// with the slope e^r - 1, below with y.
inline AllowedTerm allow_poisson(double z, double y) {
    const reference::Term t = reference::poisson(z, y);
    const double mean = std::exp(z), log_y = y > 0 ? std::log(y) : 0;
    const double r = z - log_y, of_r = kUlps * std::fabs(log_y) + std::fabs(r);
    const double excess = y * std::fabs(std::expm1(r));
    const double loss = static_cast<double>(t.loss);
    const double few = (kUlps + 2) * mean + y + y * (of_r + 2 * std::fabs(r));
    return {t, 3 * loss + (y < 1 ? few : excess * (of_r + kUlps)),
            kUlps * mean + static_cast<double>(std::fabs(t.slope))};
}

inline AllowedTerm allow_gamma(double z, double y) {
    const reference::Term t = reference::gamma(z, y);
    const double log_y = std::log(y), r = log_y - z;
    const double of_r = kUlps * std::fabs(log_y) + std::fabs(r);
    const double excess = std::fabs(std::expm1(r));
    return {t, 2 * static_cast<double>(t.loss) + excess * (of_r + kUlps),
            std::exp(r) * of_r + kUlps * excess};
}

// Each power is e^x, whose relative error is the absolute one of x, and 2 ULP; then the products
// with coefficients and two sums.
inline AllowedTerm allow_tweedie(double z, double y, double power) {
    const reference::Term t = reference::tweedie(z, y, power);
    const double a = 2 - power, b = power - 1, log_y = y > 0 ? std::log(y) : 0;
    const double mean = std::exp(a * z), of_mean = kUlps + 2 * std::fabs(a * z);
    const double ratio = y * std::exp(-b * z);
    const double of_ratio =
        kUlps + kUlps * std::fabs(log_y) + 2 * std::fabs(b * z) + std::fabs(log_y - b * z);
    const double of_target = kUlps + (kUlps + 2) * std::fabs(a * log_y);
    return {t,
            mean / a * (of_mean + 4) + ratio / b * (of_ratio + 4) +
                std::pow(y, a) / (a * b) * (of_target + 4),
            mean * (of_mean + 1) + ratio * (of_ratio + 1)};
}

// --- Others --------------------------------------------------------------------------------------

// Errors of (y - mu)^2 / v: the difference twice, exp, two products.
template <class T>
Allowed expect_gaussian(const LossProblem<T>& p, index_t r) {
    const Row z = p.z_row(r), y = p.target_row(r);
    const std::size_t n = y.size();
    const auto count = static_cast<double>(n);
    Allowed a{reference::gaussian_nll(z, y), 0, Row(2 * n)};
    double magnitude = 2;  // log 2 pi
    for (std::size_t j = 0; j < n; ++j) {
        const double square = (y[j] - z[j]) * (y[j] - z[j]) * std::exp(-z[n + j]);
        magnitude += (std::fabs(z[n + j]) + square) / count;
        a.gradient_error[j] = gamma<T>(kUlps + 6) * std::fabs(a.value.gradient[j]);
        a.gradient_error[n + j] = gamma<T>(kUlps + 9) * 0.5 * (1 + square) / count;
    }
    a.loss_error = gamma<T>(kUlps + count + 4) * magnitude;
    return a;
}

// A quantile has the errors of the softplus on its way and a rounding at each; a derivative those
// of a sum over the levels. Levels themselves are rounded.
template <class T>
Allowed expect_quantile(const LossProblem<T>& p, index_t r, const Row& level) {
    const Row z = p.z_row(r), y = p.target_row(r);
    const std::size_t n = y.size(), levels = level.size();
    const Row q = reference::quantiles(z, n);
    const auto terms = static_cast<double>(z.size()), count = static_cast<double>(levels);
    Allowed a{reference::quantile(z, y, level), 0, Row(z.size())};
    for (std::size_t i = 0; i < z.size(); ++i) {
        double of_q = 0;
        for (std::size_t k = 0; k < levels; ++k) {
            of_q += kUlps * reference::softplus(z[k * n + i % n]) + std::fabs(q[k * n + i % n]);
        }
        const double error = std::fabs(y[i % n] - q[i]);
        a.loss_error += gamma<T>(1) * (of_q + (terms + 5) * error) / terms;
        a.gradient_error[i] = gamma<T>(kUlps + 5 + count) * count / terms *
                              (i / n == (levels - 1) / 2 ? 1 : reference::sigmoid(z[i]));
    }
    return a;
}

// exp(z - top) inherits the rounding of z - top times |z - top|, which after the exp is below 1 for
// all terms together; the sum of exps is off by n + kUlps roundings, and its log by as much. A
// smoothed target is a sum itself.
template <class T>
Allowed expect_cross_entropy(const LossProblem<T>& p, index_t r, Row target, double smoothing) {
    const Row z = p.z_row(r), s = reference::softmax(z);
    const auto n = static_cast<double>(p.n);
    const double top = *std::max_element(z.begin(), z.end());
    const double sum_roundings = 2 * n + kUlps, of_target = smoothing == 0 ? 0 : n + 5;
    double below_top = 0, mass = 0, size = 0;
    for (std::size_t j = 0; j < z.size(); ++j) {
        target[j] = (1 - smoothing) * target[j] + smoothing / n;
        below_top += target[j] * (top - z[j]);
        mass += target[j];
        size += target[j] * std::fabs(z[j]);
    }
    Allowed a{reference::cross_entropy(z, target), 0, {}};
    for (std::size_t j = 0; j < z.size(); ++j) {
        const double of_softmax = sum_roundings + kUlps + (top - z[j]) + n + 7;
        a.gradient_error.push_back(gamma<T>(of_softmax) * mass * s[j] + gamma<T>(6) * target[j]);
    }
    a.loss_error = gamma<T>(n + 4) * below_top + gamma<T>(of_target) * (below_top + size) +
                   mass * (gamma<T>(sum_roundings) + gamma<T>(kUlps + n + 3) * std::log(n));
    return a;
}

// With l the cross entropy and m = 1 - e^-l the loss is m^g l, and the gradient's factor
// c = m^g (1 + g e^-l l / m). Errors of l enter with their derivatives, which for g >= 1 grow with
// m and l: they are taken at the upper ends.
template <class T>
Allowed expect_focal(const LossProblem<T>& p, index_t r, double g) {
    const Allowed of_l = expect_cross_entropy(p, r, p.one_hot_row(r), 0);
    const Row z = p.z_row(r), s = reference::softmax(z);
    const double eps = gamma<T>(1), d_l = of_l.loss_error, l = of_l.value.loss + d_l;
    const double exact_m = -std::expm1(-of_l.value.loss), q = std::exp(-of_l.value.loss);
    const double d_m = q * d_l + kUlps * eps * exact_m, m = exact_m + d_m;
    const double power = std::pow(m, g);
    const double of_power = eps * (kUlps + 3 + g * (kUlps + 2) * std::fabs(std::log(m)));
    const double c = power * (1 + g * l / m);
    const double d_c =
        c * (of_power + 6 * eps) + g * std::pow(m, g - 1) * (2 + l + (g + 1) * l / m) * (d_l + d_m);
    Allowed a{reference::focal(z, p.label(r), g), 0, {}};
    a.loss_error = power * (d_l + l * of_power) + g * std::pow(m, g - 1) * l * d_m;
    for (std::size_t j = 0; j < z.size(); ++j) {
        const bool label = j == p.label(r);
        a.gradient_error.push_back(label ? d_c * m + c * (d_m + 3 * eps * m)
                                         : d_c * s[j] + c * of_l.gradient_error[j]);
    }
    return a;
}

}  // namespace briskmlp
