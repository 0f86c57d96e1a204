// Gradients against central differences, for every activation and every loss, and the same bits
// whatever the number of threads. It runs on the default instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "nn/predict.h"
#include "train/evaluate.h"
#include "train/gradients.h"
#include "train/minibatch.h"
#include "support.h"

using namespace briskmlp;

namespace {

using Values = std::vector<double>;

// A network whose activations are far from their kinks for inputs in [-1, 1]: biases are 1 and -1
// in turn, and what the weights add stays below 0.9.
Network<double> kinkless_network(const std::vector<index_t>& sizes, Activation hidden,
                                 Activation output, const LossSpec& loss, Norm norm = Norm::kNone,
                                 bool residual = false) {
    std::vector<Activation> activations(sizes.size() - 1, hidden);
    activations.back() = output;
    Network<double> net({sizes, activations, loss, norm, residual});
    std::uint64_t seed = 50;
    for (const Layer& layer : net.layers()) {
        const double limit = 0.5 / static_cast<double>(layer.in);
        const Values w = random_values<double>(layer.in * layer.out, seed++, -limit, limit);
        double* const bias = std::copy(w.begin(), w.end(), net.parameters() + layer.offset);
        for (index_t j = 0; j < layer.out; ++j) {
            bias[j] = j % 2 == 0 ? 1 : -1;
        }
    }
    return net;
}

// A derivative of f by central differences, and how far off it may be.
struct Derivative {
    double value, error;
};

// With Richardson's extrapolation, whose error is below the correction that it makes. On top comes
// rounding: f makes at most `roundings` in a row, each of a number that changes f by less than 64
// times as much (outputs are below 2, so that 1 / variance is below 7 and an error below 3).
template <class F>
Derivative differentiate(double* x, double roundings, F f) {
    constexpr double kStep = 1e-4;
    const double origin = *x;
    const auto at = [&](double step) {
        *x = origin + step;
        return f();
    };
    const double near = (at(kStep) - at(-kStep)) / (2 * kStep);
    const double far = (at(2 * kStep) - at(-2 * kStep)) / (4 * kStep);
    *x = origin;
    return {near + (near - far) / 3, std::fabs(near - far) + gamma<double>(roundings) * 64 / kStep};
}

double roundings(const Network<double>& net) {
    const std::vector<index_t>& sizes = net.spec().sizes;
    return static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), index_t{30}));
}

// The worst of every `every`-th parameter's gradients.
double worst_gradient(Network<double>& net, const Dataset<double>& data, index_t every = 1) {
    Values gradient(static_cast<std::size_t>(net.num_parameters()));
    const double loss = gradients(net, data, gradient.data(), 1);
    CHECK(loss == doctest::Approx(evaluate(net, data, 1).loss).epsilon(1e-12));
    double worst = 0;
    for (index_t i = 0; i < net.num_parameters(); i += every) {
        const Derivative d = differentiate(net.parameters() + i, roundings(net),
                                           [&] { return evaluate(net, data, 1).loss; });
        worst = std::max(worst, excess(gradient[static_cast<std::size_t>(i)], d.value, d.error));
    }
    return worst;
}

// The gradient of one minibatch by the phases of `plan`, on one thread.
Values batch_gradient(const Network<double>& net, const Dataset<double>& data, const Plan& plan) {
    const KernelTable<double>& table = kernels<double>();
    Weights<double> weights(net, table, whole_layers(net.layers()), false, OptimizerNeeds{});
    weights.load(kSoleWorker, net);
    Minibatch<double> minibatch(net, table, weights, plan, data.x.rows, data.y, 1,
                                MinibatchNeeds{});
    std::vector<std::uint32_t> order(static_cast<std::size_t>(data.x.rows));
    std::iota(order.begin(), order.end(), 0u);
    const Batch<double> batch(data, order.data(), data.x.rows);
    Values gradient(static_cast<std::size_t>(net.num_parameters()));
    parallel(1, [&](const Worker& worker) {
        minibatch.run_rows(worker, batch, nullptr);
        minibatch.for_each_weight_tile(worker, batch, [&](const Block& tile, auto g) {
            const Layer& layer = net.layers()[tile.layer];
            for (index_t r = 0; r < tile.rows; ++r) {
                std::copy_n(
                    g.row(r), tile.cols,
                    gradient.begin() + layer.offset + (tile.row + r) * layer.out + tile.col);
            }
        });
    });
    return gradient;
}

