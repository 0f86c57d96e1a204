// nn/network and the initialisers: what is refused, how parameters lie, and where they start.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "nn/initializer.h"
#include "nn/network.h"
#include "support.h"

using namespace briskmlp;

namespace {

NetworkSpec spec(std::vector<index_t> sizes, const LossSpec& loss = Loss::kMse) {
    const std::size_t layers = sizes.size() - std::min<std::size_t>(sizes.size(), 1);
    return {std::move(sizes), std::vector<Activation>(layers, Activation::kRelu), loss};
}

}  // namespace

TEST_CASE("networks that make no sense are refused") {
    CHECK_THROWS_WITH_AS(Network<float>(spec({})),
                         "sizes has 0 entries, expected at least 2: inputs and outputs",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(Network<float>(spec({3})),
                         "sizes has 1 entries, expected at least 2: inputs and outputs",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(Network<float>(spec({3, 0, 1})), "sizes[1] is 0, expected at least 1",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(Network<double>(spec({3, 4, -2})), "sizes[2] is -2, expected at least 1",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(Network<float>({{3, 4, 1}, {Activation::kRelu}, Loss::kMse}),
                         "got 1 activations for 2 layers", std::invalid_argument);
    CHECK_THROWS_WITH_AS(Network<float>(spec({3, 5}, Loss::kGaussianNll)),
                         "loss 'gaussian_nll' needs a multiple of 2 outputs, a mean and a "
                         "log-variance for each target; the network has 5",
                         std::invalid_argument);
    CHECK_NOTHROW(Network<float>(spec({3, 6}, Loss::kGaussianNll)));
    CHECK_THROWS_WITH_AS(Network<float>(spec({3, 5}, {Loss::kQuantile, {0.1, 0.5, 0.9}})),
                         "loss 'quantile' needs a multiple of 3 outputs, each quantile for each "
                         "target; the network has 5",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(Network<float>(spec({3, 1}, {Loss::kFocal, {2}})),
                         "loss 'focal' needs an output for each class, at least 2; for one "
                         "yes-or-no output use 'binary_cross_entropy'",
                         std::invalid_argument);
}

TEST_CASE_TEMPLATE("parameters beyond memory throw std::bad_alloc", T, float, double) {
    constexpr index_t k2To40 = index_t{1} << 40;
    CHECK_THROWS_AS(Network<T>(spec({k2To40, k2To40})), std::bad_alloc);  // the product overflows
    CHECK_THROWS_AS(Network<T>(spec({PTRDIFF_MAX, 1})), std::bad_alloc);  // and inputs + 1
    // Their sum does, and their size in bytes.
    CHECK_THROWS_AS(Network<T>(spec({index_t{1} << 31, index_t{1} << 31, index_t{1} << 31})),
                    std::bad_alloc);
    CHECK_THROWS_AS(Network<T>(spec({index_t{1} << 31, index_t{1} << 30})), std::bad_alloc);
    CHECK_THROWS_AS(Network<T>(spec({1 << 30, 1 << 20})), std::bad_alloc);  // fits 64 bits only
}

TEST_CASE_TEMPLATE("parameters lie one layer after the other, without padding", T, float, double) {
    const Network<T> net(spec({7, 5, 3}));
    CHECK(net.inputs() == 7);
    CHECK(net.outputs() == 3);
    CHECK(net.num_parameters() == 8 * 5 + 6 * 3);
    REQUIRE(net.layers().size() == 2);
    CHECK(net.layers()[0].offset == 0);
    CHECK(net.layers()[0].in == 7);
    CHECK(net.layers()[0].out == 5);
    CHECK(net.layers()[1].offset == 8 * 5);
    CHECK(net.layers()[1].activation == Activation::kRelu);
    const std::vector<T> start = parameters_of(net);
    CHECK(std::all_of(start.begin(), start.end(), [](T p) { return p == 0; }));
}

TEST_CASE("norms and residual connections stand between hidden layers") {
    NetworkSpec s = spec({4, 4, 4, 6, 6, 6});
    s.residual = true;
    const auto flags = [&](bool Layer::*flag) {
        std::vector<bool> result;
        const Network<float> net(s);
        for (const Layer& layer : net.layers()) {
            result.push_back(layer.*flag);
        }
        return result;
    };
    // Neither around the first layer, whose input is the network's, nor around the output layer.
    CHECK(flags(&Layer::residual) == std::vector<bool>{false, true, false, true, false});
    CHECK(flags(&Layer::normalizes) == std::vector<bool>(5, false));
    s.norm = Norm::kLayer;
    CHECK(flags(&Layer::normalizes) == std::vector<bool>{true, true, true, true, false});

    NetworkSpec single = spec({4, 1, 4, 1});
    single.norm = Norm::kLayer;
    CHECK_THROWS_WITH_AS(Network<float>{single},
                         "sizes[1] is 1, expected at least 2 with a layer norm, which makes a "
                         "single unit 0 in every row",
                         std::invalid_argument);
    single.sizes = {1, 2, 2, 1};
    CHECK_NOTHROW(Network<float>{single});
    CHECK(norm_names() == std::vector<std::string>{norm_name(norm_from_name("layer"))});
    CHECK(norm_name(Norm::kNone) == nullptr);
    CHECK_THROWS_WITH_AS(norm_from_name("batch"), "unknown norm 'batch'; known: layer",
                         std::invalid_argument);
}

TEST_CASE("initial weights have known values") {
    // From a Python program that runs SplitMix64 in sequence, for seed 42, layer 3 and (12, 5).
    struct Known {
        Initializer kind;
        std::array<double, 3> first;
    };
    const std::array<Known, 6> known = {{
        {Initializer::kHeUniform, {0.6559607719678778, -0.003967815964471044, 0.318542359461527}},
        {Initializer::kHeNormal, {-1.05176246953987, -0.47869733163782413, 0.0008284336376601885}},
        {Initializer::kGlorotUniform,
         {0.5511172829341547, -0.0033336322032823107, 0.2676291131239604}},
        {Initializer::kGlorotNormal,
         {-0.8836572235348779, -0.4021862038618779, 0.0006960234742526631}},
        {Initializer::kLecunUniform,
         {0.46383431005084896, -0.0028056695749777427, 0.2252434624704085}},
        {Initializer::kLecunNormal,
         {-0.7437083744091517, -0.33849012933701106, 0.0005857910429525585}},
    }};
    for (const Known& k : known) {
        std::array<double, 60> w{};
        std::array<float, 60> rounded{};
        initialize_weights(k.kind, 42, 3, 12, 5, w.data());
        initialize_weights(k.kind, 42, 3, 12, 5, rounded.data());
        CAPTURE(static_cast<int>(k.kind));
        for (std::size_t i = 0; i < k.first.size(); ++i) {
            // The two programs round 2 u - 1, the product and the functions in their own order, by
            // a few units of the largest number on the way, which is below 4.
            CHECK(std::fabs(w[i] - k.first[i]) <= 4 * gamma<double>(4));
            CHECK(rounded[i] == static_cast<float>(w[i]));
        }
    }
}

TEST_CASE("initial weights have the variance and the limits of their kind") {
    constexpr index_t kIn = 300, kOut = 100, kCount = kIn * kOut;
    struct Kind {
        Initializer kind;
        double variance;
        bool uniform;
    };
    for (const Kind& k : {Kind{Initializer::kHeUniform, 2.0 / kIn, true},
                          Kind{Initializer::kHeNormal, 2.0 / kIn, false},
                          Kind{Initializer::kGlorotUniform, 2.0 / (kIn + kOut), true},
                          Kind{Initializer::kGlorotNormal, 2.0 / (kIn + kOut), false},
                          Kind{Initializer::kLecunUniform, 1.0 / kIn, true},
                          Kind{Initializer::kLecunNormal, 1.0 / kIn, false}}) {
        std::vector<double> w(kCount);
        initialize_weights(k.kind, 5, 0, kIn, kOut, w.data());
        double sum = 0, squares = 0, largest = 0;
        for (const double x : w) {
            sum += x;
            squares += x * x;
            largest = std::max(largest, std::fabs(x));
        }
        CAPTURE(static_cast<int>(k.kind));
        // Five standard deviations of the mean, and of the variance, whose own is at most that of
        // normal numbers: variance * sqrt(2 / count).
        CHECK(std::fabs(sum / kCount) < 5 * std::sqrt(k.variance / kCount));
        CHECK(std::fabs(squares / kCount - k.variance) < 5 * k.variance * std::sqrt(2.0 / kCount));
        const double limit = std::sqrt(3 * k.variance);
        if (k.uniform) {
            CHECK(largest <= limit);
            CHECK(largest > 0.99 * limit);  // missed by all with a probability of e^-300
        } else {
            CHECK(largest > 1.5 * limit);
        }
    }
}

TEST_CASE_TEMPLATE("initialisation depends on seed and layer, and suits the activation", T, float,
                   double) {
    const auto initialized = [](Activation first, std::uint64_t seed, Initializer kind) {
        Network<T> net({{20, 20, 20}, {first, Activation::kIdentity}, Loss::kMse});
        std::fill_n(net.parameters(), net.num_parameters(), T(9));
        net.initialize(seed, kind);
        return parameters_of(net);
    };
    const auto he = initialized(Activation::kRelu, 1, Initializer::kHeUniform);
    CHECK(same_bits(he, initialized(Activation::kTanh, 1, Initializer::kHeUniform)));
    CHECK_FALSE(same_bits(he, initialized(Activation::kRelu, 2, Initializer::kHeUniform)));
    CHECK_FALSE(std::equal(he.begin(), he.begin() + 400, he.begin() + 420));
    // Biases.
    CHECK(std::all_of(he.begin() + 400, he.begin() + 420, [](T p) { return p == 0; }));
    CHECK(std::all_of(he.begin() + 820, he.end(), [](T p) { return p == 0; }));
    const auto zeros = initialized(Activation::kRelu, 1, Initializer::kZeros);
    CHECK(std::all_of(zeros.begin(), zeros.end(), [](T p) { return p == 0; }));
    // kAuto: each layer's own.
    const auto glorot = initialized(Activation::kRelu, 1, Initializer::kGlorotUniform);
    const auto automatic = initialized(Activation::kRelu, 1, Initializer::kAuto);
    CHECK(std::equal(he.begin(), he.begin() + 420, automatic.begin()));
    CHECK(std::equal(glorot.begin() + 420, glorot.end(), automatic.begin() + 420));
    CHECK(same_bits(initialized(Activation::kTanh, 1, Initializer::kAuto), glorot));
}

TEST_CASE("activations and initialisers have names") {
    CHECK(activation_names() == std::vector<std::string>{"identity", "relu", "leaky_relu", "elu",
                                                         "selu", "gelu", "gelu_tanh", "silu",
                                                         "mish", "softplus", "sigmoid", "tanh"});
    for (const std::string& name : activation_names()) {
        CHECK(activation_info(activation_from_name(name)).name == name);
        CHECK(activation_info(activation_from_name(name)).kind == activation_from_name(name));
    }
    CHECK_THROWS_WITH_AS(activation_from_name("rleu"),
                         "unknown activation 'rleu'; known: identity, relu, leaky_relu, elu, selu, "
                         "gelu, gelu_tanh, silu, mish, softplus, sigmoid, tanh",
                         std::invalid_argument);
    CHECK(initializer_names() ==
          std::vector<std::string>{"auto", "he_uniform", "he_normal", "glorot_uniform",
                                   "glorot_normal", "lecun_uniform", "lecun_normal", "zeros"});
    CHECK(initializer_from_name("auto") == Initializer::kAuto);
    CHECK(initializer_from_name("lecun_normal") == Initializer::kLecunNormal);
    CHECK(initializer_from_name("zeros") == Initializer::kZeros);
    CHECK_THROWS_AS(initializer_from_name("he"), std::invalid_argument);
}
