// Matmuls of a layer with so few outputs that a vector of them would be mostly padding: vectors run
// along the inputs instead.
#pragma once

#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Outputs N of a narrow layer, at most: vectors of them would be three quarters padding.
template <class T>
constexpr int kNarrow = Vec<T>::kLanes / 4;

// Rows of x that share each load of wt: with 4 columns 16 sums, which hide the latency of the
// multiply-add and fit the registers of AVX-512, where alone there can be 4.
constexpr int kNarrowRows = 4;

// y (kRows, kCols) = bias + x wt^T. Each lane sums its own inputs in ascending order; then the
// lanes are added, then the bias: one order whatever the number of rows.
template <class T, int kRows, int kCols>
BRISKMLP_INLINE void narrow_rows(index_t k, const T* x, index_t ldx, const T* wt, index_t ldwt,
                                 const T* bias, T* y, index_t ldy) {
    Vec<T> sum[kRows][kCols];
    BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
        BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) { sum[r][c] = Vec<T>::zero(); }
    }
    for_vectors<T>(k, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
        Vec<T> w[kCols];
        BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) {
            w[c] = load_lanes(wt + c * ldwt + j, lanes);
        }
        BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
            const Vec<T> xv = load_lanes(x + r * ldx + j, lanes);
            BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) {
                sum[r][c] = fma(xv, w[c], sum[r][c]);
            }
        }
    });
    BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
        BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) {
            const T total = reduce_add(sum[r][c]);
            y[r * ldy + c] = bias == nullptr ? total : bias[c] + total;
        }
    }
}

template <class T, int kCols>
void narrow_forward_columns(index_t m, index_t k, const T* x, index_t ldx, const T* wt,
                            index_t ldwt, const T* bias, T* y, index_t ldy) {
    index_t r = 0;
    for (; r + kNarrowRows <= m; r += kNarrowRows) {
        narrow_rows<T, kNarrowRows, kCols>(k, x + r * ldx, ldx, wt, ldwt, bias, y + r * ldy, ldy);
    }
    for (; r < m; ++r) {
        narrow_rows<T, 1, kCols>(k, x + r * ldx, ldx, wt, ldwt, bias, y + r * ldy, ldy);
    }
}

template <class T, int kCols = 1>
void narrow_forward(index_t m, index_t n, index_t k, const T* x, index_t ldx, const T* wt,
                    index_t ldwt, const T* bias, T* y, index_t ldy) {
    if constexpr (kCols == 1 || kCols <= kNarrow<T>) {
        n == kCols ? narrow_forward_columns<T, kCols>(m, k, x, ldx, wt, ldwt, bias, y, ldy)
                   : narrow_forward<T, kCols + 1>(m, n, k, x, ldx, wt, ldwt, bias, y, ldy);
    }
}

// The same bits for one output where x lies in columns: element (r, j) at x[r + j * ldx]. The sums
// that were the lanes of a vector are vectors here, of neighbouring rows, and pass through memory.
constexpr index_t kColumnSums = 16 << 10;  // bytes: half of L1
constexpr int kColumnSteps = 4;            // inputs of a lane for each time its sums do

// sum += x(j) w(j) for kSteps inputs, `lanes` apart, of `rows` rows.
template <class T, int kSteps>
BRISKMLP_INLINE void add_columns(index_t rows, const T* x, index_t ldx, const T* w, T* sum) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    Vec<T> wv[kSteps];
    BRISKMLP_UNROLL for (int s = 0; s < kSteps; ++s) { wv[s] = Vec<T>::set(w[s * kLanes]); }
    for_vectors<T>(rows, [&](index_t i, int lanes) BRISKMLP_INLINE_LAMBDA {
        Vec<T> total = Vec<T>::load(sum + i);
        BRISKMLP_UNROLL for (int s = 0; s < kSteps; ++s) {
            total = fma(load_lanes(x + s * kLanes * ldx + i, lanes), wv[s], total);
        }
        total.store(sum + i);
    });
}

