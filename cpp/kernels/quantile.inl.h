// Several quantiles of a target at once, which never cross: the middle one is a raw output, and
// each further one on either side is a softplus beyond its neighbour. A row has the n outputs of
// the lowest quantile first, then those of the next, and so on.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Calls body(k, q) with a vector of each quantile, k from the middle up and then from it down; z is
// that of the lowest, which `body` may overwrite with q.
template <class T, class Body>
BRISKMLP_INLINE void for_quantiles(index_t levels, index_t n, const T* z, int lanes, Body body) {
    const index_t middle = middle_quantile(levels);
    const Vec<T> start = load_lanes(z + middle * n, lanes);
    body(middle, start);
    Vec<T> q = start;
    for (index_t k = middle + 1; k < levels; ++k) {
        q = q + softplus(load_lanes(z + k * n, lanes));
        body(k, q);
    }
    q = start;
    for (index_t k = middle - 1; k >= 0; --k) {
        q = q - softplus(load_lanes(z + k * n, lanes));
        body(k, q);
    }
}

// From the derivatives by the quantiles, slopes[k], to those by the raw outputs z, into d, which
// may be z: a raw output moves the quantiles from its own on outwards.
template <class T>
BRISKMLP_INLINE void store_quantile_slopes(index_t levels, index_t n, const T* z, int lanes,
                                           const Vec<T>* slopes, Vec<T> factor, T* d) {
    using V = Vec<T>;
    const index_t middle = middle_quantile(levels);
    V above = V::zero(), below = V::zero();
    for (index_t k = levels - 1; k > middle; --k) {
        above = above + slopes[k];
        store_lanes(factor * (above * sigmoid(load_lanes(z + k * n, lanes))), d + k * n, lanes);
    }
    for (index_t k = 0; k < middle; ++k) {
        below = below + slopes[k];
        store_lanes(-(factor * (below * sigmoid(load_lanes(z + k * n, lanes)))), d + k * n, lanes);
    }
    store_lanes(factor * (above + below + slopes[middle]), d + middle * n, lanes);
}

// t e for e = y - q >= 0, (t - 1) e below: the mean over the targets and the levels t, which are
// the settings.
template <class T>
double quantile(LossRows<T> in) {
    using V = Vec<T>;
    const index_t n = in.n, levels = in.num_settings;
    const auto terms = static_cast<double>(n * levels);
    double total = 0;
    for (index_t r = 0; r < in.rows; ++r) {
        const V factor = V::set(in.d == nullptr ? T(0) : in.scale[r] / static_cast<T>(terms));
        V sum = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes) {
            const T* const z = in.z + r * in.ldz + j;
            const V y = load_lanes(in.target + r * in.ldtarget + j, lanes);
            V slopes[kMaxQuantiles];
            for_quantiles(levels, n, z, lanes, [&](index_t k, V q) {
                const V error = y - q;
                const V below = V::set(static_cast<T>(1 - in.settings[k]));
                const V above = V::set(static_cast<T>(-in.settings[k]));
                slopes[k] = select(error < V::zero(), below, above);
                sum = sum - select(first_lanes<T>(lanes), slopes[k] * error, V::zero());
            });
            if (in.d != nullptr) {
                store_quantile_slopes(levels, n, z, lanes, slopes, factor, in.d + r * in.ldd + j);
            }
        });
        const double row = static_cast<double>(reduce_add(sum)) / terms;
        total += in.weight == nullptr ? row : row * static_cast<double>(in.weight[r]);
    }
    return total;
}

// The link: (rows, levels n) raw outputs become quantiles, in place.
template <class T>
void quantile_rows(index_t rows, index_t n, index_t levels, T* z, index_t ldz) {
    for (index_t r = 0; r < rows; ++r) {
        for_vectors<T>(n, [&](index_t j, int lanes) {
            T* const row = z + r * ldz + j;
            for_quantiles<T>(levels, n, row, lanes,
                             [&](index_t k, Vec<T> q) { store_lanes(q, row + k * n, lanes); });
        });
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
