// Optimizer updates on a tile of parameters, with exact division and square root. The order of
// operations is PyTorch's, so that trajectories agree to rounding.
#pragma once

#include "kernels/inline.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// v = momentum v + g (v starts at zero); w -= learning_rate (v, or g + momentum v for Nesterov).
template <class T>
void sgd_momentum(index_t rows, index_t cols, const T* g, index_t ldg, T* w, T* velocity,
                  index_t ldw, const SgdStep<T>& step) {
    using V = Vec<T>;
    const V rate = V::set(step.learning_rate);
    const V momentum = V::set(step.momentum);
    const V l2 = V::set(step.l2);
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += V::kLanes) {
            T* const w_j = w + r * ldw + j;
            T* const v_j = velocity + r * ldw + j;
            const V weight = V::load(w_j);
            const V gradient = fma(l2, weight, V::load(g + r * ldg + j));
            const V v = fma(momentum, V::load(v_j), gradient);
            v.store(v_j);
            const V direction = step.nesterov ? fma(momentum, v, gradient) : v;
            fnma(rate, direction, weight).store(w_j);
        }
    }
}

template <class T>
void sgd_plain(index_t rows, index_t cols, const T* g, index_t ldg, T* w, index_t ldw,
               const SgdStep<T>& step) {
    using V = Vec<T>;
    const V rate = V::set(step.learning_rate);
    const V l2 = V::set(step.l2);
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += V::kLanes) {
            const V weight = V::load(w + r * ldw + j);
            const V gradient = fma(l2, weight, V::load(g + r * ldg + j));
            fnma(rate, gradient, weight).store(w + r * ldw + j);
        }
    }
}

template <class T>
void sgd(index_t rows, index_t cols, const T* g, index_t ldg, T* w, T* velocity, index_t ldw,
         const SgdStep<T>& step) {
    if (velocity == nullptr) {
        sgd_plain(rows, cols, g, ldg, w, ldw, step);
    } else {
        sgd_momentum(rows, cols, g, ldg, w, velocity, ldw, step);
    }
}

// Kingma and Ba 2015; with decay != 1 Loshchilov and Hutter 2019.
template <class T>
void adam(index_t rows, index_t cols, const T* g, index_t ldg, T* w, T* m, T* v, index_t ldw,
          const AdamStep<T>& step) {
    using V = Vec<T>;
    const V beta2 = V::set(step.beta2);
    const V rest1 = V::set(step.rest1), rest2 = V::set(step.rest2);
    const V size = V::set(step.step_size), inv_bias2 = V::set(step.inv_sqrt_bias2);
    const V epsilon = V::set(step.epsilon), l2 = V::set(step.l2), decay = V::set(step.decay);
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += V::kLanes) {
            T* const w_j = w + r * ldw + j;
            T* const m_j = m + r * ldw + j;
            T* const v_j = v + r * ldw + j;
            const V weight = V::load(w_j);
            const V gradient = fma(l2, weight, V::load(g + r * ldg + j));
            const V m_old = V::load(m_j);
            const V m_new = fma(rest1, gradient - m_old, m_old);
            const V v_new = fma(rest2 * gradient, gradient, beta2 * V::load(v_j));
            m_new.store(m_j);
            v_new.store(v_j);
            const V denominator = fma(sqrt(v_new), inv_bias2, epsilon);
            fnma(size, m_new / denominator, decay * weight).store(w_j);
        }
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