template <class T>
void narrow_columns(index_t m, index_t k, const T* x, index_t ldx, const T* w, const T* bias, T* y,
                    index_t ldy) {
    constexpr index_t kLanes = Vec<T>::kLanes, kRows = kColumnSums / kLanes / index_t{sizeof(T)};
    constexpr index_t kStep = kColumnSteps * kLanes;
    T sums[kLanes][kRows];
    for (index_t first = 0; first < m; first += kRows) {
        const index_t rows = m - first < kRows ? m - first : kRows;
        const T* const block = x + first;
        for (int l = 0; l < kLanes; ++l) {
            for (index_t i = 0; i < rows; i += kLanes) {
                Vec<T>::zero().store(sums[l] + i);
            }
        }
        index_t j = 0;
        for (; j + kStep <= k; j += kStep) {
            for (int l = 0; l < kLanes; ++l) {
                add_columns<T, kColumnSteps>(rows, block + (j + l) * ldx, ldx, w + j + l, sums[l]);
            }
        }
        for (; j < k; ++j) {
            add_columns<T, 1>(rows, block + j * ldx, ldx, w + j, sums[j % kLanes]);
        }
        for (int half = kLanes / 2; half > 0; half /= 2) {  // as reduce_add does
            for (int l = 0; l < half; ++l) {
                for (index_t i = 0; i < rows; i += kLanes) {
                    (Vec<T>::load(sums[l] + i) + Vec<T>::load(sums[l + half] + i))
                        .store(sums[l] + i);
                }
            }
        }
        for (index_t i = 0; i < rows; ++i) {
            y[(first + i) * ldy] = bias == nullptr ? sums[0][i] : bias[0] + sums[0][i];
        }
    }
}

// kVecs vectors of rows of d_w (K, kCols) = x^T d, of which `lanes` exist in the last vector.
template <class T, int kVecs, int kCols>
void narrow_gradient_rows(index_t m, index_t rows, const T* x, index_t ldx, const T* d, index_t ldd,
                          bool add, T* d_w, index_t lddw) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    const int last = static_cast<int>(rows - (kVecs - 1) * kLanes);
    Vec<T> sum[kVecs][kCols];
    BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
        BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) { sum[v][c] = Vec<T>::zero(); }
    }
    for (index_t p = 0; p < m; ++p) {
        BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
            const T* const xp = x + p * ldx + v * kLanes;
            const Vec<T> xv = v + 1 < kVecs ? Vec<T>::load(xp) : load_lanes(xp, last);
            BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) {
                sum[v][c] = fma(xv, Vec<T>::set(d[p * ldd + c]), sum[v][c]);
            }
        }
    }
    T sums[kCols][kVecs * kLanes];
    BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
        BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) { sum[v][c].store(sums[c] + v * kLanes); }
    }
    for (index_t r = 0; r < rows; ++r) {
        T* const out = d_w + r * lddw;
        T total[kCols];
        BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) {
            total[c] = add ? out[c] + sums[c][r] : sums[c][r];
        }
        Vec<T>::zero().store(out);  // the padding
        BRISKMLP_UNROLL for (int c = 0; c < kCols; ++c) { out[c] = total[c]; }
    }
}

template <class T, int kCols>
void narrow_gradient_columns(index_t m, index_t k, const T* x, index_t ldx, const T* d, index_t ldd,
                             bool add, T* d_w, index_t lddw) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    // Vectors in groups of 4, or of 3 or 2 at the end: one alone would wait for its own sums.
    for (index_t left = k; left > 0;) {
        const index_t vectors = (left + kLanes - 1) / kLanes;
        const index_t group = vectors == 5 ? 3 : vectors < 4 ? vectors : 4;
        const index_t rows = left < group * kLanes ? left : group * kLanes;
        switch (group) {
            case 1:
                narrow_gradient_rows<T, 1, kCols>(m, rows, x, ldx, d, ldd, add, d_w, lddw);
                break;
            case 2:
                narrow_gradient_rows<T, 2, kCols>(m, rows, x, ldx, d, ldd, add, d_w, lddw);
                break;
            case 3:
                narrow_gradient_rows<T, 3, kCols>(m, rows, x, ldx, d, ldd, add, d_w, lddw);
                break;
            default: narrow_gradient_rows<T, 4, kCols>(m, rows, x, ldx, d, ldd, add, d_w, lddw);
        }
        x += rows;
        d_w += rows * lddw;
        left -= rows;
    }
}

template <class T, int kCols = 1>
void narrow_gradient(index_t m, index_t n, index_t k, const T* x, index_t ldx, const T* d,
                     index_t ldd, bool add, T* d_w, index_t lddw) {
    if constexpr (kCols <= kNarrow<T>) {
        n == kCols ? narrow_gradient_columns<T, kCols>(m, k, x, ldx, d, ldd, add, d_w, lddw)
                   : narrow_gradient<T, kCols + 1>(m, n, k, x, ldx, d, ldd, add, d_w, lddw);
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
