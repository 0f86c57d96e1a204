// The optimizer kernels of every instruction set, through the scalars that nn/optimizer computes,
// against the oracle, which starts from the settings as users give them.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/dispatch.h"
#include "kernels/reference_optimizers.h"
#include "nn/optimizer.h"
#include "support.h"

using namespace briskmlp;

namespace {

int states_of(const OptimizerSpec& spec) { return optimizer_needs(spec).state_arrays; }

// One parameter: its gradient, its value and its state before a step.
struct Parameter {
    double g, w, state1, state2;
};

// What the step must make of a parameter, and by how much it may differ.
struct Allowed {
    Parameter after;
    double w_error, state1_error, state2_error;
};

// Roundings: those on the longest way from an input to the result, settings made T included.
template <class T>
Allowed expect_sgd(const OptimizerSpec& spec, Parameter p, bool has_velocity) {
    const double gradient = std::fabs(p.g) + std::fabs(spec.weight_decay * p.w);
    const double velocity = std::fabs(spec.momentum * p.state1) + gradient;
    const double direction = spec.nesterov ? gradient + spec.momentum * velocity : velocity;
    const double w = std::fabs(p.w);
    const double decay = spec.decoupled ? spec.weight_decay : 0;
    reference::sgd({spec.learning_rate, spec.momentum, spec.weight_decay - decay, spec.nesterov,
                    decay, spec.rate_in_velocity},
                   p.g, p.w, p.state1);
    const double velocity_error = has_velocity ? gamma<T>(6) * velocity : 0;
    return {p, gamma<T>(12) * (w + spec.learning_rate * direction), velocity_error, 0};
}

// The error of length above / below, to first order, where above has an error of its own and below
// is the root of v, off by v_error, times inv_root, plus epsilon. An error of v moves its root by
// v_error / (2 root) at most; twice that pays for the second order.
template <class T>
double quotient_error(const reference::Quotient& step, double above_error, double v, double v_error,
                      double inv_root) {
    const double root = std::sqrt(v);
    const double below_error =
        (root == 0 ? 0 : v_error / root) * inv_root + gamma<T>(6) * step.below;
    const double quotient = std::fabs(step.above) / step.below;
    return step.length * (above_error / step.below + quotient * below_error / step.below +
                          gamma<T>(6) * quotient);
}

template <class T>
Allowed expect_adam(const OptimizerSpec& spec, int t, Parameter p) {
    const bool decoupled = spec.kind == OptimizerKind::kAdamW;
    const double l2 = decoupled ? 0 : spec.weight_decay;
    const reference::Adam settings{
        spec.learning_rate, spec.beta1, spec.beta2,
        spec.epsilon,       l2,         decoupled ? spec.weight_decay : 0,
        spec.plain_epsilon};
    const double gradient = std::fabs(p.g) + std::fabs(l2 * p.w);
    const double m = std::fabs(p.state1) + (1 - spec.beta1) * gradient;
    const double v = spec.beta2 * p.state2 + (1 - spec.beta2) * gradient * gradient;
    const double m_error = gamma<T>(8) * m, v_error = gamma<T>(12) * v;
    double above_error = m_error, inv_root = 1 / std::sqrt(1 - std::pow(spec.beta2, t));
    const double w = std::fabs(p.w);
    reference::Quotient step{};
    if (spec.kind == OptimizerKind::kNadam) {
        step = reference::nadam(settings, spec.momentum_decay, t, p.g, p.w, p.state1, p.state2);
        // Its factors of m and of the gradient are at most 1 / (1 - beta1).
        above_error = (m_error + gamma<T>(8) * (m + gradient)) / (1 - spec.beta1);
    } else if (spec.kind == OptimizerKind::kRadam) {
        step = reference::radam(settings, t, p.g, p.w, p.state1, p.state2);
        inv_root = step.below == 1 ? 0 : 1;
    } else {
        step = reference::adam(settings, t, p.g, p.w, p.state1, p.state2);
    }
    const double error = quotient_error<T>(step, above_error, p.state2, v_error, inv_root);
    return {p, gamma<T>(4) * w + error, m_error, v_error};
}

// Only a gradient and positive sums: no cancellation but by weight decay.
template <class T>
Allowed expect_scaled(const OptimizerSpec& spec, Parameter p) {
    const double gradient = std::fabs(p.g) + std::fabs(spec.weight_decay * p.w);
    const double w = std::fabs(p.w), u = std::fabs(spec.momentum * p.state2);
    reference::Quotient step{};
    double v = p.state1 + gradient * gradient;
    if (spec.kind == OptimizerKind::kAdagrad) {
        step = reference::adagrad(spec.learning_rate, spec.epsilon, spec.weight_decay, p.g, p.w,
                                  p.state1);
    } else {
        v = spec.beta2 * p.state1 + (1 - spec.beta2) * gradient * gradient;
        step = reference::rmsprop(
            {spec.learning_rate, spec.beta2, spec.epsilon, spec.momentum, spec.weight_decay}, p.g,
            p.w, p.state1, p.state2);
    }
    const double v_error = gamma<T>(12) * v;
    const double error = quotient_error<T>(step, gamma<T>(4) * gradient, p.state1, v_error, 1) +
                         gamma<T>(4) * spec.learning_rate * u;
    return {p, gamma<T>(4) * w + 2 * error, v_error, gamma<T>(4) * u + error / spec.learning_rate};
}

template <class T>
Allowed expect_lion(const OptimizerSpec& spec, Parameter p) {
    const double w = std::fabs(p.w), m = std::fabs(p.state1) + std::fabs(p.g);
    reference::lion(spec.learning_rate, spec.beta1, spec.beta2, spec.weight_decay, p.g, p.w,
                    p.state1);
    return {p, gamma<T>(6) * (w + spec.learning_rate), gamma<T>(6) * m, 0};
}

template <class T>
Allowed expect(const OptimizerSpec& spec, int t, const Parameter& p) {
    switch (spec.kind) {
        case OptimizerKind::kSgd: return expect_sgd<T>(spec, p, states_of(spec) == 1);
        case OptimizerKind::kRmsprop:
        case OptimizerKind::kAdagrad: return expect_scaled<T>(spec, p);
        case OptimizerKind::kLion: return expect_lion<T>(spec, p);
        default: return expect_adam<T>(spec, t, p);
    }
}

// A tile of parameters, padded, and its state.
template <class T>
struct Tile {
    static constexpr index_t kRows = 3;
    index_t cols, padded;
    Guarded<T> w, state1, state2;

