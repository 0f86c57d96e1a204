// Optimizer updates on a tile of parameters, with exact division and square root, and what happens
// to gradients before them and to averages after. The order of operations is PyTorch's where it has
// the rule, so that trajectories agree to rounding.
#pragma once

#include "kernels/inline.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// A rule: constants in vectors, the number of its state arrays, and next(), which returns a vector
// of parameters after the step, given them, their gradient and their state, which it updates.
template <class T, class Rule>
void update(index_t rows, index_t cols, const T* g, index_t ldg, T* w, T* state1, T* state2,
            index_t ldw, const UpdateScalars<T>& scalars) {
    using V = Vec<T>;
    const Rule rule(scalars);
    const V l2 = V::set(scalars.l2);
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += V::kLanes) {
            const index_t at = r * ldw + j;
            const V weight = V::load(w + at);
            const V gradient = fma(l2, weight, V::load(g + r * ldg + j));
            V a, b;
            if constexpr (Rule::kStates > 0) {
                a = V::load(state1 + at);
            }
            if constexpr (Rule::kStates > 1) {
                b = V::load(state2 + at);
            }
            const V next = rule.next(weight, gradient, a, b);
            if constexpr (Rule::kStates > 0) {
                a.store(state1 + at);
            }
            if constexpr (Rule::kStates > 1) {
                b.store(state2 + at);
            }
            next.store(w + at);
        }
    }
}

// w = decay w - rate g
template <class T>
struct Sgd {
    static constexpr int kStates = 0;
    Vec<T> rate, decay;

    explicit Sgd(const UpdateScalars<T>& s)
        : rate(Vec<T>::set(s.rate)), decay(Vec<T>::set(s.decay)) {}
    BRISKMLP_INLINE Vec<T> next(Vec<T> weight, Vec<T> gradient, Vec<T>&, Vec<T>&) const {
        return fnma(rate, gradient, decay * weight);
    }
};

// v = beta1 v + u with u = gradient_rate g; w = decay w - rate (v, or u + beta1 v for Nesterov).
// One of the two rates is 1: PyTorch's velocity is without the rate, that of Sutskever et al. 2013
// has it, which differs where the rate changes.
template <class T, bool kNesterov>
struct Momentum {
    static constexpr int kStates = 1;
    Vec<T> rate, decay, momentum, gradient_rate;

    explicit Momentum(const UpdateScalars<T>& s)
        : rate(Vec<T>::set(s.rate)),
          decay(Vec<T>::set(s.decay)),
          momentum(Vec<T>::set(s.beta1)),
          gradient_rate(Vec<T>::set(s.gradient_rate)) {}
    BRISKMLP_INLINE Vec<T> next(Vec<T> weight, Vec<T> gradient, Vec<T>& v, Vec<T>&) const {
        const Vec<T> scaled = gradient_rate * gradient;
        v = fma(momentum, v, scaled);
        const Vec<T> direction = kNesterov ? fma(momentum, v, scaled) : v;
        return fnma(rate, direction, decay * weight);
    }
};

// m and v are running means of g and g^2; w = decay w - rate m / (sqrt(v) inv_sqrt_bias2 + epsilon)
// (Kingma and Ba 2015; with decay Loshchilov and Hutter 2019). With kLooksAhead (Dozat 2016) rate m
// + gradient_rate g stands above the line. Liu et al. 2020 (RAdam) differs in the scalars only.
template <class T, bool kLooksAhead>
struct Adam {
    static constexpr int kStates = 2;
    Vec<T> rate, decay, rest1, beta2, rest2, inv_bias2, epsilon, gradient_rate;

    explicit Adam(const UpdateScalars<T>& s)
        : rate(Vec<T>::set(s.rate)),
          decay(Vec<T>::set(s.decay)),
          rest1(Vec<T>::set(s.rest1)),
          beta2(Vec<T>::set(s.beta2)),
          rest2(Vec<T>::set(s.rest2)),
          inv_bias2(Vec<T>::set(s.inv_sqrt_bias2)),
          epsilon(Vec<T>::set(s.epsilon)),
          gradient_rate(Vec<T>::set(s.gradient_rate)) {}
    BRISKMLP_INLINE Vec<T> next(Vec<T> weight, Vec<T> gradient, Vec<T>& m, Vec<T>& v) const {
        m = fma(rest1, gradient - m, m);
        v = fma(rest2 * gradient, gradient, beta2 * v);
        const Vec<T> denominator = fma(sqrt(v), inv_bias2, epsilon);
        if constexpr (kLooksAhead) {
            return fma(decay, weight, -fma(rate, m, gradient_rate * gradient) / denominator);
        } else {
            return fnma(rate, m / denominator, decay * weight);
        }
    }
};

