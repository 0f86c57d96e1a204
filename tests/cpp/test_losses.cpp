// The loss kernels of every instruction set against the oracle, and the links.
#include <doctest/doctest.h>

#include "loss_cases.h"

using namespace briskmlp;

namespace {

// Loss and gradient of one kernel on one problem against the oracle.
template <class T>
void check_loss(const KernelTable<T>& table, const LossCase<T>& loss, const LossProblem<T>& p) {
    Guarded<T> z(p.rows, p.z_cols, p.z_cols), d(p.rows, p.z_cols, p.z_cols);
    z.fill(p.z);
    const double got =
        loss.call(table, p, z.data(), z.stride(), p.weight.data(), d.data(), d.stride());
    double expected = 0, allowed = 0, worst = 0;
    for (index_t r = 0; r < p.rows; ++r) {
        const Allowed a = loss.expect(p, r);
        const auto weight = static_cast<double>(p.weight[static_cast<std::size_t>(r)]);
        const auto scale = static_cast<double>(p.scale[static_cast<std::size_t>(r)]);
        expected += weight * a.value.loss;
        allowed += weight * a.loss_error;
        for (index_t j = 0; j < p.z_cols; ++j) {
            const auto i = static_cast<std::size_t>(j);
            // What is below the normal numbers may come out as zero.
            const double error =
                scale * a.gradient_error[i] + static_cast<double>(std::numeric_limits<T>::min());
            worst = std::max(
                worst, excess(static_cast<double>(d.at(r, j)), scale * a.value.gradient[i], error));
        }
    }
    CHECK(excess(got, expected, allowed) <= 1);
    CHECK(worst <= 1);
    CHECK(d.intact());
    CHECK(same_bits(z.values(), p.z));
}

}  // namespace

TEST_CASE_TEMPLATE("losses and gradients agree with the oracle", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const LossCase<T>& loss : loss_cases<T>()) {
            CAPTURE(std::string(loss.name));
            for (index_t n = 1; n <= 3 * table.lanes + 1; ++n) {
                CAPTURE(n);
                for (const double range : {3.0, 20.0}) {
                    check_loss(table, loss, loss.problem(5, n, range));
                }
            }
            // Rows around a vector of them, by which the labels' logarithms are taken.
            for (const index_t rows : {index_t{0}, index_t{1}, table.lanes, table.lanes + 1}) {
                CAPTURE(rows);
                check_loss(table, loss, loss.problem(rows, 3, 2));
            }
        }
    });
}

TEST_CASE_TEMPLATE("losses stay finite for huge raw outputs", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const LossCase<T>& loss : loss_cases<T>()) {
            if (!loss.grows_exponentially) {
                CAPTURE(std::string(loss.name));
                check_loss(table, loss, loss.problem(9, 2 * table.lanes + 1, 1e4));
            }
        }
    });
}

TEST_CASE_TEMPLATE("losses do without weights, without gradient, and in place", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const LossCase<T>& loss : loss_cases<T>()) {
            CAPTURE(std::string(loss.name));
            const index_t n = table.lanes + 1, cols = loss.z_cols(n);
            const LossProblem<T> p = loss.problem(table.lanes + 2, n, 3);
            const std::vector<T> ones(p.weight.size(), T(1));
            std::vector<T> d(p.z.size()), same(p.z);
            const double sum = loss.call(table, p, p.z.data(), cols, ones.data(), d.data(), cols);
            CHECK(loss.call(table, p, p.z.data(), cols, nullptr, d.data(), cols) == sum);
            CHECK(loss.call(table, p, p.z.data(), cols, nullptr, nullptr, 0) == sum);
            CHECK(loss.call(table, p, same.data(), cols, nullptr, same.data(), cols) == sum);
            CHECK(same_bits(same, d));
        }
    });
}

TEST_CASE_TEMPLATE("links agree with the oracle", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (index_t n = 1; n <= 3 * table.lanes + 1; ++n) {
            CAPTURE(n);
            const index_t rows = n % 3 == 0 ? 3 : 2 * table.lanes + 5;
            const LossProblem<T> p(rows, n, n, n % 2 == 0 ? 1e4 : 10);
            Guarded<T> z(rows, n, n);
            z.fill(p.z);
            table.softmax(rows, n, z.data(), z.stride(), z.data(), z.stride());
            double worst = 0;
            for (index_t r = 0; r < rows; ++r) {
                const Row raw = p.z_row(r), expected = reference::softmax(raw);
                const double top = *std::max_element(raw.begin(), raw.end());
                for (index_t j = 0; j < n; ++j) {
                    const auto i = static_cast<std::size_t>(j);
                    const double roundings =
                        3 * static_cast<double>(n) + 2 * kUlps + 3 + (top - raw[i]);
                    const double allowed = gamma<T>(roundings) * expected[i] +
                                           static_cast<double>(std::numeric_limits<T>::min());
                    worst = std::max(worst,
                                     excess(static_cast<double>(z.at(r, j)), expected[i], allowed));
                }
            }
            CHECK(worst <= 1);
            CHECK(z.intact());

            const LossProblem<T> small(3, n, n, 10);
            Guarded<T> few(3, n, n);
            few.fill(small.z);
            table.exp(3, n, few.data(), few.stride());
            worst = 0;
            for (index_t i = 0; i < 3 * n; ++i) {
                const double expected =
                    std::exp(static_cast<double>(small.z[static_cast<std::size_t>(i)]));
                worst = std::max(worst, excess(static_cast<double>(few.at(i / n, i % n)), expected,
                                               gamma<T>(kUlps) * expected));
            }
            CHECK(worst <= 1);
            CHECK(few.intact());
        }
    });
}