// Those without a step in their derivative.
const LossSpec kLosses[] = {Loss::kMse,
                            {Loss::kHuber, {0.5}},
                            Loss::kLogCosh,
                            Loss::kCrossEntropy,
                            {Loss::kCrossEntropy, {0.1}},
                            {Loss::kFocal, {2}},
                            Loss::kBinaryCrossEntropy,
                            Loss::kGaussianNll,
                            Loss::kPoisson,
                            Loss::kGamma,
                            {Loss::kTweedie, {1.5}}};

TargetKind target_kind(const LossSpec& loss) {
    return loss.kind == Loss::kFocal ? TargetKind::kLabels : TargetKind::kValues;
}

}  // namespace

TEST_CASE("gradients agree with central differences for every activation and loss") {
    for (int kind = 0; kind < kActivationCount; ++kind) {
        const auto activation = static_cast<Activation>(kind);
        for (const LossSpec& loss : kLosses) {
            CAPTURE(std::string(activation_info(activation).name));
            CAPTURE(std::string(loss.info().name));
            auto net = kinkless_network({3, 6, 5, 4}, activation, Activation::kIdentity, loss);
            for (const bool weighted : {false, true}) {
                const TestData<double> data(net, 7, target_kind(loss), weighted);
                CHECK(worst_gradient(net, data.all()) <= 1);
            }
            if (loss.kind == Loss::kCrossEntropy) {
                const TestData<double> data(net, 7, TargetKind::kLabels, true);
                CHECK(worst_gradient(net, data.all()) <= 1);
            }
        }
        auto net = kinkless_network({3, 6, 5}, activation, activation, Loss::kMse);
        const TestData<double> data(net, 7, TargetKind::kValues, false);
        CHECK(worst_gradient(net, data.all()) <= 1);
    }
}

TEST_CASE("gradients agree with central differences over many rows and odd widths") {
    const std::vector<std::vector<index_t>> sizes = {
        {7, 33, 20, 4}, {1, 17, 2}, {40, 1, 16, 31, 4}};
    for (const std::vector<index_t>& s : sizes) {
        for (const Activation activation :
             {Activation::kRelu, Activation::kGelu, Activation::kTanh}) {
            for (const LossSpec& loss : kLosses) {
                auto net = kinkless_network(s, activation, Activation::kIdentity, loss);
                const TestData<double> data(net, 150, target_kind(loss), true);  // two row tiles
                CAPTURE(std::string(loss.info().name));
                CHECK(worst_gradient(net, data.all(), 1 + net.num_parameters() / 12) <= 1);
            }
        }
    }
}

// Without a norm the sums grow from layer to layer, and only smooth activations stay free of kinks.
TEST_CASE("gradients agree with central differences through norms and residual connections") {
    for (const Norm norm : {Norm::kNone, Norm::kLayer}) {
        for (const bool residual : {false, true}) {
            for (const Activation activation :
                 {Activation::kRelu, Activation::kGelu, Activation::kTanh}) {
                if (norm == Norm::kNone && activation == Activation::kRelu) {
                    continue;
                }
                for (const std::vector<index_t>& sizes :
                     {std::vector<index_t>{3, 5, 5, 5, 4}, {7, 33, 33, 6, 6, 2}}) {
                    CAPTURE(sizes.size());
                    auto net = kinkless_network(sizes, activation, Activation::kIdentity,
                                                Loss::kMse, norm, residual);
                    const TestData<double> data(net, 150, TargetKind::kValues, true);
                    CHECK(worst_gradient(net, data.all(), 1 + net.num_parameters() / 60) <= 1);
                }
            }
        }
    }
}

TEST_CASE("backward agrees with central differences of parameters and inputs") {
    for (int kind = 0; kind < kActivationCount; ++kind) {
        CAPTURE(kind);
        const auto activation = static_cast<Activation>(kind);
        constexpr index_t kRows = 150, kIn = 5, kOut = 3;
        auto net = kinkless_network({kIn, 18, 7, kOut}, activation, activation, Loss::kMse);
        Values x = random_values<double>(kRows * kIn, 1);
        const Values d_y = random_values<double>(kRows * kOut, 2, -1.0 / kRows, 1.0 / kRows);
        const InputMatrix input = input_matrix(x, kIn);
        Values gradient(static_cast<std::size_t>(net.num_parameters())), d_x(x.size());
        backward(net, input, d_y.data(), gradient.data(), d_x.data(), 1);

        Values y(d_y.size());
        const auto objective = [&] {
            predict(net, input, Output::kRaw, y.data(), 1);
            return std::inner_product(y.begin(), y.end(), d_y.begin(), 0.0);
        };
        const double rounded = roundings(net) + kRows * kOut;
        double worst = 0;
        for (index_t i = 0; i < net.num_parameters(); i += 7) {
            const Derivative d = differentiate(net.parameters() + i, rounded, objective);
            worst =
                std::max(worst, excess(gradient[static_cast<std::size_t>(i)], d.value, d.error));
        }
        for (std::size_t i = 0; i < x.size(); i += 11) {
            const Derivative d = differentiate(x.data() + i, rounded, objective);
            worst = std::max(worst, excess(d_x[i], d.value, d.error));
        }
        CHECK(worst <= 1);

        Values alone(gradient.size());
        backward<double>(net, input, d_y.data(), alone.data(), nullptr, 1);
        CHECK(same_bits(alone, gradient));
    }
}

