// The training loop: the same bits on any number of threads. It runs on the default instruction
// set.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/dispatch.h"
#include "nn/predict.h"
#include "train/evaluate.h"
#include "train/gradients.h"
#include "train/plan.h"
#include "train/team.h"
#include "fit_support.h"

using namespace briskmlp;

namespace {

// One way of training whose bits must not depend on threads.
struct Regime {
    std::vector<index_t> sizes;
    LossSpec loss;
    TargetKind targets;
    index_t rows, batch_size;
    PlanKind plan;  // what it is to be
};

}  // namespace

TEST_CASE_TEMPLATE("training gives the same bits on any number of threads", T, float, double) {
    const ManyThreads many;
    const std::vector<Regime> regimes = {
        {{2, 2, 1}, Loss::kBinaryCrossEntropy, TargetKind::kValues, 50, 16, PlanKind::kTwoPhase},
        {{90, 10}, Loss::kCrossEntropy, TargetKind::kLabels, 3000, 1100, PlanKind::kChunked},
        {{128, 600, 600, 3}, Loss::kMse, TargetKind::kValues, 500, 450, PlanKind::kTwoPhase},
        {{4, 24, 24, 2}, Loss::kGaussianNll, TargetKind::kValues, 7000, 6000, PlanKind::kChunked},
        {{64, 60, 10}, Loss::kCrossEntropy, TargetKind::kLabels, 333, 32, PlanKind::kSharded},
        {{64, 160, 129, 4}, Loss::kCrossEntropy, TargetKind::kLabels, 333, 128, PlanKind::kSharded},
        {{5, 33, 41, 35, 64, 2}, Loss::kMse, TargetKind::kValues, 333, 128, PlanKind::kSharded},
        {{64, 60, 6},
         {Loss::kQuantile, {0.1, 0.5, 0.9}},
         TargetKind::kValues,
         333,
         32,
         PlanKind::kSharded},
        {{4, 24, 24, 2}, Loss::kPoisson, TargetKind::kValues, 7000, 6000, PlanKind::kChunked},
        {{90, 10}, {Loss::kFocal, {2}}, TargetKind::kLabels, 3000, 1100, PlanKind::kChunked},
    };
    for (const Regime& t : regimes) {
        CAPTURE(t.rows);
        const auto start = make_network<T>(t.sizes, Activation::kGelu, t.loss);
        const Plan plan = make_plan(start, kernels<T>(), t.batch_size);
        REQUIRE(plan.kind == t.plan);
        const index_t steps = ceil_div(t.rows, t.batch_size);
        REQUIRE((Team(plan, steps, 5).most() > 1) == (t.rows != 50));
        const TestData<T> data(start, t.rows, t.targets, true);
        const auto run = [&](index_t threads) {
            auto net = make_network<T>(t.sizes, Activation::kGelu, t.loss);
            FitOptions options = fit_options(2, t.batch_size, {});
            options.threads = threads;
            const Dataset<T> all = data.all();
            Recorder<T> observer(net);
            const FitResult result = fit_observed<T>(net, all, &all, options, observer);
            std::vector<double> numbers(net.parameters(), net.parameters() + net.num_parameters());
            for (const EpochReport& report : result.epochs) {
                numbers.insert(numbers.end(), {report.loss, report.eval_loss, report.eval_metric});
            }
            return numbers;
        };
        const std::vector<double> one = run(1);
        CHECK(finite(one));
        CHECK_FALSE(std::equal(start.parameters(), start.parameters() + start.num_parameters(),
                               one.begin()));
        CHECK(same_bits(one, run(2)));
        CHECK(same_bits(one, run(5)));
    }
}

TEST_CASE("an epoch's loss is the mean of its batches' losses") {
    auto net = make_network<double>({5, 20, 3}, Activation::kTanh, Loss::kCrossEntropy);
    const TestData<double> data(net, 50, TargetKind::kLabels, true);
    Recorder<double> observer(net);
    observer.losses.assign(3 * 4, -1);
    const Dataset<double> all = data.all();
    const FitResult result =
        fit_observed<double>(net, all, nullptr, fit_options(3, 16, sgd(0.1)), observer);
    for (std::size_t epoch = 0; epoch < 3; ++epoch) {
        const double* const losses = observer.losses.data() + 4 * epoch;
        const double sum = 16 * (losses[0] + losses[1] + losses[2]) + 2 * losses[3];
        CHECK(result.epochs[epoch].loss == doctest::Approx(sum / 50).epsilon(1e-12));
    }
}

