// Fits that are told more of their rows: the order they come in, penalties by the sum of their
// weights, and where they lie in a sparse matrix. On the default instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/dispatch.h"
#include "nn/predict.h"
#include "train/evaluate.h"
#include "train/gradients.h"
#include "train/plan.h"
#include "fit_support.h"

using namespace briskmlp;

namespace {

// A way of training for each kind of plan.
struct Regime {
    std::vector<index_t> sizes;
    index_t rows, batch_size;
    PlanKind plan;  // what it is to be
};
const std::vector<Regime> kRegimes = {{{128, 600, 600, 3}, 500, 450, PlanKind::kTwoPhase},
                                      {{4, 24, 24, 2}, 7000, 6000, PlanKind::kChunked},
                                      {{64, 60, 10}, 333, 32, PlanKind::kSharded}};

// Gives each epoch an order of its own.
class Director final : public Recorder<double> {
  public:
    Director(const Network<double>& net, std::vector<std::vector<std::uint32_t>> orders)
        : Recorder<double>(net), orders_(std::move(orders)) {}

    const std::uint32_t* order(index_t epoch, index_t rows) override {
        const std::vector<std::uint32_t>& numbers = orders_[static_cast<std::size_t>(epoch)];
        CHECK(static_cast<index_t>(numbers.size()) == rows);
        return numbers.data();
    }

  private:
    std::vector<std::vector<std::uint32_t>> orders_;
};

// Rows of `data` in another order, or some of them several times.
TestData<double> rearranged(const TestData<double>& data, const std::vector<std::uint32_t>& order) {
    TestData<double> result = data;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const index_t from = order[i], to = static_cast<index_t>(i);
        std::copy_n(data.x.begin() + from * data.inputs, data.inputs,
                    result.x.begin() + to * data.inputs);
        std::copy_n(data.values.begin() + from * data.cols, data.cols,
                    result.values.begin() + to * data.cols);
        result.weights[i] = data.weights[order[i]];
    }
    return result;
}

// Sums of squares of a network's weights, without its biases.
template <class T>
double sum_of_squares(const Network<T>& net, const std::vector<T>& parameters) {
    double sum = 0;
    for (const Layer& layer : net.layers()) {
        for (index_t i = 0; i < layer.in * layer.out; ++i) {
            const auto w =
                static_cast<double>(parameters[static_cast<std::size_t>(layer.offset + i)]);
            sum += w * w;
        }
    }
    return sum;
}

}  // namespace

TEST_CASE("an epoch takes the rows that it is given, in their order") {
    const ManyThreads many;
    const auto start = make_network<double>({5, 33, 41, 2}, Activation::kTanh, Loss::kMse);
    const TestData<double> data(start, 100, TargetKind::kValues, true);
    std::vector<std::vector<std::uint32_t>> orders(2, std::vector<std::uint32_t>(100));
    std::iota(orders[0].rbegin(), orders[0].rend(), 0u);
    std::fill(orders[1].begin(), orders[1].end(), 99u);  // a row may come more than once
    orders[1][3] = 0;
    // Plain gradient descent keeps nothing from one fit to the next.
    auto expected = make_network<double>({5, 33, 41, 2}, Activation::kTanh, Loss::kMse);
    for (const std::vector<std::uint32_t>& order : orders) {
        FitOptions options = fit_options(1, 16, sgd(0.1));
        options.shuffle = false;
        fit_quietly(expected, rearranged(data, order).all(), options);
    }
    for (const index_t threads : {1, 2, 5}) {
        auto net = make_network<double>({5, 33, 41, 2}, Activation::kTanh, Loss::kMse);
        Director director(net, orders);
        FitOptions options = fit_options(2, 16, sgd(0.1));
        options.threads = threads;
        fit_observed<double>(net, data.all(), nullptr, options, director);
        CHECK(same_bits(parameters_of(net), parameters_of(expected)));
    }
}

TEST_CASE("the decay of a sum is divided by the weights of the batch's rows") {
    auto net = make_network<double>({5, 20, 3}, Activation::kTanh, Loss::kMse);
    const TestData<double> data(net, 60, TargetKind::kValues, true);
    const std::vector<double> before = parameters_of(net);
    std::vector<double> gradient(before.size());
    gradients(net, data.all(), gradient.data(), 1);
    OptimizerSpec optimizer = sgd(1);
    optimizer.row_decay = 3;
    optimizer.decay_biases = false;
    FitOptions options = fit_options(1, 60, optimizer);
    options.gradient_factor = 2;
    fit_quietly(net, data.all(), options);
    const double sum = std::accumulate(data.weights.begin(), data.weights.end(), 0.0);
    double worst = 0;
    for (const Layer& layer : net.layers()) {
        for (index_t i = 0; i < (layer.in + 1) * layer.out; ++i) {
            const auto at = static_cast<std::size_t>(layer.offset + i);
            const double decay = i < layer.in * layer.out ? 3 * before[at] / sum : 0;
            const double got = net.parameters()[at];
            worst = std::max(
                worst, excess(got, before[at] - 2 * gradient[at] - decay, gamma<double>(61) * 4));
        }
    }
    CHECK(worst <= 1);
}