    Tile(index_t columns, index_t lanes)
        : cols(columns),
          padded(round_up(columns, lanes)),
          w(kRows, padded, padded),
          state1(kRows, padded, padded),
          state2(kRows, padded, padded) {
        const std::vector<T> zeros(static_cast<std::size_t>(kRows * padded), T(0));
        for (Guarded<T>* matrix : {&w, &state1, &state2}) {
            matrix->fill(zeros);
        }
        const std::vector<T> values = random_values<T>(kRows * cols, 20);
        for (index_t i = 0; i < kRows * cols; ++i) {
            w.at(i / cols, i % cols) = values[static_cast<std::size_t>(i)];
        }
    }
    Parameter parameter(T gradient, index_t r, index_t j) {
        return {static_cast<double>(gradient), static_cast<double>(w.at(r, j)),
                static_cast<double>(state1.at(r, j)), static_cast<double>(state2.at(r, j))};
    }
    bool intact() const { return w.intact() && state1.intact() && state2.intact(); }
};

// Ten steps, each compared with the oracle's from the same state, which both then go on from.
template <class T>
void check_ten_steps(const KernelTable<T>& table, const OptimizerSpec& spec, index_t cols) {
    Tile<T> tile(cols, table.lanes);
    const int states = optimizer_needs(spec).state_arrays;
    Optimizer<T> optimizer(table, spec);
    double worst = 0;
    for (int t = 1; t <= 10; ++t) {
        Guarded<T> g(Tile<T>::kRows, tile.padded, tile.padded);
        g.fill(std::vector<T>(static_cast<std::size_t>(Tile<T>::kRows * tile.padded), T(0)));
        const std::vector<T> gradients =
            random_values<T>(Tile<T>::kRows * cols, static_cast<std::uint64_t>(100 + t));
        std::vector<Allowed> expected;
        for (index_t i = 0; i < Tile<T>::kRows * cols; ++i) {
            const T gradient = gradients[static_cast<std::size_t>(i)];
            g.at(i / cols, i % cols) = gradient;
            expected.push_back(expect<T>(spec, t, tile.parameter(gradient, i / cols, i % cols)));
        }
        optimizer.next(1).apply(
            {Tile<T>::kRows, tile.padded, tile.w.data(), states > 0 ? tile.state1.data() : nullptr,
             states > 1 ? tile.state2.data() : nullptr, nullptr, tile.w.stride(), 0, false},
            g.data(), g.stride());
        for (index_t i = 0; i < Tile<T>::kRows * cols; ++i) {
            const Allowed& e = expected[static_cast<std::size_t>(i)];
            const Parameter got = tile.parameter(T(0), i / cols, i % cols);
            worst = std::max(worst, excess(got.w, e.after.w, e.w_error));
            if (states > 0) {
                worst = std::max(worst, excess(got.state1, e.after.state1, e.state1_error));
            }
            if (states > 1) {
                worst = std::max(worst, excess(got.state2, e.after.state2, e.state2_error));
            }
        }
    }
    CHECK(worst <= 1);
    CHECK(tile.intact());
    for (index_t r = 0; r < Tile<T>::kRows; ++r) {
        for (index_t j = cols; j < tile.padded; ++j) {
            CHECK(tile.w.at(r, j) == 0);
            CHECK(tile.state1.at(r, j) == 0);
            CHECK(tile.state2.at(r, j) == 0);
        }
    }
}

OptimizerSpec sgd_spec(double momentum, bool nesterov, double weight_decay) {
    OptimizerSpec spec;
    spec.kind = OptimizerKind::kSgd;
    spec.learning_rate = 0.05;
    spec.momentum = momentum;
    spec.nesterov = nesterov;
    spec.weight_decay = weight_decay;
    return spec;
}

OptimizerSpec adam_spec(OptimizerKind kind, double weight_decay) {
    OptimizerSpec spec;
    spec.kind = kind;
    spec.learning_rate = 0.01;
    spec.weight_decay = weight_decay;
    return spec;
}

OptimizerSpec with_rate_in_velocity(OptimizerSpec spec) {
    spec.rate_in_velocity = true;
    return spec;
}

OptimizerSpec decoupled(OptimizerSpec spec) {
    spec.decoupled = true;
    return spec;
}

// Large, so that it matters where it is added.
OptimizerSpec with_plain_epsilon(OptimizerSpec spec) {
    spec.plain_epsilon = true;
    spec.epsilon = 0.1;
    return spec;
}

OptimizerSpec rmsprop_spec(double momentum, double weight_decay) {
    OptimizerSpec spec = adam_spec(OptimizerKind::kRmsprop, weight_decay);
    spec.momentum = momentum;
    return spec;
}

}  // namespace

