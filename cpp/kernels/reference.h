// The oracle: what every kernel computes, written as its definition says, in double, one element or
// one row at a time. Tests compare the kernels with it. It is never dispatched, and not fast.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/table.h"

namespace briskmlp::reference {

using Row = std::vector<double>;

// --- Activations ---------------------------------------------------------------------------------

inline double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
inline double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::fabs(z))); }

struct Value {
    double y, slope;  // f(z) and f'(z)
};

inline Value activation(Activation kind, double z) {
    constexpr double kInvSqrt2 = 0.70710678118654752440084436210485;
    constexpr double kInvSqrtTwoPi = 0.39894228040143267793994605993438;
    const bool above = z > 0;
    switch (kind) {
        case Activation::kIdentity: return {z, 1};
        case Activation::kRelu: return {z < 0 ? 0 : z, above ? 1.0 : 0.0};
        case Activation::kLeakyRelu: return {above ? z : kLeakySlope * z, above ? 1 : kLeakySlope};
        case Activation::kElu:
            return {above ? z : kEluAlpha * std::expm1(z), above ? 1 : kEluAlpha * std::exp(z)};
        case Activation::kSelu:
            return {kSeluScale * (above ? z : kSeluAlpha * std::expm1(z)),
                    kSeluScale * (above ? 1 : kSeluAlpha * std::exp(z))};
        case Activation::kGelu: {  // z times the normal distribution function
            const double distribution = 0.5 * std::erfc(-z * kInvSqrt2);
            const double density = kInvSqrtTwoPi * std::exp(-0.5 * z * z);
            return {z * distribution, distribution + z * density};
        }
        case Activation::kGeluTanh: {  // z (1 + tanh u) / 2 = z sigmoid(2 u)
            constexpr double kCubic = 0.044715,
                             kTwoSqrtTwoOverPi = 1.5957691216057307117597842397375;
            const double s = sigmoid(kTwoSqrtTwoOverPi * (z + kCubic * z * z * z));
            const double inner = kTwoSqrtTwoOverPi * (1 + 3 * kCubic * z * z);
            return {z * s, s + z * s * (1 - s) * inner};
        }
        case Activation::kSilu: {
            const double s = sigmoid(z);
            return {z * s, s + z * s * sigmoid(-z)};
        }
        case Activation::kMish: {
            const double t = std::tanh(softplus(z)), cosh = std::cosh(softplus(z));
            return {z * t, t + z * sigmoid(z) / (cosh * cosh)};
        }
        case Activation::kSoftplus: return {softplus(z), sigmoid(z)};
        case Activation::kSigmoid: return {sigmoid(z), sigmoid(z) * sigmoid(-z)};
        case Activation::kTanh: return {std::tanh(z), 1 / (std::cosh(z) * std::cosh(z))};
    }
    return {z, 1};
}

// f'(z) from y = f(z), where derivative_from_output(kind).
inline double slope_from_output(Activation kind, double y) {
    switch (kind) {
        case Activation::kRelu: return y > 0 ? 1 : 0;
        case Activation::kLeakyRelu: return y > 0 ? 1 : kLeakySlope;
        case Activation::kElu: return y > 0 ? 1 : y + kEluAlpha;
        case Activation::kSelu: return y > 0 ? kSeluScale : y + kSeluScale * kSeluAlpha;
        case Activation::kSoftplus: return -std::expm1(-y);
        case Activation::kSigmoid: return y * (1 - y);
        case Activation::kTanh: return (1 - y) * (1 + y);
        default: return 1;
    }
}

// --- Matmul --------------------------------------------------------------------------------------

// Element (i, j) of finish(start + A B). `magnitude` is |start| + |A| |B|: what the rounding errors
// of the sum are proportional to.
struct Element {
    double c, slope, magnitude;
};

template <class T>
double matmul_start(const Gemm<T>& g, index_t i, index_t j) {
    switch (g.start) {
        case GemmStart::kZero: return 0;
        case GemmStart::kBias: return static_cast<double>(g.bias[j]);
        case GemmStart::kContinue: break;
    }
    return static_cast<double>(g.c[i * g.ldc + j]);
}

// `kind` is what g.forward and g.backward compute; those are not called.
template <class T>
Element matmul(const Gemm<T>& g, Activation kind, index_t i, index_t j) {
    double sum = matmul_start(g, i, j);
    double magnitude = std::fabs(sum);
    for (index_t p = 0; p < g.k; ++p) {
        const double product = static_cast<double>(g.a[i * g.a_row + p * g.a_col]) *
                               static_cast<double>(g.b[p * g.ldb + j]);
        sum += product;
        magnitude += std::fabs(product);
    }
    const double source =
        g.source == nullptr ? 0 : static_cast<double>(g.source[i * g.ldsource + j]);
    switch (g.finish) {
        case GemmFinish::kStore: break;
        case GemmFinish::kRelu: sum = sum < 0 ? 0 : sum; break;
        case GemmFinish::kReluGrad: sum = source > 0 ? sum : 0; break;
        case GemmFinish::kForward: {
            const Value value = activation(kind, sum);
            return {value.y, value.slope, magnitude};
        }
        case GemmFinish::kBackward:
            sum *= derivative_from_output(kind) ? slope_from_output(kind, source) : source;
            break;
    }
    return {sum, 0, magnitude};
}

// --- Layer normalisation -------------------------------------------------------------------------

struct Normalized {
    Row y;
    double inverse_deviation;
};

inline Normalized layer_norm(const Row& x) {
    const auto n = static_cast<double>(x.size());
    double mean = 0, variance = 0;
    for (const double value : x) {
        mean += value / n;
    }
    for (const double value : x) {
        variance += (value - mean) * (value - mean) / n;
    }
    Normalized result{x, 1 / std::sqrt(variance + kNormEpsilon)};
    for (double& value : result.y) {
        value = (value - mean) * result.inverse_deviation;
    }
    return result;
}

// The gradient by x from d, that by y: each y_i contributes d_i times its derivative by x_j.
inline Row layer_norm_backward(const Normalized& of, const Row& d) {
    const std::size_t n = d.size();
    Row result(n, 0);
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = 0; i < n; ++i) {
            const double common = (1 + of.y[i] * of.y[j]) / static_cast<double>(n);
            result[j] += d[i] * ((i == j ? 1 : 0) - common) * of.inverse_deviation;
        }
    }
    return result;
}

// --- Transposition -------------------------------------------------------------------------------

template <class T>
void transpose(index_t rows, index_t cols, const T* src, index_t ldsrc, T* dst, index_t lddst) {
    for (index_t r = 0; r < rows; ++r) {
        for (index_t c = 0; c < cols; ++c) {
            dst[c * lddst + r] = src[r * ldsrc + c];
        }
    }
}

}  // namespace briskmlp::reference