// v is the running mean of g^2; w -= rate g / (sqrt(v) + epsilon) (Tieleman and Hinton 2012). With
// momentum the quotient is added to the velocity beta1 u, which then takes its place.
template <class T, bool kMomentum>
struct Rmsprop {
    static constexpr int kStates = kMomentum ? 2 : 1;
    Vec<T> rate, momentum, beta2, rest2, epsilon;

    explicit Rmsprop(const UpdateScalars<T>& s)
        : rate(Vec<T>::set(s.rate)),
          momentum(Vec<T>::set(s.beta1)),
          beta2(Vec<T>::set(s.beta2)),
          rest2(Vec<T>::set(s.rest2)),
          epsilon(Vec<T>::set(s.epsilon)) {}
    BRISKMLP_INLINE Vec<T> next(Vec<T> weight, Vec<T> gradient, Vec<T>& v, Vec<T>& u) const {
        v = fma(rest2 * gradient, gradient, beta2 * v);
        const Vec<T> direction = gradient / (sqrt(v) + epsilon);
        if constexpr (kMomentum) {
            u = fma(momentum, u, direction);
            return fnma(rate, u, weight);
        } else {
            return fnma(rate, direction, weight);
        }
    }
};

// s += g^2; w -= rate g / (sqrt(s) + epsilon) (Duchi, Hazan and Singer 2011).
template <class T>
struct Adagrad {
    static constexpr int kStates = 1;
    Vec<T> rate, epsilon;

    explicit Adagrad(const UpdateScalars<T>& s)
        : rate(Vec<T>::set(s.rate)), epsilon(Vec<T>::set(s.epsilon)) {}
    BRISKMLP_INLINE Vec<T> next(Vec<T> weight, Vec<T> gradient, Vec<T>& sum, Vec<T>&) const {
        sum = fma(gradient, gradient, sum);
        return fnma(rate, gradient / (sqrt(sum) + epsilon), weight);
    }
};

// w = decay w - rate sign(beta1 m + rest1 g); m = beta2 m + rest2 g (Chen et al. 2023).
template <class T>
struct Lion {
    static constexpr int kStates = 1;
    Vec<T> rate, decay, beta1, rest1, beta2, rest2;

    explicit Lion(const UpdateScalars<T>& s)
        : rate(Vec<T>::set(s.rate)),
          decay(Vec<T>::set(s.decay)),
          beta1(Vec<T>::set(s.beta1)),
          rest1(Vec<T>::set(s.rest1)),
          beta2(Vec<T>::set(s.beta2)),
          rest2(Vec<T>::set(s.rest2)) {}
    BRISKMLP_INLINE Vec<T> next(Vec<T> weight, Vec<T> gradient, Vec<T>& m, Vec<T>&) const {
        const Vec<T> zero = Vec<T>::zero();
        const Vec<T> direction = fma(beta1, m, rest1 * gradient);
        const Vec<T> step = select(direction == zero, zero, copysign(rate, direction));
        m = fma(beta2, m, rest2 * gradient);
        return fma(decay, weight, -step);
    }
};

template <class T>
void adjust_gradient(index_t rows, index_t cols, T* g, index_t ldg, const T* w, index_t ldw,
                     T scale, T l1, T limit) {
    using V = Vec<T>;
    const V factor = V::set(scale), slope = V::set(l1), most = V::set(limit), zero = V::zero();
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += V::kLanes) {
            const V weight = V::load(w + r * ldw + j);
            const V penalty = select(weight == zero, zero, copysign(slope, weight));
            const V sum = fma(factor, V::load(g + r * ldg + j), penalty);
            min(most, max(-most, sum)).store(g + r * ldg + j);
        }
    }
}

template <class T>
double sum_of_squares(index_t rows, index_t cols, const T* g, index_t ldg) {
    double total = 0;
    for (index_t r = 0; r < rows; ++r) {
        Vec<T> sum = Vec<T>::zero();
        for (index_t j = 0; j < cols; j += Vec<T>::kLanes) {
            const Vec<T> x = Vec<T>::load(g + r * ldg + j);
            sum = fma(x, x, sum);
        }
        total += static_cast<double>(reduce_add(sum));
    }
    return total;
}

template <class T>
void average(index_t rows, index_t cols, const T* w, T* average, index_t ldw, T rest) {
    const Vec<T> share = Vec<T>::set(rest);
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += Vec<T>::kLanes) {
            T* const a = average + r * ldw + j;
            const Vec<T> old = Vec<T>::load(a);
            fma(share, Vec<T>::load(w + r * ldw + j) - old, old).store(a);
        }
    }
}

// In the order of the enumeration UpdateRule.
template <class T>
constexpr Update<T> kUpdate[kUpdateRuleCount] = {
    update<T, Sgd<T>>,           update<T, Momentum<T, false>>, update<T, Momentum<T, true>>,
    update<T, Adam<T, false>>,   update<T, Adam<T, true>>,      update<T, Rmsprop<T, false>>,
    update<T, Rmsprop<T, true>>, update<T, Adagrad<T>>,         update<T, Lion<T>>,
};

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
