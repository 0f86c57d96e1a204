// Every loss kernel with its settings, its targets and its oracle.
#pragma once

#include <functional>
#include <vector>

#include "nn/loss.h"
#include "loss_errors.h"

namespace briskmlp {

// A kernel under test: its loss, what it is called with, and what is right.
template <class T>
struct LossCase {
    const char* name;
    LossSpec loss;
    bool labels;
    bool grows_exponentially;  // so that huge raw outputs have infinite losses
    double (*target)(double uniform);
    std::function<Allowed(const LossProblem<T>&, index_t row)> expect;

    index_t z_cols(index_t n) const { return n * loss.outputs_per_target(); }
    LossProblem<T> problem(index_t rows, index_t n, double range) const {
        LossProblem<T> p(rows, n, z_cols(n), range);
        for (T& y : p.target) {
            y = static_cast<T>(target(static_cast<double>(y)));
        }
        return p;
    }
    double call(const KernelTable<T>& table, const LossProblem<T>& p, const T* z, index_t ldz,
                const T* weight, T* d, index_t ldd) const {
        const T* const values = labels ? nullptr : p.target.data();
        const std::int32_t* const label = labels ? p.labels.data() : nullptr;
        const auto settings = static_cast<index_t>(loss.settings.size());
        return table.loss[static_cast<int>(loss.kind)]({p.rows, p.n, z, ldz, values, p.n, label,
                                                        weight, p.scale.data(),
                                                        loss.settings.data(), settings, d, ldd});
    }
};

template <class T>
std::vector<LossCase<T>> loss_cases() {
    using P = LossProblem<T>;
    const auto terms = [](auto allowed) {
        return [allowed](const P& p, index_t r) { return expect_terms<T>(p, r, allowed); };
    };
    const auto uniform = [](double u) { return u; };
    const auto count = [](double u) { return std::floor(8 * u * u); };
    const auto positive = [](double u) { return 0.01 + 10 * u; };
    const Row levels = {0.05, 0.1, 0.3, 0.6, 0.9, 0.95};
    return {
        {"mse", Loss::kMse, false, false, uniform, terms(allow_mse)},
        {"mae", Loss::kMae, false, false, uniform, terms(allow_mae)},
        {"huber", {Loss::kHuber, {0.7}}, false, false, uniform, terms([](double z, double y) {
             return allow_huber(z, y, 0.7);
         })},
        {"log_cosh", Loss::kLogCosh, false, false, uniform, terms(allow_log_cosh)},
        {"a quantile",
         {Loss::kQuantile, {0.3}},
         false,
         false,
         uniform,
         [](const P& p, index_t r) { return expect_quantile(p, r, {0.3}); }},
        {"quantiles",
         {Loss::kQuantile, levels},
         false,
         false,
         uniform,
         [levels](const P& p, index_t r) { return expect_quantile(p, r, levels); }},
        {"cross_entropy of rows", Loss::kCrossEntropy, false, false, uniform,
         [](const P& p, index_t r) { return expect_cross_entropy(p, r, p.target_row(r), 0); }},
        {"cross_entropy of labels", Loss::kCrossEntropy, true, false, uniform,
         [](const P& p, index_t r) { return expect_cross_entropy(p, r, p.one_hot_row(r), 0); }},
        {"cross_entropy of rows, smoothed",
         {Loss::kCrossEntropy, {0.1}},
         false,
         false,
         uniform,
         [](const P& p, index_t r) { return expect_cross_entropy(p, r, p.target_row(r), 0.1); }},
        {"cross_entropy of labels, smoothed",
         {Loss::kCrossEntropy, {0.1}},
         true,
         false,
         uniform,
         [](const P& p, index_t r) { return expect_cross_entropy(p, r, p.one_hot_row(r), 0.1); }},
        {"focal",
         {Loss::kFocal, {2.0}},
         true,
         false,
         uniform,
         [](const P& p, index_t r) { return expect_focal(p, r, 2); }},
        {"binary_cross_entropy", Loss::kBinaryCrossEntropy, false, false, uniform,
         terms(allow_binary)},
        {"gaussian_nll", Loss::kGaussianNll, false, true, uniform, expect_gaussian<T>},
        {"poisson", Loss::kPoisson, false, true, count, terms(allow_poisson)},
        {"poisson of rates", Loss::kPoisson, false, true, uniform, terms(allow_poisson)},
        {"gamma", Loss::kGamma, false, true, positive, terms(allow_gamma)},
        {"tweedie", {Loss::kTweedie, {1.3}}, false, true, count, terms([](double z, double y) {
             return allow_tweedie(z, y, 1.3);
         })},
    };
}

}  // namespace briskmlp