TEST_CASE_TEMPLATE("the penalty is that of the weights before each step", T, float, double) {
    const ManyThreads many;
    for (const Regime& t : kRegimes) {
        CAPTURE(plan_name(t.plan));
        const auto start = make_network<T>(t.sizes, Activation::kRelu, Loss::kMse);
        REQUIRE(make_plan(start, kernels<T>(), t.batch_size).kind == t.plan);
        const TestData<T> data(start, t.rows, TargetKind::kValues, true);
        OptimizerSpec optimizer = sgd(0.125);
        optimizer.row_decay = 0.5;
        optimizer.decay_biases = false;
        FitOptions options = fit_options(3, t.batch_size, optimizer);
        options.penalty = true;
        options.shuffle = false;
        std::vector<double> first;
        for (const index_t threads : {1, 2, 5}) {
            auto net = make_network<T>(t.sizes, Activation::kRelu, Loss::kMse);
            options.threads = threads;
            Recorder<T> observer(net);
            const Dataset<T> all = data.all();
            const FitResult result = fit_observed<T>(net, all, nullptr, options, observer);
            std::vector<double> penalties;
            for (const EpochReport& report : result.epochs) {
                penalties.push_back(report.penalty);
            }
            first = threads == 1 ? penalties : first;
            CHECK(same_bits(penalties, first));
        }
        // The first epoch again, a batch at a time.
        auto net = make_network<T>(t.sizes, Activation::kRelu, Loss::kMse);
        options.epochs = 1;
        double expected = 0;
        for (index_t row = 0; row < t.rows; row += t.batch_size) {
            const Dataset<T> batch = data.rows(row, std::min(t.batch_size, t.rows - row));
            double sum = 0;
            for (index_t r = 0; r < batch.x.rows; ++r) {
                sum += static_cast<double>(batch.y.weights[r]);
            }
            expected += 0.25 * sum_of_squares(net, parameters_of(net)) / sum *
                        static_cast<double>(batch.x.rows) / static_cast<double>(t.rows);
            fit_quietly(net, batch, options);
        }
        // A sum of squares in T along a tile's row, of weights that differ by other sums' orders.
        CHECK(std::fabs(first.at(0) - expected) <= gamma<T>(1000) * expected);
        CHECK(first.at(0) > 0);
        CHECK(first.at(1) != first.at(0));
    }
}

TEST_CASE_TEMPLATE("sparse rows give the bits that dense ones give", T, float, double) {
    std::vector<Regime> regimes = kRegimes;
    // Few rows beside the inputs: the first layer's gradient is found by columns. Of the second,
    // chunks have several tiles.
    regimes.push_back({{300, 20}, 500, 300, PlanKind::kChunked});
    regimes.push_back({{400, 20}, 2600, 2500, PlanKind::kChunked});
    for (const Regime& t : regimes) {
        CAPTURE(plan_name(t.plan));
        const auto start = make_network<T>(t.sizes, Activation::kRelu, Loss::kMse);
        REQUIRE(make_plan(start, kernels<T>(), t.batch_size).kind == t.plan);
        TestData<T> data(start, t.rows, TargetKind::kValues, false);
        for (std::size_t i = 1; i < data.x.size(); ++i) {
            data.x[i] =
                i % 3 == 0 || i / static_cast<std::size_t>(data.inputs) == 2 ? T(0) : data.x[i];
        }
        const Sparse<T> sparse(data.x, data.inputs);
        REQUIRE(suits_sparse(kernels<T>(), sparse.matrix(), t.sizes[1]));
        const auto numbers = [&](bool is_sparse) {
            auto net = make_network<T>(t.sizes, Activation::kRelu, Loss::kMse);
            Dataset<T> all = data.all();
            all.x = is_sparse ? sparse.matrix() : all.x;
            const FitResult fitted = fit_quietly(net, all, fit_options(2, t.batch_size, {}));
            std::vector<double> result(net.parameters(), net.parameters() + net.num_parameters());
            std::vector<T> out(static_cast<std::size_t>(t.rows * net.outputs()));
            predict(net, all.x, Output::kTarget, out.data(), 2);
            result.insert(result.end(), out.begin(), out.end());
            const Evaluation evaluation = evaluate(net, all, 2);
            result.insert(result.end(),
                          {fitted.epochs.at(1).loss, evaluation.loss, evaluation.metric});
            return result;
        };
        CHECK(same_bits(numbers(true), numbers(false)));
    }
}
