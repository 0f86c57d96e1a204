// Layer normalisation (Ba, Kiros and Hinton 2016) of the rows of a matrix, and its way back. Each
// row is summed along the lanes, so that its bits hang on nothing but its length.
#pragma once

#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// In every lane the mean of n numbers of which `sum` has the sums by lane.
template <class T>
BRISKMLP_INLINE Vec<T> mean_of(Vec<T> sum, index_t n) {
    return Vec<T>::set(reduce_add(sum) / static_cast<T>(n));
}

template <class T>
void layer_norm(index_t rows, index_t n, const T* x, index_t ldx, T* y, index_t ldy,
                T* inverse_deviations) {
    using V = Vec<T>;
    const V one = V::set(T(1)), epsilon = V::set(static_cast<T>(kNormEpsilon));
    for (index_t r = 0; r < rows; ++r) {
        const T* const row = x + r * ldx;
        T* const y_row = y + r * ldy;
        V sum = V::zero(), squares = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes)
                              BRISKMLP_INLINE_LAMBDA { sum = sum + load_lanes(row + j, lanes); });
        const V mean = mean_of<T>(sum, n);
        for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
            V deviation = load_lanes(row + j, lanes) - mean;
            if (lanes < V::kLanes) {
                deviation = select(first_lanes<T>(lanes), deviation, V::zero());
            }
            squares = fma(deviation, deviation, squares);
        });
        const V inverse = one / sqrt(mean_of<T>(squares, n) + epsilon);
        for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
            store_lanes((load_lanes(row + j, lanes) - mean) * inverse, y_row + j, lanes);
        });
        if (inverse_deviations != nullptr) {
            inverse.store_partial(inverse_deviations + r, 1);
        }
    }
}

// With y = (x - mean) / deviation, d y_i / d x_j = ((i == j) - (1 + y_i y_j) / n) / deviation.
template <class T>
void layer_norm_backward(index_t rows, index_t n, const T* y, index_t ldy,
                         const T* inverse_deviations, T* d, index_t ldd) {
    using V = Vec<T>;
    for (index_t r = 0; r < rows; ++r) {
        const T* const y_row = y + r * ldy;
        T* const d_row = d + r * ldd;
        V sum = V::zero(), products = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
            const V gradient = load_lanes(d_row + j, lanes);
            sum = sum + gradient;
            products = fma(gradient, load_lanes(y_row + j, lanes), products);
        });
        const V mean = mean_of<T>(sum, n), slope = mean_of<T>(products, n);
        const V inverse = V::set(inverse_deviations[r]);
        for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
            const V gradient = load_lanes(d_row + j, lanes) - mean;
            const V left = fnma(load_lanes(y_row + j, lanes), slope, gradient);
            store_lanes(left * inverse, d_row + j, lanes);
        });
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
