// Prediction: right, and with the same bits for a row alone, in any batch, on any number of threads
// and from any layout. It runs on the default instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/reference.h"
#include "nn/loss.h"
#include "nn/predict.h"
#include "support.h"

using namespace briskmlp;

namespace {

template <class T>
std::vector<T> predicted(const Network<T>& net, const InputMatrix& x, Output output,
                         index_t threads = 1) {
    std::vector<T> out(static_cast<std::size_t>(x.rows * net.outputs()));
    predict(net, x, output, out.data(), threads);
    return out;
}

// Small integers: then no sum is ever rounded, in whatever order it is made.
template <class T>
std::vector<T> integers(index_t size, std::uint64_t seed, int limit) {
    std::vector<T> values = random_values<T>(size, seed, -limit - 0.5, limit + 0.5);
    for (T& value : values) {
        value = std::nearbyint(value);
    }
    return values;
}

// One row through all layers, by the oracle.
template <class T>
std::vector<double> forward(const Network<T>& net, std::vector<double> x) {
    for (const Layer& layer : net.layers()) {
        const T* const w = net.parameters() + layer.offset;  // (in + 1, out)
        std::vector<double> y;
        for (index_t j = 0; j < layer.out; ++j) {
            auto sum = static_cast<double>(w[layer.in * layer.out + j]);
            for (index_t i = 0; i < layer.in; ++i) {
                sum += x[static_cast<std::size_t>(i)] * static_cast<double>(w[i * layer.out + j]);
            }
            y.push_back(reference::activation(layer.activation, sum).y);
        }
        x = y;
    }
    return x;
}

}  // namespace

TEST_CASE_TEMPLATE("prediction is exact where no sum is rounded", T, float, double) {
    for (const std::vector<index_t>& sizes :
         {std::vector<index_t>{1, 1}, {5, 3}, {17, 33, 34, 2}, {3, 16, 16, 16, 4}, {40, 1, 9}}) {
        Network<T> net = make_network<T>(sizes, Activation::kRelu, Loss::kMse);
        const std::vector<T> parameters = integers<T>(net.num_parameters(), 2, 2);
        std::copy(parameters.begin(), parameters.end(), net.parameters());
        constexpr index_t kRows = 70;
        const std::vector<T> x = integers<T>(kRows * net.inputs(), 3, 3);
        const std::vector<T> got = predicted(net, input_matrix(x, net.inputs()), Output::kRaw);
        bool equal = true;
        for (index_t r = 0; r < kRows; ++r) {
            const T* const row = x.data() + r * net.inputs();
            const std::vector<double> expected =
                forward(net, std::vector<double>(row, row + net.inputs()));
            equal = equal &&
                    std::equal(expected.begin(), expected.end(), got.begin() + r * net.outputs(),
                               [](double e, T g) { return static_cast<double>(g) == e; });
        }
        CHECK(equal);
    }
}

TEST_CASE_TEMPLATE("a row has the same bits alone and in any batch", T, float, double) {
    constexpr index_t kRows = 150;
    for (int kind = 0; kind < kActivationCount; ++kind) {
        CAPTURE(kind);
        const auto net =
            make_network<T>({19, 70, 35, 6}, static_cast<Activation>(kind), Loss::kCrossEntropy);
        const std::vector<T> x = random_values<T>(kRows * 19, 7);
        const InputMatrix all = input_matrix(x, 19);
        const std::vector<T> whole = predicted(net, all, Output::kTarget);

        std::vector<T> alone(whole.size()), batches;
        for (index_t r = 0; r < kRows; ++r) {
            predict_row(net, x.data() + r * 19, Output::kTarget, alone.data() + r * 6);
        }
        CHECK(same_bits(whole, alone));
        index_t first = 0;
        for (index_t count = 1; first < kRows; ++count) {
            count = std::min(count, kRows - first);
            const std::vector<T> part =
                predicted(net, all.rows_from(first, count), Output::kTarget);
            batches.insert(batches.end(), part.begin(), part.end());
            first += count;
        }
        CHECK(same_bits(whole, batches));
    }
}

TEST_CASE_TEMPLATE("a row has the same bits alone and in a batch of a wide network", T, float,
                   double) {
    // Weights beyond L2, with rows that collide in the caches, and rows that straddle vectors.
    constexpr index_t kRows = 300, kInputs = 1024, kOutputs = 601;
    const auto net = make_network<T>({kInputs, 512, 1001, kOutputs}, Activation::kRelu, Loss::kMse);
    const std::vector<T> x = random_values<T>(kRows * kInputs, 7);
    const std::vector<T> whole = predicted(net, input_matrix(x, kInputs), Output::kRaw);
    for (const index_t r : {0, 1, 127, 128, 255, 256, 299}) {
        std::vector<T> alone(kOutputs);
        predict_row(net, x.data() + r * kInputs, Output::kRaw, alone.data());
        const auto row = whole.begin() + r * kOutputs;
        CHECK(same_bits(alone, std::vector<T>(row, row + kOutputs)));
    }
}

