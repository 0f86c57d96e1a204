// The training loop: the same bits on any number of threads, and parameters that are whole however
// it ends. It runs on the default instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "kernels/dispatch.h"
#include "nn/predict.h"
#include "train/evaluate.h"
#include "train/fit.h"
#include "train/gradients.h"
#include "train/plan.h"
#include "train/team.h"
#include "support.h"

using namespace briskmlp;

namespace {

// Records the parameters after every epoch, and stops where it is told to.
template <class T>
class Recorder : public FitObserver {
  public:
    explicit Recorder(const Network<T>& net) : net_(&net) {}

    bool epoch_done(const EpochReport& report) override {
        after_epochs.push_back(parameters_of(*net_));
        return report.epoch == stop_after;
    }
    bool interrupted() override {
        if (throw_at_once) {
            throw std::runtime_error("interrupted");
        }
        return interrupt;
    }

    index_t stop_after = -1;
    bool interrupt = false, throw_at_once = false;
    std::vector<std::vector<T>> after_epochs;

  private:
    const Network<T>* net_;
};

// Sets all parameters to one value after one epoch.
template <class T>
class Changer final : public Recorder<T> {
  public:
    Changer(Network<T>* net, index_t epoch, T value)
        : Recorder<T>(*net), net_(net), epoch_(epoch), value_(value) {}

    bool epoch_done(const EpochReport& report) override {
        const bool stop = Recorder<T>::epoch_done(report);
        if (report.epoch == epoch_) {
            std::fill_n(net_->parameters(), net_->num_parameters(), value_);
        }
        return stop;
    }

  private:
    Network<T>* net_;
    index_t epoch_;
    T value_;
};

OptimizerSpec sgd(double learning_rate) {
    OptimizerSpec spec;
    spec.kind = OptimizerKind::kSgd;
    spec.learning_rate = learning_rate;
    return spec;
}

FitOptions fit_options(index_t epochs, index_t batch_size, OptimizerSpec optimizer) {
    return {epochs, batch_size, true, 3, 0, optimizer, 1};
}

template <class T>
FitResult fit_quietly(Network<T>& net, const Dataset<T>& data, const FitOptions& options) {
    Recorder<T> observer(net);
    return fit<T>(net, data, nullptr, options, observer);
}

template <class T>
bool finite(const std::vector<T>& values) {
    return std::all_of(values.begin(), values.end(), [](T x) { return std::isfinite(x); });
}

// One way of training whose bits must not depend on threads.
struct Training {
    std::vector<index_t> sizes;
    Loss loss;
    TargetKind targets;
    index_t rows, batch_size;
    PlanKind plan;  // what it is to be
};

}  // namespace

