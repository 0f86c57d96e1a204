// exp(z - max z) of each row, normalised: softmax and what cross-entropy needs of it. Two forms
// with the same bits: a row along the lanes, and for short rows kLanes of them at once, one in each
// lane, which leaves no lane empty and folds no vector.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
BRISKMLP_INLINE T row_max(index_t n, const T* z) {
    using V = Vec<T>;
    V top = V::set(z[0]);
    for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
        top = max(select(first_lanes<T>(lanes), load_lanes(z + j, lanes), top), top);
    });
    return reduce_max(top);
}

// e = exp(z - top); returns the sum of e.
template <class T>
BRISKMLP_INLINE T row_exp(index_t n, const T* z, T top, T* e) {
    using V = Vec<T>;
    V sum = V::zero();
    for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
        const V term = exp(load_lanes(z + j, lanes) - V::set(top));
        sum = sum + select(first_lanes<T>(lanes), term, V::zero());
        if (e != nullptr) {
            store_lanes(term, e + j, lanes);
        }
    });
    return reduce_add(sum);
}

template <class T>
BRISKMLP_INLINE void row_multiply(index_t n, T factor, T* x) {
    for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
        store_lanes(Vec<T>::set(factor) * load_lanes(x + j, lanes), x + j, lanes);
    });
}

// Of up to kLanes rows, a row in each lane: the largest element and the sum of the exponentials.
template <class T>
struct Exponentials {
    Vec<T> top, sum;
};

// Rows of at most this many columns are turned, so that there is one in each lane.
constexpr index_t kShortRow = 32;
// With fewer rows than this, to turn them costs more than it saves.
constexpr int kFewRows = 4;

template <class T>
struct TurnedRows {
    static constexpr index_t kLanes = Vec<T>::kLanes;
    static constexpr index_t kWidth = (kShortRow + kLanes - 1) / kLanes * kLanes;
    T rows[kLanes * kWidth];     // (kLanes, kWidth)
    T columns[kWidth * kLanes];  // (kWidth, kLanes)

    void load(int count, index_t n, const T* z, index_t ldz) {
        for (int r = 0; r < count; ++r) {
            for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
                load_lanes(z + r * ldz + j, lanes).store(rows + r * kWidth + j);
            });
        }
        for (int r = count; r < kLanes; ++r) {
            for_vectors<T>(n, [&](index_t j, int) BRISKMLP_INLINE_LAMBDA {
                Vec<T>::zero().store(rows + r * kWidth + j);
            });
        }
        for (index_t j = 0; j < n; j += kLanes) {
            transpose_block(rows + j, kWidth, columns + j * kLanes, kLanes);
        }
    }
    void store(int count, index_t n, T* e, index_t lde) {
        for (index_t j = 0; j < n; j += kLanes) {
            transpose_block(columns + j * kLanes, kLanes, rows + j, kWidth);
        }
        for (int r = 0; r < count; ++r) {
            for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
                store_lanes(Vec<T>::load(rows + r * kWidth + j), e + r * lde + j, lanes);
            });
        }
    }
    Vec<T> column(index_t j) const { return Vec<T>::load(columns + j * kLanes); }
    void set_column(index_t j, Vec<T> x) { x.store(columns + j * kLanes); }
};

// The sum of n columns in the order in which row_exp adds up a row.
template <class T>
BRISKMLP_INLINE Vec<T> sum_columns(const TurnedRows<T>& turned, index_t n) {
    constexpr int kLanes = Vec<T>::kLanes;
    const int filled = static_cast<int>(n < kLanes ? n : kLanes);
    Vec<T> sums[kLanes];
    for (int i = 0; i < filled; ++i) {
        sums[i] = turned.column(i);
        for (index_t j = i + kLanes; j < n; j += kLanes) {
            sums[i] = sums[i] + turned.column(j);
        }
    }
    for (int half = kLanes / 2; half > 0; half /= 2) {
        for (int i = 0; i < half && i + half < filled; ++i) {
            sums[i] = sums[i] + sums[i + half];
        }
    }
    return sums[0];
}

template <class T>
Exponentials<T> exponentials_of_short_rows(int count, index_t n, const T* z, index_t ldz,
                                           const T* scale, T* e, index_t lde) {
    TurnedRows<T> turned;
    turned.load(count, n, z, ldz);
    Vec<T> top = turned.column(0);
    for (index_t j = 1; j < n; ++j) {
        top = max(turned.column(j), top);
    }
    for (index_t j = 0; j < n; ++j) {
        turned.set_column(j, exp(turned.column(j) - top));
    }
    const Vec<T> sum = sum_columns(turned, n);
    if (e != nullptr) {
        const Vec<T> one = Vec<T>::set(T(1));
        const Vec<T> factor = (scale == nullptr ? one : load_lanes(scale, count)) / sum;
        for (index_t j = 0; j < n; ++j) {
            turned.set_column(j, factor * turned.column(j));
        }
        turned.store(count, n, e, lde);
    }
    return {top, sum};
}

