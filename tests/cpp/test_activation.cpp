// kernels/activation.inl.h on every instruction set: values, derivatives, special values, shapes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "kernels/dispatch.h"
#include "oracle.h"
#include "support.h"

using namespace briskmlp;

namespace {

template <class W>
struct ValueAndSlope {
    W value, slope;
};

// The definitions, in one order with Activation. Those that fade exponentially to the left are
// written so that nothing cancels there.
template <class W>
ValueAndSlope<W> oracle_activation(Activation kind, W z) {
    const W sigmoid = oracle::sigmoid(z), mirrored = oracle::sigmoid(-z);
    switch (kind) {
        case Activation::kIdentity: return {z, 1};
        case Activation::kRelu: return z > 0 ? ValueAndSlope<W>{z, 1} : ValueAndSlope<W>{0, 0};
        case Activation::kLeakyRelu: {
            const W slope = z > 0 ? W{1} : W(0.01L);
            return {slope * z, slope};
        }
        case Activation::kElu: {
            return z > 0 ? ValueAndSlope<W>{z, 1} : ValueAndSlope<W>{std::expm1(z), std::exp(z)};
        }
        case Activation::kSelu: {
            const W scale = W(1.0507009873554804934193349852946L);
            const W below = W(1.7580993408473768599402175208123L);
            return z > 0 ? ValueAndSlope<W>{scale * z, scale}
                         : ValueAndSlope<W>{below * std::expm1(z), below * std::exp(z)};
        }
        case Activation::kGelu: {
            const W phi = std::erfc(-z * W(0.70710678118654752440084436210485L)) / 2;
            const W density = W(0.39894228040143267793994605993438L) * std::exp(-z * z / 2);
            return {z * phi, phi + z * density};
        }
        case Activation::kGeluTanh: {
            const W a = W(1.5957691216057307117597842397375L), b = a * W(0.044715L);
            const W v = z * (a + b * z * z);
            const W s = oracle::sigmoid(v);
            return {z * s, s + z * (a + 3 * b * z * z) * s * oracle::sigmoid(-v)};
        }
        case Activation::kSilu: return {z * sigmoid, sigmoid + z * sigmoid * mirrored};
        case Activation::kMish: {
            // tanh(softplus(z)) = n / (n + 2), n = w (w + 2), w = e^z; to the right over w^2.
            const W e = std::exp(-std::fabs(z));
            const W n = z < 0 ? e * (e + 2) : 1 + 2 * e, two = z < 0 ? W{2} : 2 * e * e;
            const W t = n / (n + two);
            return {z * t, t + z * sigmoid * two / (n + two) * (1 + t)};
        }
        case Activation::kSoftplus: return {oracle::softplus(z), sigmoid};
        case Activation::kSigmoid: return {sigmoid, sigmoid * mirrored};
        case Activation::kTanh:
            return {std::tanh(z), 4 * oracle::sigmoid(2 * z) * oracle::sigmoid(-2 * z)};
    }
    return {};
}

// What activation.inl.h states.
double value_bound_ulp(Activation kind) {
    switch (kind) {
        case Activation::kGelu: return 4;
        case Activation::kMish: return 3;
        case Activation::kSilu:
        case Activation::kGeluTanh: return 2.5;
        default: return 2;
    }
}

// Derivatives are sums of terms up to about 1, each with a few roundings; so their error is
// absolute.
constexpr double kSlopeBound = 4;  // in units of epsilon

template <class Body>
void for_each_activation(Body body) {
    for (int i = 0; i < kActivationCount; ++i) {
        INFO("activation ", i);
        body(static_cast<Activation>(i));
    }
}

template <class T>
struct Output {
    std::vector<T> y, slope;
};

template <class T>
Output<T> run_forward(const KernelTable<T>& table, Activation kind, const std::vector<T>& z,
                      bool with_slope = true) {
    const auto n = static_cast<index_t>(z.size());
    Output<T> output{std::vector<T>(z.size()), std::vector<T>(z.size())};
    table.activation_forward[static_cast<int>(kind)](1, n, z.data(), n, output.y.data(), n,
                                                     with_slope ? output.slope.data() : nullptr, n);
    return output;
}

template <class T>
void check_accuracy(Activation kind, const std::vector<T>& z,
                    const std::vector<ValueAndSlope<Wide<T>>>& want, const Output<T>& got) {
    double worst = 0, worst_slope = 0;
    T where = 0, where_slope = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
        const double error =
            ulp_error(got.y[i], want[i].value) - oracle_error_ulp<T>(want[i].value);
        if (!(error <= worst)) {
            worst = error;
            where = z[i];
        }
        const double error_slope = static_cast<double>(std::fabs(got.slope[i] - want[i].slope)) /
                                   static_cast<double>(std::numeric_limits<T>::epsilon());
        if (!(error_slope <= worst_slope)) {
            worst_slope = error_slope;
            where_slope = z[i];
        }
    }
    CAPTURE(where);
    CHECK(worst <= value_bound_ulp(kind));
    CAPTURE(where_slope);
    CHECK(worst_slope <= kSlopeBound);
}

}  // namespace

