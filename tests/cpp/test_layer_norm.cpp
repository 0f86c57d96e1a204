// The layer norm of every instruction set against its definition, and nothing written but the rows.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/reference.h"
#include "support.h"

using namespace briskmlp;

namespace {

constexpr index_t kRows = 5;
constexpr index_t kWidths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 257};

// Rows of n: around 0; all the same; far from 0; tiny; and with one that stands out.
template <class T>
std::vector<T> rows_of(index_t n) {
    std::vector<T> x = random_values<T>(kRows * n, static_cast<std::uint64_t>(n));
    const auto change = [&](index_t row, auto f) {
        std::transform(x.begin() + row * n, x.begin() + (row + 1) * n, x.begin() + row * n, f);
    };
    change(1, [](T) { return T(0.7); });
    change(2, [](T value) { return value + T(30); });
    change(3, [](T value) { return value / T(1024); });
    x.back() = T(100);
    return x;
}

template <class T>
reference::Row row_of(const std::vector<T>& values, index_t row, index_t n) {
    return {values.begin() + row * n, values.begin() + (row + 1) * n};
}

double rms(const reference::Row& values) {
    double squares = 0;
    for (const double value : values) {
        squares += value * value;
    }
    return std::sqrt(squares / static_cast<double>(values.size()));
}

// The worst of a row's elements. A deviation is off by what the mean is, a sum of n, and a
// subtraction; the variance in consequence, and for its own sum; one over its root half as much.
template <class T>
double worst_forward(const reference::Row& x, const reference::Row& got, double inverse) {
    const reference::Normalized want = reference::layer_norm(x);
    const auto n = static_cast<double>(x.size());
    double largest = 0;
    for (const double value : x) {
        largest = std::max(largest, std::fabs(value));
    }
    const double of_deviation = gamma<T>(n + 2) * 2 * largest;
    const double spread = rms(want.y) / want.inverse_deviation;
    const double of_variance =
        (2 * spread + of_deviation) * of_deviation + gamma<T>(n + 3) * spread * spread;
    const double relative =
        of_variance * want.inverse_deviation * want.inverse_deviation / 2 + gamma<T>(4);
    double worst = excess(inverse, want.inverse_deviation, relative * want.inverse_deviation);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double allowed =
            (of_deviation * want.inverse_deviation + std::fabs(want.y[i])) * (1 + relative) -
            std::fabs(want.y[i]) + gamma<T>(2) * std::fabs(want.y[i]);
        worst = std::max(worst, excess(got[i], want.y[i], allowed));
    }
    return worst;
}

// The same on the way back: two sums of n, products, differences.
template <class T>
double worst_backward(const reference::Normalized& of, const reference::Row& d,
                      const reference::Row& got) {
    const reference::Row want = reference::layer_norm_backward(of, d);
    const auto n = static_cast<double>(d.size());
    double sum = 0, products = 0, worst = 0;
    for (std::size_t i = 0; i < d.size(); ++i) {
        sum += std::fabs(d[i]) / n;
        products += std::fabs(d[i] * of.y[i]) / n;
    }
    for (std::size_t i = 0; i < d.size(); ++i) {
        const double size = std::fabs(d[i]) + sum + std::fabs(of.y[i]) * products;
        worst =
            std::max(worst, excess(got[i], want[i], gamma<T>(n + 6) * size * of.inverse_deviation));
    }
    return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("layer_norm is what its definition says", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const index_t n : kWidths) {
            CAPTURE(n);
            const std::vector<T> x = rows_of<T>(n);
            Guarded<T> y(kRows, n, n), inverse(1, kRows, kRows);
            table.layer_norm(kRows, n, x.data(), n, y.data(), y.stride(), inverse.data());
            const std::vector<T> rows = y.values(), inverses = inverse.values();
            for (index_t r = 0; r < kRows; ++r) {
                CAPTURE(r);
                CHECK(worst_forward<T>(
                          row_of(x, r, n), row_of(rows, r, n),
                          static_cast<double>(inverses[static_cast<std::size_t>(r)])) <= 1);
            }
            CHECK(y.intact());
            CHECK(inverse.intact());
        }
    });
}

TEST_CASE_TEMPLATE("layer_norm's way back is that of its definition", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const index_t n : kWidths) {
            CAPTURE(n);
            std::vector<T> y = rows_of<T>(n), inverses(kRows);
            table.layer_norm(kRows, n, y.data(), n, y.data(), n, inverses.data());
            const std::vector<T> gradient = random_values<T>(kRows * n, 5);
            Guarded<T> d(kRows, n, n);
            d.fill(gradient);
            table.layer_norm_backward(kRows, n, y.data(), n, inverses.data(), d.data(), d.stride());
            const std::vector<T> rows = d.values();
            for (index_t r = 0; r < kRows; ++r) {
                CAPTURE(r);
                const reference::Normalized of{
                    row_of(y, r, n), static_cast<double>(inverses[static_cast<std::size_t>(r)])};
                CHECK(worst_backward<T>(of, row_of(gradient, r, n), row_of(rows, r, n)) <= 1);
            }
            CHECK(d.intact());
        }
    });
}

TEST_CASE_TEMPLATE("a row's layer norm has the same bits alone and among others", T, float,
                   double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const index_t n : kWidths) {
            std::vector<T> together = rows_of<T>(n), alone = together;
            table.layer_norm(kRows, n, together.data(), n, together.data(), n, nullptr);
            for (index_t r = 0; r < kRows; ++r) {
                T* const row = alone.data() + r * n;
                table.layer_norm(1, n, row, n, row, n, nullptr);
            }
            CHECK(same_bits(together, alone));
        }
    });
}