TEST_CASE("one step of gradient descent subtracts the gradient") {
    // One batch, so that both see the same rows; a learning rate of 1 multiplies exactly.
    auto net = make_network<double>({5, 20, 3}, Activation::kTanh, Loss::kCrossEntropy);
    const TestData<double> data(net, 60, TargetKind::kLabels, true);
    std::vector<double> gradient(static_cast<std::size_t>(net.num_parameters()));
    const double loss = gradients(net, data.all(), gradient.data(), 1);
    const std::vector<double> before = parameters_of(net);
    FitOptions options = fit_options(1, 1000, sgd(1));
    options.shuffle = false;
    const FitResult result = fit_quietly(net, data.all(), options);
    // Losses and gradients are sums over 60 rows of numbers below 2 in size, in another order.
    CHECK(std::fabs(result.epochs.at(0).loss - loss) <= gamma<double>(61) * 2);
    double worst = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const double got = net.parameters()[i];
        worst = std::max(worst, excess(got, before[i] - gradient[i], gamma<double>(61) * 2));
    }
    CHECK(worst <= 1);
    CHECK_FALSE(same_bits(before, parameters_of(net)));
}

TEST_CASE_TEMPLATE("training lowers the loss of what can be learned", T, float, double) {
    auto net = make_network<T>({2, 32, 1}, Activation::kRelu, Loss::kMse);
    TestData<T> data(net, 1000, TargetKind::kValues, false);
    for (std::size_t r = 0; r < data.values.size(); ++r) {
        data.values[r] = std::fabs(data.x[2 * r]) - data.x[2 * r + 1];  // relu can be exact here
    }
    OptimizerSpec adam;
    adam.learning_rate = 1e-2;
    const double before = evaluate(net, data.all(), 1).loss;
    const FitResult result = fit_quietly(net, data.all(), fit_options(20, 50, adam));
    CHECK(result.end == FitEnd::kDone);
    CHECK(result.epochs.size() == 20);
    CHECK(evaluate(net, data.all(), 1).loss < before / 100);
}

TEST_CASE("epochs are shuffled by seed and number") {
    const auto start = make_network<double>({3, 8, 1}, Activation::kTanh, Loss::kMse);
    const TestData<double> data(start, 40, TargetKind::kValues, false);
    const auto trained = [&](bool shuffle, std::uint64_t seed, index_t first_epoch) {
        auto net = make_network<double>({3, 8, 1}, Activation::kTanh, Loss::kMse);
        fit_quietly(net, data.all(), {1, 8, shuffle, seed, first_epoch, 1, sgd(0.1), {}, 1});
        return parameters_of(net);
    };
    CHECK_FALSE(same_bits(trained(true, 1, 0), trained(true, 2, 0)));
    CHECK_FALSE(same_bits(trained(true, 1, 0), trained(true, 1, 1)));
    CHECK_FALSE(same_bits(trained(true, 1, 0), trained(false, 1, 0)));
    CHECK(same_bits(trained(false, 1, 0), trained(false, 2, 7)));
}

TEST_CASE_TEMPLATE("two fits in a row are one fit of both", T, float, double) {
    // Without an optimizer's state, that is; and so all working copies of the weights are up to
    // date after every step. Several weight tiles a layer.
    const std::vector<index_t> sizes = {3, 70, 75, 2};
    auto once = make_network<T>(sizes, Activation::kTanh, Loss::kMse);
    auto twice = make_network<T>(sizes, Activation::kTanh, Loss::kMse);
    const TestData<T> data(once, 40, TargetKind::kValues, false);
    fit_quietly(once, data.all(), {2, 8, true, 1, 0, 1, sgd(0.1), {}, 1});
    fit_quietly(twice, data.all(), {1, 8, true, 1, 0, 1, sgd(0.1), {}, 1});
    fit_quietly(twice, data.all(), {1, 8, true, 1, 1, 1, sgd(0.1), {}, 1});
    CHECK(same_bits(parameters_of(once), parameters_of(twice)));
}

TEST_CASE_TEMPLATE("a fit owes nothing to the one before it", T, float, double) {
    for (const std::vector<index_t>& sizes : {std::vector<index_t>{3, 70, 75, 2}, {3, 300, 2}}) {
        const auto start = make_network<T>(sizes, Activation::kTanh, Loss::kMse);
        const TestData<T> data(start, 40, TargetKind::kValues, false);
        const TestData<T> weighted(start, 40, TargetKind::kValues, true);
        const auto reset = [&](Network<T>& net) {
            std::copy_n(start.parameters(), start.num_parameters(), net.parameters());
        };
        const OptimizerSpec too_fast = sgd(static_cast<double>(std::numeric_limits<T>::max()) / 10);
        const FitOptions options = fit_options(3, 8, {});
        auto fresh = make_network<T>(sizes, Activation::kTanh, Loss::kMse);
        fit_quietly(fresh, data.all(), options);

        auto net = make_network<T>(sizes, Activation::kTanh, Loss::kMse);
        Training<T> training;
        Recorder<T> observer(net);
        const auto fit_again = [&](const Dataset<T>& rows, const FitOptions& others) {
            reset(net);
            return fit<T>(net, training, rows, nullptr, others, observer).end;
        };
        CHECK(fit_again(data.all(), options) == FitEnd::kDone);
        CHECK(same_bits(parameters_of(fresh), parameters_of(net)));
        CHECK(fit_again(data.all(), options) == FitEnd::kDone);
        CHECK(same_bits(parameters_of(fresh), parameters_of(net)));
        CHECK(fit_again(data.all(), fit_options(2, 5, sgd(0.1))) == FitEnd::kDone);
        CHECK(fit_again(weighted.all(), options) == FitEnd::kDone);
        CHECK_FALSE(same_bits(parameters_of(fresh), parameters_of(net)));
        CHECK(fit_again(data.all(), fit_options(1, 8, too_fast)) == FitEnd::kDiverged);
        CHECK(fit_again(data.all(), options) == FitEnd::kDone);
        CHECK(same_bits(parameters_of(fresh), parameters_of(net)));
    }
}

