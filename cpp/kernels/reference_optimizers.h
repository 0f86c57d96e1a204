// The optimizers' rules for one parameter in double precision: the oracle of the kernels' tests.
#pragma once

#include <cmath>

namespace briskmlp::reference {

struct Sgd {
    double learning_rate, momentum, l2;
    bool nesterov;
    double decay;           // decoupled
    bool rate_in_velocity;  // Sutskever et al. 2013, "On the importance of initialization ..."
};

inline void sgd(const Sgd& s, double gradient, double& w, double& velocity) {
    const double inner = s.rate_in_velocity ? s.learning_rate : 1;
    const double outer = s.rate_in_velocity ? 1 : s.learning_rate;
    gradient = inner * (gradient + s.l2 * w);
    velocity = s.momentum * velocity + gradient;
    w -= s.learning_rate * s.decay * w;
    w -= outer * (s.nesterov ? gradient + s.momentum * velocity : velocity);
}

// An update w -= length m / (root of v + epsilon) and its relatives: what stands above the line,
// what below, and how long the step is.
struct Quotient {
    double length, above, below;
    double value() const { return length * above / below; }
};

struct Adam {
    double learning_rate, beta1, beta2, epsilon;
    double l2, decay;    // added to the gradient; decoupled
    bool plain_epsilon;  // as in the second form of Kingma and Ba's section 2
};

inline void adam_means(const Adam& s, double gradient, double& m, double& v) {
    m = s.beta1 * m + (1 - s.beta1) * gradient;
    v = s.beta2 * v + (1 - s.beta2) * gradient * gradient;
}

// t: the step's number, from 1.
inline Quotient adam(const Adam& s, int t, double gradient, double& w, double& m, double& v) {
    adam_means(s, gradient + s.l2 * w, m, v);
    const double root_bias2 = std::sqrt(1 - std::pow(s.beta2, t));
    const double epsilon = s.plain_epsilon ? s.epsilon / root_bias2 : s.epsilon;
    const Quotient step{s.learning_rate / (1 - std::pow(s.beta1, t)), m,
                        std::sqrt(v) / root_bias2 + epsilon};
    w -= s.learning_rate * s.decay * w;
    w -= step.value();
    return step;
}

// Dozat 2016, "Incorporating Nesterov momentum into Adam", with a momentum that rises.
inline Quotient nadam(const Adam& s, double momentum_decay, int t, double gradient, double& w,
                      double& m, double& v) {
    const auto momentum = [&](int i) {
        return s.beta1 * (1 - 0.5 * std::pow(0.96, i * momentum_decay));
    };
    double product = 1;
    for (int i = 1; i <= t; ++i) {
        product *= momentum(i);
    }
    gradient += s.l2 * w;
    adam_means(s, gradient, m, v);
    const double above = momentum(t + 1) / (1 - product * momentum(t + 1)) * m +
                         (1 - momentum(t)) / (1 - product) * gradient;
    const Quotient step{s.learning_rate, above,
                        std::sqrt(v / (1 - std::pow(s.beta2, t))) + s.epsilon};
    w -= step.value();
    return step;
}

// Liu et al. 2020, "On the variance of the adaptive learning rate and beyond"; epsilon as PyTorch.
inline Quotient radam(const Adam& s, int t, double gradient, double& w, double& m, double& v) {
    adam_means(s, gradient + s.l2 * w, m, v);
    const double bias2 = 1 - std::pow(s.beta2, t), most = 2 / (1 - s.beta2) - 1;
    const double length = most - 2 * t * std::pow(s.beta2, t) / bias2;
    Quotient step{s.learning_rate / (1 - std::pow(s.beta1, t)), m, 1};
    if (length > 5) {
        step.length *=
            std::sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)) *
            std::sqrt(bias2);
        step.below = std::sqrt(v) + s.epsilon;
    }
    w -= step.value();
    return step;
}

struct Rmsprop {
    double learning_rate, beta2, epsilon, momentum, l2;
};

inline Quotient rmsprop(const Rmsprop& s, double gradient, double& w, double& v, double& u) {
    gradient += s.l2 * w;
    v = s.beta2 * v + (1 - s.beta2) * gradient * gradient;
    const Quotient step{s.learning_rate, gradient, std::sqrt(v) + s.epsilon};
    u = s.momentum * u + gradient / step.below;
    w -= s.learning_rate * u;
    return step;
}

// Duchi, Hazan and Singer 2011.
inline Quotient adagrad(double learning_rate, double epsilon, double l2, double gradient, double& w,
                        double& sum) {
    gradient += l2 * w;
    sum += gradient * gradient;
    const Quotient step{learning_rate, gradient, std::sqrt(sum) + epsilon};
    w -= step.value();
    return step;
}

// Chen et al. 2023, "Symbolic discovery of optimization algorithms".
inline void lion(double learning_rate, double beta1, double beta2, double decay, double gradient,
                 double& w, double& m) {
    const double direction = beta1 * m + (1 - beta1) * gradient;
    w -= learning_rate * decay * w;
    w -= direction > 0 ? learning_rate : direction < 0 ? -learning_rate : 0;
    m = beta2 * m + (1 - beta2) * gradient;
}

}  // namespace briskmlp::reference
