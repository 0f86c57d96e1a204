// How fits end before their time: parameters are whole, and those that were promised.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "train/evaluate.h"
#include "fit_support.h"

using namespace briskmlp;

namespace {

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

}  // namespace

TEST_CASE("an observer stops a fit after an epoch") {
    auto net = make_network<float>({3, 8, 1}, Activation::kRelu, Loss::kMse);
    const TestData<float> data(net, 50, TargetKind::kValues, false);
    const TestData<float> eval(net, 20, TargetKind::kValues, true, 77);
    const Dataset<float> eval_set = eval.all();
    Recorder<float> observer(net);
    observer.stop_after = 2;
    const FitResult result =
        fit_observed<float>(net, data.all(), &eval_set, fit_options(9, 16, {}), observer);
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
    const FitResult result = fit_observed<float>(net, data.all(), nullptr, options, observer);
    CHECK(result.end == FitEnd::kInterrupted);
    CHECK(finite(parameters_of(net)));

    // Again, as far as it came: whole epochs, then the finished steps of the last.
    auto again = make_network<float>({16, 64, 64, 4}, Activation::kTanh, Loss::kCrossEntropy);
    if (result.epoch > 1) {
        options.epochs = result.epoch - 1;
        fit_quietly(again, data.all(), options);
    }
    if (result.batches_done > 0) {
        options.epochs = 1;
        fit_quietly(again, data.rows(0, std::min<index_t>(2000, 32 * result.batches_done)),
                    options);
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
        fit_observed<float>(net, data.all(), nullptr, fit_options(1000000, 32, {}), observer),
        "interrupted", std::runtime_error);
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
    const FitResult result = fit_observed<float>(net, data, nullptr, options, observer);
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
    fit_observed<double>(net, data.all(), nullptr, fit_options(3, 10, sgd(0)), zeroing);
    CHECK(same_bits(zeros, parameters_of(net)));

    // Huge ones diverge. The loss fell until then, so that the third epoch's was the lowest; it
    // began with what the second left.
    net.initialize(1, Initializer::kAuto);
    Changer<double> spoiling(&net, 3, 1e300);
    const FitResult result =
        fit_observed<double>(net, data.all(), nullptr, fit_options(9, 10, sgd(0.01)), spoiling);
    CHECK(result.end == FitEnd::kDiverged);
    CHECK(result.epoch == 4);
    REQUIRE(result.epochs.size() == 3);
    REQUIRE(result.epochs[1].loss < result.epochs[0].loss);
    REQUIRE(result.epochs[2].loss < result.epochs[1].loss);
    CHECK(same_bits(spoiling.after_epochs.at(1), parameters_of(net)));
}
