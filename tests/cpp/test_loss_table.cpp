// nn/loss: the kernel, the link and the metric of each loss.
#include <doctest/doctest.h>

#include "loss_cases.h"

using namespace briskmlp;

TEST_CASE_TEMPLATE("apply_link changes what its loss says", T, float, double) {
    const KernelTable<T>& table = kernels<T>();
    const std::vector<T> z = {T(0), T(1), T(0.5), T(-2)};
    const auto linked = [&](const LossSpec& loss) {
        std::vector<T> result(z);
        apply_link(table, loss, 1, 4, result.data(), 4);
        return result;
    };
    const auto close = [&](const LossSpec& loss, const Row& expected, double roundings) {
        const std::vector<T> got = linked(loss);
        CAPTURE(std::string(loss.info().name));
        for (std::size_t j = 0; j < 4; ++j) {
            CHECK(excess(static_cast<double>(got[j]), expected[j],
                         gamma<T>(roundings) * std::fabs(expected[j])) <= 1);
        }
    };
    const auto exp = [](double x) { return std::exp(x); };
    CHECK(same_bits(linked(Loss::kMse), z));
    CHECK(same_bits(linked(Loss::kMae), z));
    CHECK(same_bits(linked(Loss::kLogCosh), z));
    CHECK(same_bits(linked({Loss::kHuber, {1}}), z));
    close(Loss::kCrossEntropy, reference::softmax(Row(z.begin(), z.end())), 18);
    close({Loss::kFocal, {2}}, reference::softmax(Row(z.begin(), z.end())), 18);
    close(Loss::kBinaryCrossEntropy,
          {0.5, reference::sigmoid(1), reference::sigmoid(0.5), reference::sigmoid(-2)}, kUlps);
    close(Loss::kGaussianNll, {0, 1, exp(0.5), exp(-2)}, kUlps);
    for (const LossSpec& loss :
         {LossSpec(Loss::kPoisson), LossSpec(Loss::kGamma), LossSpec(Loss::kTweedie, {1.5})}) {
        close(loss, {1, exp(1), exp(0.5), exp(-2)}, kUlps);
    }
    // Two targets, then one, whose lower middle is the second of four.
    const auto softplus = [](double x) { return reference::softplus(x); };
    close({Loss::kQuantile, {0.2, 0.7}}, {0, 1, softplus(0.5), 1 + softplus(-2)}, kUlps + 1);
    const double third = 1 + softplus(0.5);
    close({Loss::kQuantile, {0.1, 0.2, 0.3, 0.4}},
          {1 - softplus(0), 1, third, third + softplus(-2)}, 2 * kUlps + 6);
}

TEST_CASE_TEMPLATE("evaluate_loss takes the kernel of its loss and kind of target", T, float,
                   double) {
    const KernelTable<T>& table = kernels<T>();
    for (const LossCase<T>& loss : loss_cases<T>()) {
        CAPTURE(std::string(loss.name));
        const LossProblem<T> p = loss.problem(4, 3, 2);
        Targets<T> targets{nullptr, p.target.data(), 3, p.weight.data()};
        if (loss.labels) {
            targets = {p.labels.data(), nullptr, 0, p.weight.data()};
        }
        CHECK(evaluate_loss<T>(table, loss.loss, 4, p.z_cols, p.z.data(), p.z_cols, targets,
                               p.scale.data(), nullptr, 0) ==
              loss.call(table, p, p.z.data(), p.z_cols, p.weight.data(), nullptr, 0));
    }
}

TEST_CASE("metrics count what they say") {
    const std::vector<double> z = {1, 3, 2, /**/ 5, -1, 0};
    const std::vector<double> values = {0, 0.75, 0.25, /**/ 0, 1, 0};
    const std::vector<std::int32_t> labels = {1, 2};
    const std::vector<double> weights = {2, 0.5};
    const auto sum = [&](const LossSpec& loss, index_t n, const Targets<double>& targets) {
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
    // Of the means e^1 and e^5.
    const double first = std::exp(1.0) - 2, second = std::exp(5.0) - 3;
    CHECK(sum(Loss::kPoisson, 1, {nullptr, targets.data(), 1, nullptr}) ==
          doctest::Approx(first * first + second * second));
    // Below the one quantile z: 2 is not below 1, 3 is below 5. Between the lowest and the highest
    // of three, 3 +- softplus(1 or 2) and -1 - softplus(5) to -1 + softplus(0): 2 is, 3 is not.
    CHECK(sum({Loss::kQuantile, {0.9}}, 1, {nullptr, targets.data(), 1, weights.data()}) == 0.5);
    const LossSpec three(Loss::kQuantile, {0.1, 0.5, 0.9});
    CHECK(sum(three, 3, {nullptr, targets.data(), 1, weights.data()}) == 2);
}

TEST_CASE("losses have names and take their settings") {
    CHECK(loss_names().size() == kLossCount);
    for (const std::string& name : loss_names()) {
        CHECK(loss_info(loss_from_name(name)).name == name);
        CHECK(loss_info(loss_from_name(name)).kind == loss_from_name(name));
    }
    CHECK_THROWS_WITH_AS(loss_from_name("hinge"),
                         "unknown loss 'hinge'; known: mse, mae, huber, log_cosh, quantile, "
                         "cross_entropy, focal, binary_cross_entropy, gaussian_nll, poisson, "
                         "gamma, tweedie",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(LossSpec{Loss::kHuber}, "loss 'huber' takes from 1 to 1 settings, got 0",
                         std::invalid_argument);
    CHECK_THROWS_AS(LossSpec(Loss::kMse, {1}), std::invalid_argument);
    const std::vector<double> many(kMaxQuantiles + 1, 0.5);
    CHECK_THROWS_WITH_AS(LossSpec(Loss::kQuantile, many),
                         "loss 'quantile' takes from 1 to 100 settings, got 101",
                         std::invalid_argument);
    CHECK(LossSpec(Loss::kGaussianNll).outputs_per_target() == 2);
    CHECK(LossSpec(Loss::kQuantile, {0.1, 0.5, 0.9}).outputs_per_target() == 3);
    CHECK(LossSpec(Loss::kTweedie, {1.5}).outputs_per_target() == 1);
    CHECK(std::string(metric_name(Metric::kRmse)) == "rmse");
    CHECK(std::string(metric_name(Metric::kAccuracy)) == "accuracy");
    CHECK(std::string(metric_name(Metric::kCoverage)) == "coverage");
}