TEST_CASE("a label is a row with a one") {
    const auto net = make_network<double>({9, 20, 5}, Activation::kTanh, Loss::kCrossEntropy);
    TestData<double> labels(net, 200, TargetKind::kLabels, true), rows(labels);
    rows.values.assign(200 * 5, 0.0);
    for (std::size_t r = 0; r < 200; ++r) {
        rows.values[r * 5 + static_cast<std::size_t>(labels.labels[r])] = 1;
    }
    rows.labels.clear();
    Values of_labels(static_cast<std::size_t>(net.num_parameters())), of_rows(of_labels.size());
    const double loss = gradients(net, labels.all(), of_labels.data(), 1);
    // Both kernels take the logarithm of the same sum; adding it up differs by a few roundings.
    CHECK(std::fabs(gradients(net, rows.all(), of_rows.data(), 1) - loss) <=
          gamma<double>(8) * loss);
    CHECK(same_bits(of_labels, of_rows));
    CHECK(evaluate(net, labels.all(), 1).metric == evaluate(net, rows.all(), 1).metric);
}

TEST_CASE("both plans and the sum over single rows give one gradient") {
    constexpr index_t kRows = 2300;  // so many that some chunks have two tiles
    for (const Activation activation : {Activation::kTanh, Activation::kGelu}) {
        const auto net = make_network<double>({9, 40, 33, 3}, activation, Loss::kCrossEntropy);
        const TestData<double> data(net, kRows, TargetKind::kLabels, false);
        const Plan chunked = make_plan(net, kernels<double>(), kRows, PlanKind::kChunked);
        REQUIRE(chunked.cut(kRows).tiles > chunked.cut(kRows).chunks);
        const Plan two_phase = make_plan(net, kernels<double>(), kRows, PlanKind::kTwoPhase);
        const Values a = batch_gradient(net, data.all(), two_phase);
        const Values b = batch_gradient(net, data.all(), chunked);

        Values sum(a.size()), magnitude(a.size()), row(a.size());
        for (index_t r = 0; r < kRows; ++r) {
            gradients(net, data.rows(r, 1), row.data(), 1);
            for (std::size_t i = 0; i < row.size(); ++i) {
                sum[i] += row[i] / kRows;
                magnitude[i] += std::fabs(row[i]) / kRows;
            }
        }
        // Each is the sum of kRows numbers in some order; the gradients that go into them were
        // scaled by 1 / kRows before their way back through the layers or, in the rows' sum, after.
        double worst = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const double allowed = gamma<double>(kRows + 1) * magnitude[i];
            worst = std::max({worst, excess(a[i], b[i], allowed), excess(a[i], sum[i], allowed)});
        }
        CHECK(worst <= 1);
    }
}

TEST_CASE_TEMPLATE("gradients have the same bits on any number of threads", T, float, double) {
    const ManyThreads many;
    const auto net = make_network<T>({19, 70, 50, 4}, Activation::kSilu, Loss::kMse);
    constexpr index_t kRows = 917;
    const Plan plan = make_plan(net, kernels<T>(), kRows, PlanKind::kChunked);
    REQUIRE(useful_threads(plan.cost.nanoseconds, 5) == 5);
    const TestData<T> data(net, kRows, TargetKind::kValues, true);
    const auto all = [&](index_t threads) {
        std::vector<T> result(static_cast<std::size_t>(2 * net.num_parameters() + kRows * 19 + 1));
        T* const of_loss = result.data();
        T* const of_outputs = of_loss + net.num_parameters();
        T* const d_x = of_outputs + net.num_parameters();
        result.back() = static_cast<T>(gradients(net, data.all(), of_loss, threads));
        backward(net, data.all().x, data.values.data(), of_outputs, d_x, threads);
        return result;
    };
    const std::vector<T> one = all(1);
    CHECK(same_bits(one, all(2)));
    CHECK(same_bits(one, all(5)));
}