TEST_CASE_TEMPLATE("activations and their derivatives are within their bounds", T, float, double) {
    if (!kHasOracle<T>) {
        return;
    }
    std::vector<T> z = stratified_values<T>(1 << 15);
    z.erase(std::remove_if(z.begin(), z.end(), [](T x) { return !std::isfinite(x); }), z.end());
    // Beyond this the oracle's z^3 overflows, which no kernel's does; special values are below.
    z.erase(std::remove_if(z.begin(), z.end(), [](T x) { return std::fabs(x) > T(1e30); }),
            z.end());
    for_each_activation([&](Activation kind) {
        std::vector<ValueAndSlope<Wide<T>>> want;
        for (const T x : z) {
            want.push_back(oracle_activation(kind, Wide<T>{x}));
        }
        for_each_isa<T>([&](const KernelTable<T>& table) {
            check_accuracy(kind, z, want, run_forward(table, kind, z));
        });
    });
}

TEST_CASE_TEMPLATE("activations at special values", T, float, double) {
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    const T huge = std::numeric_limits<T>::max();
    for_each_isa<T>([&](const KernelTable<T>& table) {
        for_each_activation([&](Activation kind) {
            const auto wide = [&](T z) {
                return static_cast<T>(oracle_activation(kind, Wide<T>{z}).value);
            };
            const bool bounded = kind == Activation::kSigmoid || kind == Activation::kTanh;
            const T top = bounded ? T{1} : kind == Activation::kSelu ? wide(1) * inf : inf;
            const Output<T> output = run_forward<T>(table, kind, {nan, 0, inf, huge, -huge, -inf});
            CHECK(std::isnan(output.y[0]));
            CHECK(output.y[1] == wide(0));
            CHECK(output.y[2] == top);
            CHECK((bounded ? output.y[3] == 1 : output.y[3] >= huge));
            for (const std::size_t i : {2u, 3u, 4u, 5u}) {
                CHECK_FALSE(std::isnan(output.y[i]));
                CHECK_FALSE(std::isnan(output.slope[i]));
            }
            if (!bounded && kind != Activation::kIdentity && kind != Activation::kLeakyRelu) {
                // All others flatten out to the left.
                CHECK(output.y[4] == doctest::Approx(wide(-200)));
                CHECK(output.y[5] == output.y[4]);
                // Not exactly 0, because no power of 2 in a slope is denormal.
                CHECK(std::fabs(output.slope[4]) <= 1e4 * std::numeric_limits<T>::min());
            }
        });
        const Output<T> relu = run_forward<T>(table, Activation::kRelu, {-1, 0, 1});
        CHECK(relu.slope == std::vector<T>{0, 0, 1});
    });
}

TEST_CASE_TEMPLATE("activations on any shape, in place, with and without slope", T, float, double) {
    static constexpr index_t kRows = 3;
    for_each_isa<T>([](const KernelTable<T>& table) {
        for_each_activation([&](Activation kind) {
            const int k = static_cast<int>(kind);
            for (index_t cols = 0; cols <= 2 * table.lanes + 1; ++cols) {
                const std::vector<T> z = random_values<T>(kRows * cols, 3, -4, 4);
                const Output<T> expected = run_forward(table, kind, z);
                Guarded<T> y(kRows, cols, cols), slope(kRows, cols, cols), d(kRows, cols, cols);
                y.fill(z);
                table.activation_forward[k](kRows, cols, y.data(), y.stride(), y.data(), y.stride(),
                                            slope.data(), slope.stride());
                CHECK(same_bits(y.values(), expected.y));
                CHECK(same_bits(slope.values(), expected.slope));
                CHECK(same_bits(run_forward(table, kind, z, false).y, expected.y));

                const std::vector<T> gradient = random_values<T>(kRows * cols, 4);
                d.fill(gradient);
                Guarded<T>& source = derivative_from_output(kind) ? y : slope;
                table.activation_backward[k](kRows, cols, source.data(), source.stride(), d.data(),
                                             d.stride());
                std::vector<T> product = gradient;
                for (std::size_t i = 0; i < product.size(); ++i) {
                    product[i] *= expected.slope[i];
                }
                CHECK(same_bits(d.values(), product));
                CHECK((y.intact() && slope.intact() && d.intact()));
            }
        });
    });
}

TEST_CASE_TEMPLATE("activations where denormal numbers count as zero", T, float, double) {
    const std::vector<T> z = stratified_values<T>(1 << 12);
    for_each_isa<T>([&](const KernelTable<T>& table) {
        for_each_activation([&](Activation kind) {
            const Output<T> exact = run_forward(table, kind, z);
            Output<T> flushed;
            {
                const FlushDenormals flush;
                flushed = run_forward(table, kind, z);
            }
            double worst = 0;
            for (std::size_t i = 0; i < z.size(); ++i) {
                if (std::isfinite(exact.y[i])) {
                    worst = std::fmax(worst, std::fabs(double{flushed.y[i]} - double{exact.y[i]}));
                }
                CHECK(std::isnan(flushed.y[i]) == std::isnan(exact.y[i]));
            }
            CHECK(worst <= 8 * static_cast<double>(std::numeric_limits<T>::min()));
        });
    });
}