TEST_CASE_TEMPLATE("rows have the same bits on any number of threads", T, float, double) {
    const ManyThreads many;
    constexpr index_t kRows = 333;
    const auto net = make_network<T>({19, 150, 131, 6}, Activation::kSilu, Loss::kCrossEntropy);
    REQUIRE(useful_threads(predict_nanoseconds(net, kRows), 5) == 5);
    const std::vector<T> x = random_values<T>(kRows * 19, 7);
    const std::vector<T> one = predicted(net, input_matrix(x, 19), Output::kTarget, 1);
    CHECK(same_bits(one, predicted(net, input_matrix(x, 19), Output::kTarget, 2)));
    CHECK(same_bits(one, predicted(net, input_matrix(x, 19), Output::kTarget, 5)));
}

TEST_CASE_TEMPLATE("layouts and types of the input make no difference", T, float, double) {
    const auto net = make_network<T>({6, 20, 3}, Activation::kTanh, Loss::kMse);
    constexpr index_t kRows = 70, kSize = sizeof(T);
    const std::vector<T> x = integers<T>(kRows * 6, 3, 100);
    const std::vector<T> expected = predicted(net, input_matrix(x, 6), Output::kRaw);

    const std::vector<std::int8_t> bytes(x.begin(), x.end());
    CHECK(same_bits(expected,
                    predicted(net, {bytes.data(), DType::kInt8, kRows, 6, 6, 1}, Output::kRaw)));

    std::vector<T> transposed(x.size()), reversed(x.size());
    reference::transpose(kRows, 6, x.data(), 6, transposed.data(), kRows);
    CHECK(same_bits(expected,
                    predicted(net, {transposed.data(), kDTypeOf<T>, kRows, 6, kSize, kRows * kSize},
                              Output::kRaw)));

    for (index_t r = 0; r < kRows; ++r) {
        std::copy_n(x.data() + r * 6, 6, reversed.data() + (kRows - 1 - r) * 6);
    }
    CHECK(same_bits(expected, predicted(net,
                                        {reversed.data() + (kRows - 1) * 6, kDTypeOf<T>, kRows, 6,
                                         -6 * kSize, kSize},
                                        Output::kRaw)));

    std::vector<T> repeated;
    for (index_t r = 0; r < kRows; ++r) {
        repeated.insert(repeated.end(), expected.begin(), expected.begin() + 3);
    }
    CHECK(same_bits(repeated,
                    predicted(net, {x.data(), kDTypeOf<T>, kRows, 6, 0, kSize}, Output::kRaw)));
}

TEST_CASE_TEMPLATE("targets are raw outputs after the link", T, float, double) {
    const LossSpec losses[] = {
        Loss::kMse,         Loss::kCrossEntropy, Loss::kBinaryCrossEntropy,
        Loss::kGaussianNll, Loss::kPoisson,      {Loss::kQuantile, {0.1, 0.9}}};
    for (const LossSpec& loss : losses) {
        const auto net = make_network<T>({3, 8, 4}, Activation::kTanh, loss);
        const std::vector<T> x = random_values<T>(70 * 3, 1);
        std::vector<T> linked = predicted(net, input_matrix(x, 3), Output::kRaw);
        apply_link(kernels<T>(), loss, 70, 4, linked.data(), 4);
        CAPTURE(std::string(loss.info().name));
        CHECK(same_bits(linked, predicted(net, input_matrix(x, 3), Output::kTarget)));
    }
}

TEST_CASE_TEMPLATE("no rows are predicted, and rows wider than the stack's scratch", T, float,
                   double) {
    const auto narrow = make_network<T>({3, 4, 2}, Activation::kRelu, Loss::kMse);
    CHECK(predicted(narrow, {nullptr, kDTypeOf<T>, 0, 3, 12, 4}, Output::kTarget, 2).empty());

    const auto wide = make_network<T>({2, 5000, 3}, Activation::kRelu, Loss::kMse);
    const std::vector<T> x = random_values<T>(2, 1);
    std::vector<T> alone(3);
    predict_row(wide, x.data(), Output::kRaw, alone.data());
    CHECK(same_bits(alone, predicted(wide, input_matrix(x, 2), Output::kRaw)));
}