TEST_CASE("optimizers go on from epoch to epoch") {
    // Two epochs are one epoch of the rows twice: the number of the step and the state go on.
    OptimizerSpec momentum = sgd(0.1);
    momentum.momentum = 0.9;
    for (const OptimizerSpec& optimizer : {OptimizerSpec{}, momentum}) {
        auto epochs = make_network<double>({3, 8, 1}, Activation::kTanh, Loss::kMse);
        auto rows = make_network<double>({3, 8, 1}, Activation::kTanh, Loss::kMse);
        TestData<double> data(epochs, 40, TargetKind::kValues, false), doubled(data);
        doubled.x.insert(doubled.x.end(), data.x.begin(), data.x.end());
        doubled.values.insert(doubled.values.end(), data.values.begin(), data.values.end());
        fit_quietly(epochs, data.all(), {2, 8, false, 0, 0, 1, optimizer, {}, 1});
        fit_quietly(rows, doubled.all(), {1, 8, false, 0, 0, 1, optimizer, {}, 1});
        CHECK(same_bits(parameters_of(epochs), parameters_of(rows)));
    }
}

TEST_CASE("an epoch sees every row once") {
    // With identity and no input but 0, one output's bias moves by the mean of its batch's errors:
    // a step of one row each, with the learning rate so small that w stays 0 to rounding.
    Network<double> net({{1, 1}, {Activation::kIdentity}, Loss::kMse});
    constexpr index_t kRows = 37;
    std::vector<double> x(kRows, 0.0), y;
    double sum = 0;
    for (index_t r = 0; r < kRows; ++r) {
        y.push_back(static_cast<double>(index_t{1} << r));
        sum += y.back();
    }
    const Dataset<double> data{input_matrix(x, 1), {nullptr, y.data(), 1, nullptr}};
    constexpr double kRate = 0x1p-80;
    fit_quietly(net, data, fit_options(1, 1, sgd(kRate)));
    // Each step adds 2 y rate. Sums of distinct powers of two tell which rows there were.
    CHECK(net.parameters()[1] == 2 * kRate * sum);
}

TEST_CASE("evaluation takes weighted means") {
    Network<double> net({{1, 1}, {Activation::kIdentity}, Loss::kMse});
    net.parameters()[0] = 2;  // y = 2 x + 1
    net.parameters()[1] = 1;
    const std::vector<double> x = {0, 1, 2}, y = {0, 3, 7}, weights = {2, 5, 1};  // errors 1, 0, 2
    const InputMatrix input = input_matrix(x, 1);
    const Evaluation plain = evaluate<double>(net, {input, {nullptr, y.data(), 1, nullptr}}, 1);
    CHECK(plain.loss == doctest::Approx(5.0 / 3));
    CHECK(plain.metric == doctest::Approx(std::sqrt(5.0 / 3)));
    const Evaluation weighted =
        evaluate<double>(net, {input, {nullptr, y.data(), 1, weights.data()}}, 1);
    CHECK(weighted.loss == doctest::Approx((2 * 1 + 1 * 4) / 8.0));
    CHECK(weighted.metric == doctest::Approx(std::sqrt(6 / 8.0)));
}

TEST_CASE_TEMPLATE("evaluation has the same bits on any number of threads", T, float, double) {
    const ManyThreads many;
    const auto net = make_network<T>({19, 100, 100, 4}, Activation::kRelu, Loss::kCrossEntropy);
    constexpr index_t kRows = 1100;
    REQUIRE(useful_threads(predict_nanoseconds(net, kRows), 5) == 5);
    const TestData<T> data(net, kRows, TargetKind::kLabels, true);
    const Evaluation one = evaluate(net, data.all(), 1);
    for (const index_t threads : {2, 5}) {
        const Evaluation more = evaluate(net, data.all(), threads);
        CHECK(more.loss == one.loss);
        CHECK(more.metric == one.metric);
    }
}
