// Moments of a matrix's columns, and batch normalisation (Ioffe and Szegedy 2015) by them, there
// and back. A column's sums go from the first row to the last in one lane, so that its bits hang on
// nothing but the rows. All of it goes in whole vectors.
#pragma once

#include "kernels/inline.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
void column_moments(index_t rows, index_t cols, const T* x, index_t ldx, T* means, T* squares) {
    using V = Vec<T>;
    const V inverse_rows = V::set(T(1) / static_cast<T>(rows));
    for (index_t j = 0; j < cols; j += V::kLanes) {
        V sum = V::zero(), sum_of_squares = V::zero();
        for (index_t r = 0; r < rows; ++r) {
            sum = sum + V::load(x + r * ldx + j);
        }
        const V mean = sum * inverse_rows;
        for (index_t r = 0; r < rows; ++r) {
            const V deviation = V::load(x + r * ldx + j) - mean;
            sum_of_squares = fma(deviation, deviation, sum_of_squares);
        }
        mean.store(means + j);
        sum_of_squares.store(squares + j);
    }
}

template <class T>
void batch_norm(index_t rows, index_t cols, const T* x, index_t ldx, const T* means,
                const T* inverse_deviations, T* y, index_t ldy) {
    using V = Vec<T>;
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += V::kLanes) {
            const V deviation = V::load(x + r * ldx + j) - V::load(means + j);
            (deviation * V::load(inverse_deviations + j)).store(y + r * ldy + j);
        }
    }
}

template <class T>
void column_products(index_t rows, index_t cols, const T* d, index_t ldd, const T* y, index_t ldy,
                     T* sums, T* products) {
    using V = Vec<T>;
    for (index_t j = 0; j < cols; j += V::kLanes) {
        V sum = V::zero(), product = V::zero();
        for (index_t r = 0; r < rows; ++r) {
            const V gradient = V::load(d + r * ldd + j);
            sum = sum + gradient;
            product = fma(gradient, V::load(y + r * ldy + j), product);
        }
        sum.store(sums + j);
        product.store(products + j);
    }
}

// With y = (x - mean) / deviation of n rows, d y_i / d x_k = ((i == k) - (1 + y_i y_k) / n) /
// deviation.
template <class T>
void batch_norm_backward(index_t rows, index_t cols, const T* y, index_t ldy, const T* means,
                         const T* slopes, const T* inverse_deviations, T* d, index_t ldd) {
    using V = Vec<T>;
    for (index_t r = 0; r < rows; ++r) {
        for (index_t j = 0; j < cols; j += V::kLanes) {
            const V gradient = V::load(d + r * ldd + j) - V::load(means + j);
            const V left = fnma(V::load(y + r * ldy + j), V::load(slopes + j), gradient);
            (left * V::load(inverse_deviations + j)).store(d + r * ldd + j);
        }
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