// Rows with no more elements than this together go through each pass together, which leaves no
// row's folding of a vector or division to be waited for.
constexpr index_t kNearElements = 4096;

template <class T>
BRISKMLP_INLINE void exponentials_of_near_rows(int count, index_t n, const T* z, index_t ldz,
                                               const T* scale, T* e, index_t lde, T* tops,
                                               T* sums) {
    for (int r = 0; r < count; ++r) {
        tops[r] = row_max(n, z + r * ldz);
    }
    for (int r = 0; r < count; ++r) {
        sums[r] = row_exp(n, z + r * ldz, tops[r], e == nullptr ? nullptr : e + r * lde);
    }
    for (int r = 0; e != nullptr && r < count; ++r) {
        row_multiply(n, (scale == nullptr ? T(1) : scale[r]) / sums[r], e + r * lde);
    }
}

template <class T>
Exponentials<T> exponentials_of_rows(int count, index_t n, const T* z, index_t ldz, const T* scale,
                                     T* e, index_t lde) {
    T tops[Vec<T>::kLanes], sums[Vec<T>::kLanes];
    const int group = count * n <= kNearElements ? count : 1;
    for (int r = 0; r < count; r += group) {
        exponentials_of_near_rows(group, n, z + r * ldz, ldz,
                                  scale == nullptr ? nullptr : scale + r,
                                  e == nullptr ? nullptr : e + r * lde, lde, tops + r, sums + r);
    }
    return {load_lanes(tops, count), load_lanes(sums, count)};
}

// For up to kLanes rows z (count, n): e, unless null, receives scale * exp(z - top) / sum, with a
// scale of 1 where that is null. e may be z.
template <class T>
BRISKMLP_INLINE Exponentials<T> exponentials(int count, index_t n, const T* z, index_t ldz,
                                             const T* scale, T* e, index_t lde) {
    return n <= kShortRow && count >= kFewRows
               ? exponentials_of_short_rows(count, n, z, ldz, scale, e, lde)
               : exponentials_of_rows(count, n, z, ldz, scale, e, lde);
}

template <class T>
void softmax(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t ldy) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    for (index_t r = 0; r < rows; r += kLanes) {
        const int count = static_cast<int>(rows - r < kLanes ? rows - r : kLanes);
        exponentials<T>(count, n, z + r * ldz, ldz, nullptr, y + r * ldy, ldy);
    }
}

// The logarithms of the sums of up to kLanes rows, relative to the rows' largest elements.
template <class T>
BRISKMLP_INLINE Exponentials<T> logarithms(int count, index_t n, const T* z, index_t ldz) {
    const Exponentials<T> e = exponentials<T>(count, n, z, ldz, nullptr, nullptr, 0);
    return {e.top, log(e.sum)};
}

template <class T>
void log_softmax(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t ldy) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    for (index_t first = 0; first < rows; first += kLanes) {
        const int count = static_cast<int>(rows - first < kLanes ? rows - first : kLanes);
        const Exponentials<T> e = logarithms<T>(count, n, z + first * ldz, ldz);
        T tops[kLanes], sums[kLanes];
        e.top.store(tops);
        e.sum.store(sums);
        for (int r = 0; r < count; ++r) {
            const T* const row = z + (first + r) * ldz;
            T* const result = y + (first + r) * ldy;
            const Vec<T> top = Vec<T>::set(tops[r]), sum = Vec<T>::set(sums[r]);
            for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
                store_lanes((load_lanes(row + j, lanes) - top) - sum, result + j, lanes);
            });
        }
    }
}

template <class T>
void log_sum_exp(index_t rows, index_t n, const T* z, index_t ldz, T* y) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    const Vec<T> infinity = constant<T>(HUGE_VAL);
    for (index_t first = 0; first < rows; first += kLanes) {
        const int count = static_cast<int>(rows - first < kLanes ? rows - first : kLanes);
        const Exponentials<T> e = logarithms<T>(count, n, z + first * ldz, ldz);
        // Of an infinite maximum the sum is NaN.
        store_lanes(select(abs(e.top) == infinity, e.top, e.top + e.sum), y + first, count);
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
