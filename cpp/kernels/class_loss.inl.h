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
BRISKMLP_INLINE double smoothing(LossRows<T> in) {
    return in.num_settings == 0 ? 0 : in.settings[0];
}

// A loss of rows with labels, by blocks of up to kLanes rows: loss(block, at_label) returns those
// of a vector of rows and writes their gradients. at_label holds the raw outputs at the labels,
// which d, as it may be z, would overwrite.
template <class T, class Loss>
BRISKMLP_INLINE double label_loss(LossRows<T> in, Loss loss) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    double total = 0;
    for (index_t first = 0; first < in.rows; first += kLanes) {
        LossRows<T> block = in;
        block.rows = in.rows - first < kLanes ? in.rows - first : kLanes;
        block.z += first * in.ldz;
        block.label += first;
        if (in.d != nullptr) {
            block.scale += first;
            block.d += first * in.ldd;
        }
        T at_label[kLanes], losses[kLanes];
        for (index_t i = 0; i < block.rows; ++i) {
            at_label[i] = block.z[i * in.ldz + block.label[i]];
        }
        loss(block, at_label).store(losses);
        for (index_t i = 0; i < block.rows; ++i) {
            total += static_cast<double>(losses[i]) *
                     (in.weight == nullptr ? 1.0 : static_cast<double>(in.weight[first + i]));
        }
    }
    return total;
}

// log(sum exp z) - sum p z, where p is 1 at the label and 0 elsewhere, or smoothed.
template <class T>
double cross_entropy_labels(LossRows<T> in) {
    const T spread = static_cast<T>(smoothing(in)), kept = static_cast<T>(1 - smoothing(in));
    return label_loss(in, [&](LossRows<T> b, T* at_target) BRISKMLP_INLINE_LAMBDA {
        const int count = static_cast<int>(b.rows);
        for (int i = 0; spread != 0 && i < count; ++i) {
            at_target[i] = kept * at_target[i] + spread * row_mean(b.n, b.z + i * b.ldz);
        }
        const T* const scale = b.d == nullptr ? nullptr : b.scale;
        const Exponentials<T> e = exponentials(count, b.n, b.z, b.ldz, scale, b.d, b.ldd);
        for (int i = 0; i < count && b.d != nullptr; ++i) {
            b.d[i * b.ldd + b.label[i]] -= kept * scale[i];
        }
        for (int i = 0; spread != 0 && i < count && b.d != nullptr; ++i) {
            row_add(b.n, -(spread * scale[i] / static_cast<T>(b.n)), b.d + i * b.ldd);
        }
        return log(e.sum) + (e.top - load_lanes(at_target, count));
    });
}

// sum of p (log(sum exp z) - z) over the columns, for rows of probabilities p, or smoothed.
template <class T>
double cross_entropy_rows(LossRows<T> in) {
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
double cross_entropy(LossRows<T> in) {
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
double focal(LossRows<T> in) {
    using V = Vec<T>;
    const T gamma = static_cast<T>(in.settings[0]);
    return label_loss(in, [&](LossRows<T> b, const T* at_label) BRISKMLP_INLINE_LAMBDA {
        const int count = static_cast<int>(b.rows);
        const Exponentials<T> e = exponentials<T>(count, b.n, b.z, b.ldz, nullptr, b.d, b.ldd);
        const Focal<T> values(log(e.sum) + (e.top - load_lanes(at_label, count)), gamma);
        if (b.d != nullptr) {
            const V slope = load_lanes(b.scale, count) * values.slope;
            T slopes[V::kLanes], at_labels[V::kLanes];
            slope.store(slopes);
            (-(slope * values.miss)).store(at_labels);
            for (int i = 0; i < count; ++i) {
                row_multiply(b.n, slopes[i], b.d + i * b.ldd);
                b.d[i * b.ldd + b.label[i]] = at_labels[i];
            }
        }
        return values.loss;
    });
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