TEST_CASE_TEMPLATE("ten steps of every optimizer agree with the oracle", T, float, double) {
    const std::vector<OptimizerSpec> specs = {
        sgd_spec(0, false, 0),
        sgd_spec(0, false, 0.1),
        sgd_spec(0.9, false, 0),
        sgd_spec(0.9, false, 0.1),
        sgd_spec(0.9, true, 0),
        sgd_spec(0.9, true, 0.1),
        adam_spec(OptimizerKind::kAdam, 0),
        adam_spec(OptimizerKind::kAdam, 0.1),
        adam_spec(OptimizerKind::kAdamW, 0),
        adam_spec(OptimizerKind::kAdamW, 0.1),
        adam_spec(OptimizerKind::kNadam, 0),
        adam_spec(OptimizerKind::kNadam, 0.1),
        adam_spec(OptimizerKind::kRadam, 0),
        adam_spec(OptimizerKind::kRadam, 0.1),
        adam_spec(OptimizerKind::kAdagrad, 0),
        adam_spec(OptimizerKind::kAdagrad, 0.1),
        adam_spec(OptimizerKind::kLion, 0),
        adam_spec(OptimizerKind::kLion, 0.1),
        rmsprop_spec(0, 0),
        rmsprop_spec(0.9, 0.1),
        with_rate_in_velocity(sgd_spec(0.9, false, 0.1)),
        with_rate_in_velocity(sgd_spec(0.9, true, 0.1)),
        decoupled(sgd_spec(0, false, 0.1)),
        decoupled(sgd_spec(0.9, true, 0.1)),
        with_plain_epsilon(adam_spec(OptimizerKind::kAdam, 0.1)),
        with_plain_epsilon(adam_spec(OptimizerKind::kAdamW, 0.1)),
    };
    for_each_isa<T>([&](const KernelTable<T>& table) {
        for (std::size_t i = 0; i < specs.size(); ++i) {
            CAPTURE(i);
            for (const index_t cols : {index_t{1}, table.lanes, 3 * table.lanes + 1}) {
                check_ten_steps(table, specs[i], cols);
            }
        }
    });
}

TEST_CASE("the first step of Adam has the length of the learning rate") {
    // Then m / sqrt(v) is the gradient's sign, whatever its size; decay shrinks the weight first.
    const KernelTable<double>& table = kernels<double>();
    for (const double decay : {0.0, 0.5}) {
        AlignedBuffer<double> w(8), g(8), m(8), v(8);
        w[0] = 3;
        g[0] = 1e-3;
        w[1] = -2;
        g[1] = -1e3;
        const OptimizerSpec spec = adam_spec(OptimizerKind::kAdamW, decay);
        Optimizer<double>(table, spec)
            .next(1)
            .apply({1, 8, w.data(), m.data(), v.data(), nullptr, 8, 0, false}, g.data(), 8);
        CHECK(w[0] == doctest::Approx(3 * (1 - 0.01 * decay) - 0.01).epsilon(1e-5));
        CHECK(w[1] == doctest::Approx(-2 * (1 - 0.01 * decay) + 0.01).epsilon(1e-5));
    }
}