TEST_CASE_TEMPLATE("training gives the same bits on any number of threads", T, float, double) {
    const ManyThreads many;
    const std::vector<Training> trainings = {
        {{2, 2, 1}, Loss::kBinaryCrossEntropy, TargetKind::kValues, 50, 16, PlanKind::kTwoPhase},
        {{90, 10}, Loss::kCrossEntropy, TargetKind::kLabels, 3000, 1100, PlanKind::kChunked},
        {{128, 600, 600, 3}, Loss::kMse, TargetKind::kValues, 500, 450, PlanKind::kTwoPhase},
        {{4, 24, 24, 2}, Loss::kGaussianNll, TargetKind::kValues, 7000, 6000, PlanKind::kChunked},
        {{64, 60, 10}, Loss::kCrossEntropy, TargetKind::kLabels, 333, 32, PlanKind::kSharded},
        {{64, 160, 129, 4}, Loss::kCrossEntropy, TargetKind::kLabels, 333, 128, PlanKind::kSharded},
        {{5, 33, 41, 35, 64, 2}, Loss::kMse, TargetKind::kValues, 333, 128, PlanKind::kSharded},
    };
    for (const Training& t : trainings) {
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
            const FitResult result = fit(net, all, &all, options, observer);
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
        fit_quietly(net, data.all(), {1, 8, shuffle, seed, first_epoch, sgd(0.1), 1});
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
    fit_quietly(once, data.all(), {2, 8, true, 1, 0, sgd(0.1), 1});
    fit_quietly(twice, data.all(), {1, 8, true, 1, 0, sgd(0.1), 1});
    fit_quietly(twice, data.all(), {1, 8, true, 1, 1, sgd(0.1), 1});
    CHECK(same_bits(parameters_of(once), parameters_of(twice)));
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
        fit_quietly(epochs, data.all(), {2, 8, false, 0, 0, optimizer, 1});
        fit_quietly(rows, doubled.all(), {1, 8, false, 0, 0, optimizer, 1});
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

TEST_CASE("an observer stops a fit after an epoch") {
    auto net = make_network<float>({3, 8, 1}, Activation::kRelu, Loss::kMse);
    const TestData<float> data(net, 50, TargetKind::kValues, false);
    const TestData<float> eval(net, 20, TargetKind::kValues, true, 77);
    const Dataset<float> eval_set = eval.all();
    Recorder<float> observer(net);
    observer.stop_after = 2;
    const FitResult result = fit(net, data.all(), &eval_set, fit_options(9, 16, {}), observer);
    CHECK(result.end == FitEnd::kStopped);
    CHECK(result.epoch == 2);
    CHECK(result.step == 4);
    REQUIRE(result.epochs.size() == 2);
    CHECK(result.epochs[1].epoch == 2);
    CHECK(same_bits(observer.after_epochs.at(1), parameters_of(net)));
    CHECK_FALSE(same_bits(observer.after_epochs.at(0), parameters_of(net)));
    const Evaluation last = evaluate(net, eval_set, 1);
    CHECK(result.epochs[1].eval_loss == last.loss);
    CHECK(result.epochs[1].eval_metric == last.metric);
}

TEST_CASE("an interruption leaves the parameters of the last finished step") {
    auto net = make_network<float>({16, 64, 64, 4}, Activation::kTanh, Loss::kCrossEntropy);
    const TestData<float> data(net, 2000, TargetKind::kLabels, false);
    FitOptions options = fit_options(1000000, 32, sgd(0.01));
    options.shuffle = false;
    Recorder<float> observer(net);
    observer.interrupt = true;
    const FitResult result = fit<float>(net, data.all(), nullptr, options, observer);
    CHECK(result.end == FitEnd::kInterrupted);
    CHECK(finite(parameters_of(net)));

    // Again, as far as it came: whole epochs, then the finished steps of the last.
    auto again = make_network<float>({16, 64, 64, 4}, Activation::kTanh, Loss::kCrossEntropy);
    if (result.epoch > 1) {
        options.epochs = result.epoch - 1;
        fit_quietly(again, data.all(), options);
    }
    if (result.step > 1) {
        options.epochs = 1;
        fit_quietly(again, data.rows(0, 32 * (result.step - 1)), options);
    }
    CHECK(same_bits(parameters_of(again), parameters_of(net)));
}

TEST_CASE("an exception of the observer passes on and leaves whole parameters") {
    auto net = make_network<float>({16, 64, 64, 4}, Activation::kTanh, Loss::kCrossEntropy);
    const std::vector<float> before = parameters_of(net);
    const TestData<float> data(net, 2000, TargetKind::kLabels, false);
    Recorder<float> observer(net);
    observer.throw_at_once = true;
    CHECK_THROWS_WITH_AS(
        fit<float>(net, data.all(), nullptr, fit_options(1000000, 32, {}), observer), "interrupted",
        std::runtime_error);
    CHECK(finite(parameters_of(net)));
    CHECK_FALSE(same_bits(before, parameters_of(net)));
    // The team is free again.
    CHECK(fit_quietly(net, data.all(), fit_options(1, 32, {})).end == FitEnd::kDone);
}

TEST_CASE_TEMPLATE("divergence restores the parameters before the fit", T, float, double) {
    auto net = make_network<T>({5, 16, 1}, Activation::kRelu, Loss::kMse);
    const std::vector<T> before = parameters_of(net);
    const TestData<T> data(net, 200, TargetKind::kValues, false);
    const FitResult result = fit_quietly(
        net, data.all(),
        fit_options(5, 20, sgd(static_cast<double>(std::numeric_limits<T>::max()) / 10)));
    CHECK(result.end == FitEnd::kDiverged);
    CHECK(result.epoch == 1);
    CHECK(result.step >= 1);
    CHECK(result.step <= 10);
    CHECK(result.epochs.empty());
    CHECK(same_bits(before, parameters_of(net)));
}

TEST_CASE("divergence restores what the epoch with the lowest loss began with") {
    // A rate beyond 2 / curvature makes a linear model's error grow by a factor in every step.
    Network<float> net({{1, 1}, {Activation::kIdentity}, Loss::kMse});
    const std::vector<float> x = {1, -1, 1, -1}, y = {1, -1, 1, -1};
    const Dataset<float> data{input_matrix(x, 1), {nullptr, y.data(), 1, nullptr}};
    const std::vector<float> before = parameters_of(net);
    Recorder<float> observer(net);
    FitOptions options = fit_options(1000, 4, sgd(50));
    options.shuffle = false;
    const FitResult result = fit<float>(net, data, nullptr, options, observer);
    CHECK(result.end == FitEnd::kDiverged);
    REQUIRE(result.epochs.size() > 3);
    CHECK(result.epoch == static_cast<index_t>(result.epochs.size()) + 1);
    // Each epoch was worse than the one before it: back to the start.
    CHECK(same_bits(before, parameters_of(net)));
}

TEST_CASE("an observer may change the parameters between epochs") {
    auto net = make_network<double>({3, 8, 1}, Activation::kTanh, Loss::kMse);
    const TestData<double> data(net, 40, TargetKind::kValues, false);
    const std::vector<double> zeros(static_cast<std::size_t>(net.num_parameters()), 0.0);
    Changer<double> zeroing(&net, 1, 0.0);
    fit<double>(net, data.all(), nullptr, fit_options(3, 10, sgd(0)), zeroing);
    CHECK(same_bits(zeros, parameters_of(net)));

    // Huge ones diverge. The loss fell until then, so that the third epoch's was the lowest; it
    // began with what the second left.
    net.initialize(1, Initializer::kAuto);
    Changer<double> spoiling(&net, 3, 1e300);
    const FitResult result =
        fit<double>(net, data.all(), nullptr, fit_options(9, 10, sgd(0.01)), spoiling);
    CHECK(result.end == FitEnd::kDiverged);
    CHECK(result.epoch == 4);
    REQUIRE(result.epochs.size() == 3);
    REQUIRE(result.epochs[1].loss < result.epochs[0].loss);
    REQUIRE(result.epochs[2].loss < result.epochs[1].loss);
    CHECK(same_bits(spoiling.after_epochs.at(1), parameters_of(net)));
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
