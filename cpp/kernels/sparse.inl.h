// The matmul of sparse rows: as many multiply-adds as they have entries.
#pragma once

#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Vectors of columns that share each entry: their sums hide the latency of the multiply-add.
constexpr int kSparseVecs = 4;

// kVecs vectors of one row of y, all whole but where there is one alone.
template <class T, int kVecs>
BRISKMLP_INLINE void sparse_panel(index_t entries, const std::int32_t* columns, const T* values,
                                  const T* w, index_t ldw, const T* bias, T* y, int lanes) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    Vec<T> sum[kVecs];
    BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
        sum[v] = load_lanes(bias + v * kLanes, lanes);
    }
    for (index_t i = 0; i < entries; ++i) {
        const T* const row = w + columns[i] * ldw;
        const Vec<T> value = Vec<T>::set(values[i]);
        BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
            sum[v] = fma(value, load_lanes(row + v * kLanes, lanes), sum[v]);
        }
    }
    BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) { store_lanes(sum[v], y + v * kLanes, lanes); }
}

template <class T>
void sparse_forward(index_t m, index_t n, const std::int64_t* starts, const std::int32_t* columns,
                    const T* values, const T* w, index_t ldw, const T* bias, T* y, index_t ldy) {
    constexpr int kLanes = Vec<T>::kLanes;
    constexpr index_t kPanel = kSparseVecs * kLanes;
    for (index_t r = 0; r < m; ++r) {
        const std::int64_t first = starts[r], entries = starts[r + 1] - first;
        index_t j = 0;
        for (; j + kPanel <= n; j += kPanel) {
            sparse_panel<T, kSparseVecs>(entries, columns + first, values + first, w + j, ldw,
                                         bias + j, y + r * ldy + j, kLanes);
        }
        for_vectors<T>(n - j, [&](index_t at, int lanes) {
            sparse_panel<T, 1>(entries, columns + first, values + first, w + j + at, ldw,
                               bias + j + at, y + r * ldy + j + at, lanes);
        });
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
