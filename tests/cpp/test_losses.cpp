// The loss kernels of every instruction set against the oracle, the links, and nn/loss on top.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/reference.h"
#include "nn/loss.h"
#include "support.h"

using namespace briskmlp;
using reference::Row;

namespace {

// Relative error, in units of epsilon, that exp, log, sigmoid and softplus are granted here. Their
// own tests hold each to less.
constexpr double kUlps = 2;

// One loss on (rows, n) raw outputs. `z_cols` are n, or 2 n for means and log-variances.
template <class T>
struct Problem {
    index_t rows, n, z_cols;
    std::vector<T> z, target, weight, scale;
    std::vector<std::int32_t> labels;

    Problem(index_t rows_, index_t n_, index_t z_cols_, double range)
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
    Row one_hot_row(index_t r) const {
        Row p(static_cast<std::size_t>(n), 0.0);
        p[static_cast<std::size_t>(labels[static_cast<std::size_t>(r)])] = 1;
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

// A kernel under test: how it is called, and what is right.
template <class T>
struct LossCase {
    const char* name;
    index_t z_cols_per_target;
    std::function<double(const KernelTable<T>&, const Problem<T>&, const T* z, index_t ldz,
                         const T* weight, T* d, index_t ldd)>
        call;
    std::function<Allowed(const Problem<T>&, index_t row)> expect;
};

template <class T>
double eps() {
    return static_cast<double>(std::numeric_limits<T>::epsilon());
}

// Roundings of a term: the difference, its square; of the sum: n; of a derivative: the difference,
// 1 / n, the scale and two products.
template <class T>
Allowed expect_mse(const Problem<T>& p, index_t r) {
    Allowed a{reference::mse(p.z_row(r), p.target_row(r)), 0, {}};
    a.loss_error = gamma<T>(static_cast<double>(p.n) + 3) * a.value.loss;
    for (const double g : a.value.gradient) {
        a.gradient_error.push_back(gamma<T>(5) * std::fabs(g));
    }
    return a;
}

// softplus(z) and y z nearly cancel for sure predictions, so that errors are relative to their sum;
// likewise sigmoid(z) - y.
template <class T>
Allowed expect_binary(const Problem<T>& p, index_t r) {
    const Row z = p.z_row(r), y = p.target_row(r);
    const auto n = static_cast<double>(p.n);
    Allowed a{reference::binary_cross_entropy(z, y), 0, {}};
    double magnitude = 0;
    for (std::size_t j = 0; j < z.size(); ++j) {
        magnitude += (reference::softplus(z[j]) + std::fabs(y[j] * z[j])) / n;
        const double terms = (reference::sigmoid(z[j]) + y[j]) / n;
        a.gradient_error.push_back(gamma<T>(kUlps + 5) * terms);
    }
    a.loss_error = gamma<T>(kUlps + n + 3) * magnitude;
    return a;
}

// Errors of (y - mu)^2 / v: the difference twice, exp, two products.
template <class T>
Allowed expect_gaussian(const Problem<T>& p, index_t r) {
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

// exp(z - top) inherits the rounding of z - top times |z - top|, which after the exp is below 1 for
// all terms together; the sum of exps is off by n + kUlps roundings, and its log by as much.
template <class T>
Allowed expect_cross_entropy(const Problem<T>& p, index_t r, const Row& target) {
    const Row z = p.z_row(r), s = reference::softmax(z);
    const auto n = static_cast<double>(p.n);
    const double top = *std::max_element(z.begin(), z.end());
    Allowed a{reference::cross_entropy(z, target), 0, {}};
    const double sum_roundings = 2 * n + kUlps;
    double below_top = 0, mass = 0;
    for (std::size_t j = 0; j < z.size(); ++j) {
        below_top += target[j] * (top - z[j]);
        mass += target[j];
    }
    for (std::size_t j = 0; j < z.size(); ++j) {
        const double of_softmax = sum_roundings + kUlps + (top - z[j]) + n + 5;
        a.gradient_error.push_back(gamma<T>(of_softmax) * mass * s[j] + gamma<T>(3) * target[j]);
    }
    a.loss_error = gamma<T>(n + 4) * below_top +
                   mass * (gamma<T>(sum_roundings) + gamma<T>(kUlps + n + 3) * std::log(n));
    return a;
}

template <class T>
std::vector<LossCase<T>> loss_cases() {
    using Table = KernelTable<T>;
    using P = Problem<T>;
    return {
        {"mse", 1,
         [](const Table& t, const P& p, const T* z, index_t ldz, const T* weight, T* d,
            index_t ldd) {
             return t.mse(p.rows, p.n, z, ldz, p.target.data(), p.n, weight, p.scale.data(), d,
                          ldd);
         },
         expect_mse<T>},
        {"binary_cross_entropy", 1,
         [](const Table& t, const P& p, const T* z, index_t ldz, const T* weight, T* d,
            index_t ldd) {
             return t.binary_cross_entropy(p.rows, p.n, z, ldz, p.target.data(), p.n, weight,
                                           p.scale.data(), d, ldd);
         },
         expect_binary<T>},
        {"gaussian_nll", 2,
         [](const Table& t, const P& p, const T* z, index_t ldz, const T* weight, T* d,
            index_t ldd) {
             return t.gaussian_nll(p.rows, p.n, z, ldz, p.target.data(), p.n, weight,
                                   p.scale.data(), d, ldd);
         },
         expect_gaussian<T>},
        {"cross_entropy of rows", 1,
         [](const Table& t, const P& p, const T* z, index_t ldz, const T* weight, T* d,
            index_t ldd) {
             return t.cross_entropy_rows(p.rows, p.n, z, ldz, p.target.data(), p.n, weight,
                                         p.scale.data(), d, ldd);
         },
         [](const P& p, index_t r) { return expect_cross_entropy(p, r, p.target_row(r)); }},
        {"cross_entropy of labels", 1,
         [](const Table& t, const P& p, const T* z, index_t ldz, const T* weight, T* d,
            index_t ldd) {
             return t.cross_entropy_labels(p.rows, p.n, z, ldz, p.labels.data(), weight,
                                           p.scale.data(), d, ldd);
         },
         [](const P& p, index_t r) { return expect_cross_entropy(p, r, p.one_hot_row(r)); }},
    };
}

// Loss and gradient of one kernel on one problem against the oracle.
template <class T>
void check_loss(const KernelTable<T>& table, const LossCase<T>& loss, const Problem<T>& p) {
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
            CAPTURE(loss.name);
            for (index_t n = 1; n <= 3 * table.lanes + 1; ++n) {
                CAPTURE(n);
                for (const double range : {3.0, 20.0}) {
                    check_loss(table, loss, {5, n, n * loss.z_cols_per_target, range});
                }
            }
            // Rows around a vector of them, by which the labels' logarithms are taken.
            for (const index_t rows : {index_t{0}, index_t{1}, table.lanes, table.lanes + 1}) {
                CAPTURE(rows);
                check_loss(table, loss, {rows, 3, 3 * loss.z_cols_per_target, 2.0});
            }
        }
    });
}

TEST_CASE_TEMPLATE("losses stay finite for huge raw outputs", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const LossCase<T>& loss : loss_cases<T>()) {
            if (loss.z_cols_per_target == 2) {
                continue;  // 1 / exp(-1e4) is beyond any type
            }
            CAPTURE(loss.name);
            check_loss(table, loss, {9, 2 * table.lanes + 1, 2 * table.lanes + 1, 1e4});
        }
    });
}

