// Losses of one class out of n, and their gradients with respect to the raw outputs, fused with
// softmax, their link. The formula of a row stands at each.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/softmax.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
BRISKMLP_INLINE T row_mean(index_t n, const T* z) {
    Vec<T> sum = Vec<T>::zero();
    for_vectors<T>(n, [&](index_t j, int lanes) { sum = sum + load_lanes(z + j, lanes); });
    return reduce_add(sum) / static_cast<T>(n);
}

template <class T>
BRISKMLP_INLINE void row_add(index_t n, T term, T* x) {
    for_vectors<T>(n, [&](index_t j, int lanes) {
        store_lanes(Vec<T>::set(term) + load_lanes(x + j, lanes), x + j, lanes);
    });
}

// The share of each target that is spread over all classes.
template <class T>
BRISKMLP_INLINE double smoothing(const LossRows<T>& in) {
    return in.num_settings == 0 ? 0 : in.settings[0];
}

// log(sum exp z) - sum p z, where p is 1 at the label and 0 elsewhere, or smoothed. The logarithms
// of a block of rows are taken as one vector.
template <class T>
double cross_entropy_labels(const LossRows<T>& in) {
    using V = Vec<T>;
    const T spread = static_cast<T>(smoothing(in)), kept = static_cast<T>(1 - smoothing(in));
    double total = 0;
    for (index_t first = 0; first < in.rows; first += V::kLanes) {
        const int count =
            static_cast<int>(in.rows - first < V::kLanes ? in.rows - first : V::kLanes);
        const T* const raw = in.z + first * in.ldz;
        const std::int32_t* const label = in.label + first;
        T at_target[V::kLanes];  // before d, which may be z, is written
        for (int i = 0; i < count; ++i) {
            at_target[i] = raw[i * in.ldz + label[i]];
            if (spread != 0) {
                at_target[i] = kept * at_target[i] + spread * row_mean(in.n, raw + i * in.ldz);
            }
        }
        T* const out = in.d == nullptr ? nullptr : in.d + first * in.ldd;
        const T* const scale = in.d == nullptr ? nullptr : in.scale + first;
        const Exponentials<T> e = exponentials(count, in.n, raw, in.ldz, scale, out, in.ldd);
        for (int i = 0; i < count && out != nullptr; ++i) {
            out[i * in.ldd + label[i]] -= kept * scale[i];
            if (spread != 0) {
                row_add(in.n, -(spread * scale[i] / static_cast<T>(in.n)), out + i * in.ldd);
            }
        }
        T losses[V::kLanes];
        (log(e.sum) + (e.top - load_lanes(at_target, count))).store(losses);
        for (int i = 0; i < count; ++i) {
            total += static_cast<double>(losses[i]) *
                     (in.weight == nullptr ? 1.0 : static_cast<double>(in.weight[first + i]));
        }
    }
    return total;
}

// sum of p (log(sum exp z) - z) over the columns, for rows of probabilities p, or smoothed.
template <class T>
double cross_entropy_rows(const LossRows<T>& in) {
    using V = Vec<T>;
    const index_t n = in.n;
    const V kept = V::set(static_cast<T>(1 - smoothing(in)));
    const V spread = V::set(static_cast<T>(smoothing(in) / static_cast<double>(n)));
    double total = 0;
    for (index_t r = 0; r < in.rows; ++r) {
        const T* const raw = in.z + r * in.ldz;
        T* const out = in.d == nullptr ? nullptr : in.d + r * in.ldd;
        const auto probabilities = [&](index_t j, int lanes) {
            return fma(kept, load_lanes(in.target + r * in.ldtarget + j, lanes), spread);
        };
        const T top = row_max(n, raw);
        V mass = V::zero(), below_top = V::zero();
        for_vectors<T>(n, [&](index_t j, int lanes) {
            const V p = select(first_lanes<T>(lanes), probabilities(j, lanes), V::zero());
            mass = mass + p;
            below_top = fma(p, V::set(top) - load_lanes(raw + j, lanes), below_top);
        });
        const T sum = row_exp(n, raw, top, out);
        const T total_mass = reduce_add(mass);
        if (out != nullptr) {
            const V factor = V::set(in.scale[r]);
            const V softmax_factor = V::set(in.scale[r] * total_mass / sum);
            for_vectors<T>(n, [&](index_t j, int lanes) {
                const V e = load_lanes(out + j, lanes);
                store_lanes(fnma(factor, probabilities(j, lanes), softmax_factor * e), out + j,
                            lanes);
            });
        }
        T log_sum[V::kLanes];
        log(V::set(sum)).store(log_sum);
        const double row = static_cast<double>(total_mass) * static_cast<double>(log_sum[0]) +
                           static_cast<double>(reduce_add(below_top));
        total += in.weight == nullptr ? row : row * static_cast<double>(in.weight[r]);
    }
    return total;
}

template <class T>
double cross_entropy(const LossRows<T>& in) {
    return in.label != nullptr ? cross_entropy_labels(in) : cross_entropy_rows(in);
}

// The focal loss of a vector of rows, by l = -log p with p the label's probability: m^g l, where
// m = 1 - p and the setting is g.
template <class T>
struct Focal {
    Vec<T> miss, loss;
    Vec<T> slope;  // the gradient is slope (softmax(z) - [1 at the label])

    BRISKMLP_INLINE Focal(Vec<T> l, T g) : miss(-expm1(-l)) {
        using V = Vec<T>;
        const V one = V::set(T(1)), gamma = V::set(g);
        // 0^0 is 1, so that the loss is cross entropy without its setting.
        const V power = exp(gamma * max(V::set(T(-1e30)), log(miss)));
        const V ratio = select(miss > V::zero(), l / miss, one);  // its limit where p is 1
        loss = power * l;
        slope = power * fma(gamma * (one - miss), ratio, one);
    }
};

template <class T>
double focal(const LossRows<T>& in) {
    using V = Vec<T>;
    double total = 0;
    for (index_t first = 0; first < in.rows; first += V::kLanes) {
        const int count =
            static_cast<int>(in.rows - first < V::kLanes ? in.rows - first : V::kLanes);
        const T* const raw = in.z + first * in.ldz;
        const std::int32_t* const label = in.label + first;
        T at_label[V::kLanes];  // before d, which may be z, is written
        for (int i = 0; i < count; ++i) {
            at_label[i] = raw[i * in.ldz + label[i]];
        }
        T* const out = in.d == nullptr ? nullptr : in.d + first * in.ldd;
        const Exponentials<T> e = exponentials<T>(count, in.n, raw, in.ldz, nullptr, out, in.ldd);
        const Focal<T> focal(log(e.sum) + (e.top - load_lanes(at_label, count)),
                             static_cast<T>(in.settings[0]));
        T losses[V::kLanes], slopes[V::kLanes], at_labels[V::kLanes];
        focal.loss.store(losses);
        focal.slope.store(slopes);
        (-(focal.slope * focal.miss)).store(at_labels);
        for (int i = 0; i < count; ++i) {
            if (out != nullptr) {
                row_multiply(in.n, in.scale[first + i] * slopes[i], out + i * in.ldd);
                out[i * in.ldd + label[i]] = in.scale[first + i] * at_labels[i];
            }
            total += static_cast<double>(losses[i]) *
                     (in.weight == nullptr ? 1.0 : static_cast<double>(in.weight[first + i]));
        }
    }
    return total;
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
