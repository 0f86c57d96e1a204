// The matmuls of layers with few outputs, and sums of matrices, on every instruction set: against
// plain loops in double, and touching nothing else.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/dispatch.h"
#include "support.h"

using namespace briskmlp;

namespace {

// sum of a[i] b[i], and of |a[i] b[i]|, added to `start`.
struct Dot {
    double value, magnitude;
};

template <class T>
Dot dot(index_t n, const T* a, index_t stride_a, const T* b, index_t stride_b, double start) {
    Dot sum{start, std::fabs(start)};
    for (index_t i = 0; i < n; ++i) {
        const double product =
            static_cast<double>(a[i * stride_a]) * static_cast<double>(b[i * stride_b]);
        sum.value += product;
        sum.magnitude += std::fabs(product);
    }
    return sum;
}

}  // namespace

TEST_CASE_TEMPLATE("narrow layers: outputs", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        REQUIRE(table.narrow <= 4);
        for (index_t n = 1; n <= table.narrow; ++n) {
            for (const index_t m : {0, 1, 3, 4, 5, 9}) {
                for (const index_t k : {1, 2, 15, 16, 17, 64, 131}) {
                    CAPTURE(m);
                    CAPTURE(k);
                    const std::vector<T> x = random_values<T>(m * k, 1);
                    const std::vector<T> wt = random_values<T>(n * k, 2);
                    const std::vector<T> bias = random_values<T>(n, 3);
                    Guarded<T> y(m, n, n), plain(m, n, n), row(1, n, n);
                    table.narrow_forward(m, n, k, x.data(), k, wt.data(), k, bias.data(), y.data(),
                                         y.stride());
                    table.narrow_forward(m, n, k, x.data(), k, wt.data(), k, nullptr, plain.data(),
                                         plain.stride());
                    double worst = 0;
                    for (index_t r = 0; r < m; ++r) {
                        for (index_t c = 0; c < n; ++c) {
                            const T *const xr = x.data() + r * k, *const wc = wt.data() + c * k;
                            const double b = static_cast<double>(bias[static_cast<std::size_t>(c)]);
                            const Dot with = dot(k, xr, 1, wc, 1, b),
                                      without = dot(k, xr, 1, wc, 1, 0);
                            const auto at = static_cast<std::size_t>(r * n + c);
                            worst = std::max(
                                {worst,
                                 excess(static_cast<double>(y.values()[at]), with.value,
                                        gamma<T>(static_cast<double>(k + 6)) * with.magnitude),
                                 excess(static_cast<double>(plain.values()[at]), without.value,
                                        gamma<T>(static_cast<double>(k + 6)) * without.magnitude)});
                        }
                        table.narrow_forward(1, n, k, x.data() + r * k, k, wt.data(), k,
                                             bias.data(), row.data(), row.stride());
                        const std::vector<T> all = y.values(), one = row.values();
                        CHECK(std::equal(one.begin(), one.end(), all.begin() + r * n));
                    }
                    CHECK(worst <= 1);
                    CHECK(y.intact());
                }
            }
        }
    });
}

TEST_CASE_TEMPLATE("narrow layers: gradients of weights", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const index_t lanes = table.lanes;
        for (index_t n = 1; n <= table.narrow; ++n) {
            for (const index_t m : {0, 1, 7, 64}) {
                for (const index_t k :
                     {index_t{1}, lanes, 2 * lanes + 1, 4 * lanes, 5 * lanes - 1, 9 * lanes + 2}) {
                    CAPTURE(m);
                    CAPTURE(k);
                    const std::vector<T> x = random_values<T>(m * k, 1);
                    const std::vector<T> d = random_values<T>(m * n, 2);
                    for (const bool add : {false, true}) {
                        // Whole vectors are written: the columns after the first n become zeros.
                        Guarded<T> d_w(k, lanes, lanes);
                        const std::vector<T> before = random_values<T>(k * lanes, 3);
                        d_w.fill(before);
                        table.narrow_gradient(m, n, k, x.data(), k, d.data(), n, add, d_w.data(),
                                              d_w.stride());
                        double worst = 0;
                        for (index_t r = 0; r < k; ++r) {
                            for (index_t c = 0; c < lanes; ++c) {
                                const auto at = static_cast<std::size_t>(r * lanes + c);
                                const double got = static_cast<double>(d_w.values()[at]);
                                if (c >= n) {
                                    CHECK(got == 0);
                                    continue;
                                }
                                const Dot sum = dot(m, x.data() + r, k, d.data() + c, n,
                                                    add ? static_cast<double>(before[at]) : 0);
                                worst = std::max(
                                    worst,
                                    excess(got, sum.value,
                                           gamma<T>(static_cast<double>(m + 1)) * sum.magnitude));
                            }
                        }
                        CHECK(worst <= 1);
                        CHECK(d_w.intact());
                    }
                }
            }
        }
    });
}

TEST_CASE_TEMPLATE("sums of matrices are exact", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const index_t cols = 3 * table.lanes;
        for (const index_t rows : {0, 1, 5}) {
            const std::vector<T> a = random_values<T>(rows * cols, 1);
            const std::vector<T> b = random_values<T>(rows * cols, 2);
            Guarded<T> y(rows, cols, cols);
            table.add(rows, cols, a.data(), cols, b.data(), cols, y.data(), y.stride());
            std::vector<T> expected(a);
            for (std::size_t i = 0; i < a.size(); ++i) {
                expected[i] += b[i];
            }
            CHECK(same_bits(y.values(), expected));
            CHECK(y.intact());
        }
    });
}