TEST_CASE_TEMPLATE("losses do without weights, without gradient, and in place", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const LossCase<T>& loss : loss_cases<T>()) {
            CAPTURE(loss.name);
            const index_t n = table.lanes + 1, cols = n * loss.z_cols_per_target;
            const Problem<T> p(table.lanes + 2, n, cols, 3);
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
            const Problem<T> p(rows, n, n, n % 2 == 0 ? 1e4 : 10);
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

            const Problem<T> small(3, n, n, 10);
            z.fill(small.z);
            table.exp(3, n, z.data(), z.stride());
            worst = 0;
            for (index_t i = 0; i < 3 * n; ++i) {
                const double expected =
                    std::exp(static_cast<double>(small.z[static_cast<std::size_t>(i)]));
                worst = std::max(worst, excess(static_cast<double>(z.at(i / n, i % n)), expected,
                                               gamma<T>(kUlps) * expected));
            }
            CHECK(worst <= 1);
            CHECK(z.intact());
        }
    });
}

TEST_CASE_TEMPLATE("apply_link changes what its loss says", T, float, double) {
    const KernelTable<T>& table = kernels<T>();
    const std::vector<T> z = {T(0), T(1), T(0.5), T(-2)};
    const auto linked = [&](Link link) {
        std::vector<T> result(z);
        apply_link(table, link, 1, 4, result.data(), 4);
        return result;
    };
    CHECK(same_bits(linked(Link::kIdentity), z));
    const std::vector<T> softmax = linked(Link::kSoftmax), sigmoid = linked(Link::kSigmoid),
                         variance = linked(Link::kMeanVariance);
    const Row expected = reference::softmax(Row(z.begin(), z.end()));
    for (std::size_t j = 0; j < 4; ++j) {
        const auto raw = static_cast<double>(z[j]);
        const double of_variance = j < 2 ? raw : std::exp(raw);
        const double s = reference::sigmoid(raw);
        CHECK(excess(static_cast<double>(softmax[j]), expected[j], gamma<T>(18) * expected[j]) <=
              1);
        CHECK(excess(static_cast<double>(sigmoid[j]), s, gamma<T>(kUlps) * s) <= 1);
        CHECK(excess(static_cast<double>(variance[j]), of_variance,
                     gamma<T>(kUlps) * of_variance) <= 1);
    }
}

