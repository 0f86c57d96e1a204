// The optimizer kernels of every instruction set, through the scalars that nn/optimizer computes,
// against the oracle, which starts from the settings as users give them.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kernels/dispatch.h"
#include "kernels/reference.h"
#include "nn/optimizer.h"
#include "support.h"

using namespace briskmlp;

namespace {

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
    reference::sgd({spec.learning_rate, spec.momentum, spec.weight_decay, spec.nesterov}, p.g, p.w,
                   p.state1);
    const double velocity_error = has_velocity ? gamma<T>(6) * velocity : 0;
    return {p, gamma<T>(12) * (w + spec.learning_rate * direction), velocity_error, 0};
}

template <class T>
Allowed expect_adam(const OptimizerSpec& spec, int t, Parameter p) {
    const bool decoupled = spec.kind == OptimizerKind::kAdamW;
    const double l2 = decoupled ? 0 : spec.weight_decay;
    const double gradient = std::fabs(p.g) + std::fabs(l2 * p.w);
    const double m = std::fabs(p.state1) + (1 - spec.beta1) * gradient;
    const double v = spec.beta2 * p.state2 + (1 - spec.beta2) * gradient * gradient;
    const double w = std::fabs(p.w);
    reference::adam({spec.learning_rate, spec.beta1, spec.beta2, spec.epsilon, l2,
                     decoupled ? spec.weight_decay : 0},
                    t, p.g, p.w, p.state1, p.state2);
    const double m_error = gamma<T>(8) * m, v_error = gamma<T>(12) * v;
    // Of step_size m / (sqrt(v) inv_sqrt_bias2 + epsilon), to first order. An error of v moves its
    // root by v_error / (2 sqrt(v)) at most; twice that pays for the second order.
    const double size = spec.learning_rate / (1 - std::pow(spec.beta1, t));
    const double inv_root = 1 / std::sqrt(1 - std::pow(spec.beta2, t));
    const double root = std::sqrt(p.state2);
    const double bottom = root * inv_root + spec.epsilon;
    const double bottom_error = (root == 0 ? 0 : v_error / root) * inv_root + gamma<T>(5) * bottom;
    const double update = std::fabs(p.state1) / bottom;
    const double update_error =
        m_error / bottom + update * bottom_error / bottom + gamma<T>(5) * update;
    return {p, gamma<T>(4) * w + size * update_error, m_error, v_error};
}

template <class T>
Allowed expect(const OptimizerSpec& spec, int t, const Parameter& p) {
    return spec.kind == OptimizerKind::kSgd
               ? expect_sgd<T>(spec, p, optimizer_state_arrays(spec) == 1)
               : expect_adam<T>(spec, t, p);
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
    const int states = optimizer_state_arrays(spec);
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
        OptimizerStep<T>(table, spec, t)
            .apply(Tile<T>::kRows, tile.padded, g.data(), g.stride(), tile.w.data(),
                   states > 0 ? tile.state1.data() : nullptr,
                   states > 1 ? tile.state2.data() : nullptr, tile.w.stride());
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
        const OptimizerStep<double> step(table, adam_spec(OptimizerKind::kAdamW, decay), 1);
        step.apply(1, 8, g.data(), 8, w.data(), m.data(), v.data(), 8);
        CHECK(w[0] == doctest::Approx(3 * (1 - 0.01 * decay) - 0.01).epsilon(1e-5));
        CHECK(w[1] == doctest::Approx(-2 * (1 - 0.01 * decay) + 0.01).epsilon(1e-5));
    }
}

TEST_CASE("optimizers have names and arrays of state") {
    CHECK(optimizer_from_name("sgd") == OptimizerKind::kSgd);
    CHECK(optimizer_from_name("adam") == OptimizerKind::kAdam);
    CHECK(optimizer_from_name("adamw") == OptimizerKind::kAdamW);
    CHECK_THROWS_WITH_AS(optimizer_from_name("lbfgs"),
                         "unknown optimizer 'lbfgs'; known: sgd, adam, adamw",
                         std::invalid_argument);
    CHECK(optimizer_state_arrays(sgd_spec(0, false, 0.1)) == 0);
    CHECK(optimizer_state_arrays(sgd_spec(0.9, true, 0)) == 1);
    CHECK(optimizer_state_arrays(adam_spec(OptimizerKind::kAdam, 0)) == 2);
    CHECK(optimizer_state_arrays(adam_spec(OptimizerKind::kAdamW, 0)) == 2);
}