TEST_CASE("optimizers have names and arrays of state") {
    CHECK(optimizer_from_name("sgd") == OptimizerKind::kSgd);
    CHECK(optimizer_from_name("adam") == OptimizerKind::kAdam);
    CHECK(optimizer_from_name("adamw") == OptimizerKind::kAdamW);
    CHECK_THROWS_WITH_AS(
        optimizer_from_name("lbfgs"),
        "unknown optimizer 'lbfgs'; known: sgd, adam, adamw, nadam, radam, rmsprop, "
        "adagrad, lion, muon",
        std::invalid_argument);
    CHECK(states_of(sgd_spec(0, false, 0.1)) == 0);
    CHECK(states_of(sgd_spec(0.9, true, 0)) == 1);
    CHECK(states_of(adam_spec(OptimizerKind::kAdam, 0)) == 2);
    CHECK(states_of(adam_spec(OptimizerKind::kAdamW, 0)) == 2);
}

TEST_CASE_TEMPLATE("a step has one learning rate a layer, and decays what it is told to", T, float,
                   double) {
    // w - rate (g + decay w) with powers of two, exact in both types.
    OptimizerSpec spec = sgd_spec(0, false, 0.5);
    spec.learning_rate = 0.25;
    spec.layer_rates = {1, 0.5};
    spec.decay_biases = false;
    for_each_isa<T>([&](const KernelTable<T>& table) {
        const index_t n = table.lanes;
        for (const bool biases : {false, true}) {
            for (const std::size_t layer : {std::size_t{0}, std::size_t{1}}) {
                AlignedBuffer<T> w(n), g(n);
                w[0] = 8;
                g[0] = 16;
                Optimizer<T> optimizer(table, spec);
                optimizer.next(2).apply(
                    {1, n, w.data(), nullptr, nullptr, nullptr, n, layer, biases}, g.data(), n);
                const double rate = layer == 0 ? 0.5 : 0.25;
                CHECK(static_cast<double>(w[0]) == 8 - rate * (16 + (biases ? 0 : 4)));
            }
        }
    });
}

TEST_CASE_TEMPLATE("gradients are penalised, limited and shortened", T, float, double) {
    OptimizerSpec spec = sgd_spec(0, false, 0);
    spec.l1 = 0.5;
    spec.clip_value = 2;
    spec.clip_norm = 5;
    for_each_isa<T>([&](const KernelTable<T>& table) {
        const index_t n = table.lanes;
        AlignedBuffer<T> w(4 * n), g(4 * n);  // four rows: lanes may be one
        const double weights[4] = {1, -1, 0, 1}, before[4] = {1, 1, -9, 9};
        for (index_t i = 0; i < 4; ++i) {
            w[i * n] = static_cast<T>(weights[i]);
            g[i * n] = static_cast<T>(before[i]);
        }
        const typename OptimizerStep<T>::Tile tile{4,       n, w.data(), nullptr, nullptr,
                                                   nullptr, n, 0,        false};
        Optimizer<T> optimizer(table, spec);
        const OptimizerStep<T> step = optimizer.next(1);
        step.adjust(tile, g.data(), n);
        const double after[4] = {1.5, 0.5, -2, 2};
        for (index_t i = 0; i < 4; ++i) {
            CHECK(static_cast<double>(g[i * n]) == after[i]);
        }
        CHECK(table.sum_of_squares(4, n, g.data(), n) == 1.5 * 1.5 + 0.5 * 0.5 + 8);
        step.shorten(4, 4, n, g.data(), n);
        CHECK(static_cast<double>(g[0]) == 1.5);
        step.shorten(20, 4, n, g.data(), n);
        CHECK(static_cast<double>(g[0]) == doctest::Approx(1.5 / 4).epsilon(1e-6));
    });
}

TEST_CASE_TEMPLATE("the running mean of the weights begins with few steps", T, float, double) {
    OptimizerSpec spec = sgd_spec(0, false, 0);
    spec.average = 0.5;
    for_each_isa<T>([&](const KernelTable<T>& table) {
        const index_t n = table.lanes;
        AlignedBuffer<T> w(n), g(n), mean(n);
        w[0] = 11;
        Optimizer<T> optimizer(table, spec);
        double expected = 0;
        for (int t = 1; t <= 20; ++t) {
            optimizer.next(1).apply({1, n, w.data(), nullptr, nullptr, mean.data(), n, 0, false},
                                    g.data(), n);
            const double keep = std::min(0.5, (1.0 + t) / (10 + t));
            expected = keep * expected + (1 - keep) * 11;
            CHECK(std::fabs(static_cast<double>(mean[0]) - expected) <= gamma<T>(4 * t) * 11);
        }
    });
}