TEST_CASE_TEMPLATE("evaluate_loss takes the kernel of its loss and kind of target", T, float,
                   double) {
    const KernelTable<T>& table = kernels<T>();
    const Problem<T> p(4, 3, 6, 2);
    const T* const z = p.z.data();
    const T* const scale = p.scale.data();
    const auto evaluate = [&](Loss loss, index_t n, const Targets<T>& targets) {
        return evaluate_loss<T>(table, loss, 4, n, z, 6, targets, scale, nullptr, 0);
    };
    const Targets<T> values{nullptr, p.target.data(), 3, p.weight.data()};
    const Targets<T> labels{p.labels.data(), nullptr, 0, p.weight.data()};
    const auto call = [&](auto kernel) {
        return kernel(4, 3, z, 6, p.target.data(), 3, p.weight.data(), scale, nullptr, 0);
    };
    CHECK(evaluate(Loss::kMse, 3, values) == call(table.mse));
    CHECK(evaluate(Loss::kCrossEntropy, 3, values) == call(table.cross_entropy_rows));
    CHECK(evaluate(Loss::kBinaryCrossEntropy, 3, values) == call(table.binary_cross_entropy));
    CHECK(evaluate(Loss::kGaussianNll, 6, values) == call(table.gaussian_nll));
    CHECK(evaluate(Loss::kCrossEntropy, 3, labels) ==
          table.cross_entropy_labels(4, 3, z, 6, p.labels.data(), p.weight.data(), scale, nullptr,
                                     0));
}

TEST_CASE("metrics count what they say") {
    const std::vector<double> z = {1, 3, 2, /**/ 5, -1, 0};
    const std::vector<double> values = {0, 0.75, 0.25, /**/ 0, 1, 0};
    const std::vector<std::int32_t> labels = {1, 2};
    const std::vector<double> weights = {2, 0.5};
    const auto sum = [&](Loss loss, index_t n, const Targets<double>& targets) {
        return metric_sum(loss, 2, n, z.data(), 3, targets);
    };
    CHECK(sum(Loss::kCrossEntropy, 3, {labels.data(), nullptr, 0, nullptr}) == 1);
    CHECK(sum(Loss::kCrossEntropy, 3, {labels.data(), nullptr, 0, weights.data()}) == 2);
    CHECK(sum(Loss::kCrossEntropy, 3, {nullptr, values.data(), 3, nullptr}) == 1);
    // Signs of z against values above one half: 1 of 3 and 1 of 3 agree.
    CHECK(sum(Loss::kBinaryCrossEntropy, 3, {nullptr, values.data(), 3, nullptr}) ==
          doctest::Approx(2.0 / 3));
    // Mean squared errors 9.125 / 3 and 29 / 3.
    CHECK(sum(Loss::kMse, 3, {nullptr, values.data(), 3, weights.data()}) ==
          doctest::Approx(2 * 9.125 / 3 + 0.5 * 29 / 3));
    // Of the means alone.
    const std::vector<double> targets = {2, 3};
    CHECK(sum(Loss::kGaussianNll, 2, {nullptr, targets.data(), 1, nullptr}) == 1 + 4);
}

TEST_CASE("losses have names, links and metrics") {
    CHECK(loss_names() ==
          std::vector<std::string>{"mse", "cross_entropy", "binary_cross_entropy", "gaussian_nll"});
    for (const std::string& name : loss_names()) {
        CHECK(loss_info(loss_from_name(name)).name == name);
        CHECK(loss_info(loss_from_name(name)).kind == loss_from_name(name));
    }
    CHECK_THROWS_WITH_AS(
        loss_from_name("hinge"),
        "unknown loss 'hinge'; known: mse, cross_entropy, binary_cross_entropy, gaussian_nll",
        std::invalid_argument);
    CHECK(loss_info(Loss::kMse).link == Link::kIdentity);
    CHECK(loss_info(Loss::kCrossEntropy).link == Link::kSoftmax);
    CHECK(loss_info(Loss::kBinaryCrossEntropy).link == Link::kSigmoid);
    CHECK(loss_info(Loss::kGaussianNll).link == Link::kMeanVariance);
}
