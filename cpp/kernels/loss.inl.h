// Losses of a tile of rows and their gradients with respect to the raw outputs, fused with the
// losses' links. The formula stands at each; a row's sums have one fixed order.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/softmax.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// The loss of one row as a sum over its columns: loss(z, target, d) returns the terms of a vector
// of columns and sets d to their derivatives. `mean` is 1 / (columns a target row has).
template <class T, class Loss>
BRISKMLP_INLINE double elementwise_loss(index_t rows, index_t n, const T* z, index_t ldz,
                                        const T* target, index_t ldtarget, const T* weight,
                                        const T* scale, T* d, index_t ldd, Loss loss) {
    using V = Vec<T>;
    const T mean = T(1) / static_cast<T>(n);
    double total = 0;
    for (index_t r = 0; r < rows; ++r) {
        const V factor = V::set(d == nullptr ? T(0) : scale[r] * mean);
        V sum = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes) {
            V derivative;
            const V term = loss(load_lanes(z + r * ldz + j, lanes),
                                load_lanes(target + r * ldtarget + j, lanes), &derivative);
            sum = sum + select(first_lanes<T>(lanes), term, V::zero());
            if (d != nullptr) {
                store_lanes(factor * derivative, d + r * ldd + j, lanes);
            }
        });
        const double row = static_cast<double>(reduce_add(sum)) / static_cast<double>(n);
        total += weight == nullptr ? row : row * static_cast<double>(weight[r]);
    }
    return total;
}

// (y - z)^2
template <class T>
double mse(index_t rows, index_t n, const T* z, index_t ldz, const T* target, index_t ldtarget,
           const T* weight, const T* scale, T* d, index_t ldd) {
    using V = Vec<T>;
    return elementwise_loss(rows, n, z, ldz, target, ldtarget, weight, scale, d, ldd,
                            [](V raw, V y, V* derivative) {
                                const V error = raw - y;
                                *derivative = error + error;
                                return error * error;
                            });
}

// softplus(z) - y z, which is -y log s(z) - (1 - y) log(1 - s(z)); its derivative is s(z) - y.
template <class T>
double binary_cross_entropy(index_t rows, index_t n, const T* z, index_t ldz, const T* target,
                            index_t ldtarget, const T* weight, const T* scale, T* d, index_t ldd) {
    using V = Vec<T>;
    return elementwise_loss(rows, n, z, ldz, target, ldtarget, weight, scale, d, ldd,
                            [](V raw, V y, V* derivative) {
                                *derivative = sigmoid(raw) - y;
                                return fnma(y, raw, softplus(raw));
                            });
}

// (log v + (y - mu)^2 / v + log 2 pi) / 2 with raw outputs mu and log v.
template <class T>
double gaussian_nll(index_t rows, index_t n, const T* z, index_t ldz, const T* target,
                    index_t ldtarget, const T* weight, const T* scale, T* d, index_t ldd) {
    using V = Vec<T>;
    constexpr double kLog2Pi = 1.8378770664093454835606594728112;
    const V half = V::set(T(0.5)), one = V::set(T(1));
    const T mean = T(1) / static_cast<T>(n);
    double total = 0;
    for (index_t r = 0; r < rows; ++r) {
        const V factor = V::set(d == nullptr ? T(0) : scale[r] * mean);
        V sum = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes) {
            const V log_variance = load_lanes(z + r * ldz + n + j, lanes);
            const V error =
                load_lanes(z + r * ldz + j, lanes) - load_lanes(target + r * ldtarget + j, lanes);
            const V scaled = error * exp(-log_variance);
            const V square = error * scaled;
            sum = sum + select(first_lanes<T>(lanes), log_variance + square, V::zero());
            if (d != nullptr) {
                store_lanes(factor * scaled, d + r * ldd + j, lanes);
                store_lanes(factor * half * (one - square), d + r * ldd + n + j, lanes);
            }
        });
        const double row =
            0.5 * (static_cast<double>(reduce_add(sum)) / static_cast<double>(n) + kLog2Pi);
        total += weight == nullptr ? row : row * static_cast<double>(weight[r]);
    }
    return total;
}

template <class T>
void exp_rows(index_t rows, index_t n, T* z, index_t ldz) {
    for (index_t r = 0; r < rows; ++r) {
        for_vectors<T>(n, [&](index_t j, int lanes) {
            store_lanes(exp(load_lanes(z + r * ldz + j, lanes)), z + r * ldz + j, lanes);
        });
    }
}

// log(sum exp z) - z_label. The logarithms of a block of rows are taken as one vector.
template <class T>
double cross_entropy_labels(index_t rows, index_t n, const T* z, index_t ldz,
                            const std::int32_t* label, const T* weight, const T* scale, T* d,
                            index_t ldd) {
    using V = Vec<T>;
    double total = 0;
    for (index_t first = 0; first < rows; first += V::kLanes) {
        const int count = static_cast<int>(rows - first < V::kLanes ? rows - first : V::kLanes);
        const T* const raw = z + first * ldz;
        T at_label[V::kLanes];  // before d, which may be z, is written
        for (int i = 0; i < count; ++i) {
            at_label[i] = raw[i * ldz + label[first + i]];
        }
        T* const out = d == nullptr ? nullptr : d + first * ldd;
        const Exponentials<T> e =
            exponentials(count, n, raw, ldz, d == nullptr ? nullptr : scale + first, out, ldd);
        for (int i = 0; i < count && d != nullptr; ++i) {
            out[i * ldd + label[first + i]] -= scale[first + i];
        }
        T losses[V::kLanes];
        (log(e.sum) + (e.top - load_lanes(at_label, count))).store(losses);
        for (int i = 0; i < count; ++i) {
            total += static_cast<double>(losses[i]) *
                     (weight == nullptr ? 1.0 : static_cast<double>(weight[first + i]));
        }
    }
    return total;
}

// sum of p (log(sum exp z) - z) over the columns, for rows of probabilities p.
template <class T>
double cross_entropy_rows(index_t rows, index_t n, const T* z, index_t ldz, const T* target,
                          index_t ldtarget, const T* weight, const T* scale, T* d, index_t ldd) {
    using V = Vec<T>;
    double total = 0;
    for (index_t r = 0; r < rows; ++r) {
        const T* const raw = z + r * ldz;
        const T* const p = target + r * ldtarget;
        const T top = row_max(n, raw);
        V mass = V::zero(), below_top = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes) {
            const V pv = load_lanes(p + j, lanes);
            mass = mass + pv;
            below_top = fma(pv, V::set(top) - load_lanes(raw + j, lanes), below_top);
        });
        const T sum = row_exp(n, raw, top, d == nullptr ? nullptr : d + r * ldd);
        const T total_mass = reduce_add(mass);
        if (d != nullptr) {
            const V softmax_factor = V::set(scale[r] * total_mass / sum), factor = V::set(scale[r]);
            for_vectors<T>(n, [&](index_t j, int lanes) {
                const V e = load_lanes(d + r * ldd + j, lanes);
                const V gradient = fnma(factor, load_lanes(p + j, lanes), softmax_factor * e);
                store_lanes(gradient, d + r * ldd + j, lanes);
            });
        }
        T log_sum[V::kLanes];
        log(V::set(sum)).store(log_sum);
        const double row = static_cast<double>(total_mass) * static_cast<double>(log_sum[0]) +
                           static_cast<double>(reduce_add(below_top));
        total += weight == nullptr ? row : row * static_cast<double>(weight[r]);
    }
    return total;
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
