// The matmul: register tiles of kTileRows x kTileVecs vectors, every element of C one chain of
// multiply-adds in ascending k. It blocks for registers only; blocking for caches is in ops/.
//
// Registers: kTileRows * kTileVecs accumulators, kTileVecs of B, and one for the element of A that
// is being multiplied by them. The tile must hide the multiply-add's latency (4 cycles at
// one or two a cycle: 8 accumulators); beyond that its shape hardly matters, and rows are
// split evenly so that no tile is much smaller than the others.
#pragma once

#include "kernels/inline.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Where one register tile reads and writes: the fields of Gemm, moved to the tile's corner.
template <class T>
struct Tile {
    index_t k;
    const T* a;
    index_t lda;  // between rows of a row-major A, between columns otherwise
    const T* b;
    index_t ldb;
    T* c;
    index_t ldc;
    GemmStart start;
    const T* bias;
    GemmFinish finish;
    const T* source;
    index_t ldsource;
    int last;  // lanes that exist in the last vector of a row
};

// Calls body(r, v) for every vector of a register tile, r and v constants once it is unrolled.
template <int kRows, int kVecs, class Body>
BRISKMLP_INLINE void for_tile(Body body) {
    BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
        BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) { body(r, v); }
    }
}

// kPartial: nothing may be touched beyond the lanes that exist.
template <class T, int kRows, int kVecs, bool kPartial>
struct Accumulators {
    static constexpr int kLanes = Vec<T>::kLanes;
    Vec<T> sum[kRows][kVecs];
    int last;

    // Vector v of a row of B, C, bias or source.
    BRISKMLP_INLINE Vec<T> load(const T* row, int v) const {
        return kPartial && v == kVecs - 1 ? Vec<T>::load_partial(row + v * kLanes, last)
                                          : Vec<T>::load(row + v * kLanes);
    }
    BRISKMLP_INLINE void store(int r, int v, T* row) const {
        if (kPartial && v == kVecs - 1) {
            sum[r][v].store_partial(row + v * kLanes, last);
        } else {
            sum[r][v].store(row + v * kLanes);
        }
    }

    BRISKMLP_INLINE void start(const Tile<T>& t) {
        last = t.last;
        if (t.start == GemmStart::kZero) {
            for_tile<kRows, kVecs>([&](int r, int v) { sum[r][v] = Vec<T>::zero(); });
        } else if (t.start == GemmStart::kBias) {
            for_tile<kRows, kVecs>([&](int r, int v) { sum[r][v] = load(t.bias, v); });
        } else {
            for_tile<kRows, kVecs>([&](int r, int v) { sum[r][v] = load(t.c + r * t.ldc, v); });
        }
    }

    // sum(r) += a(r) b, where a(r) is the element of A in row r of the tile.
    template <class A>
    BRISKMLP_INLINE void add(const T* b, A a) {
        Vec<T> bv[kVecs];
        for_tile<1, kVecs>([&](int, int v) { bv[v] = load(b, v); });
        for_tile<kRows, kVecs>(
            [&](int r, int v) { sum[r][v] = fma(Vec<T>::set(a(r)), bv[v], sum[r][v]); });
    }

    BRISKMLP_INLINE void finish(const Tile<T>& t) {
        const Vec<T> zero = Vec<T>::zero();
        T* const c = t.c;  // the stores below could change t, for all the compiler knows
        const index_t ldc = t.ldc;
        if (t.finish == GemmFinish::kRelu) {
            for_tile<kRows, kVecs>([&](int r, int v) {
                sum[r][v] = select(sum[r][v] <= zero, zero, sum[r][v]);  // keeps NaN; no -0
            });
        } else if (t.finish == GemmFinish::kReluGrad) {
            for_tile<kRows, kVecs>([&](int r, int v) {
                const Vec<T> y = load(t.source + r * t.ldsource, v);
                sum[r][v] = select(y > zero, sum[r][v], zero);
            });
        }
        for_tile<kRows, kVecs>([&](int r, int v) { store(r, v, c + r * ldc); });
    }
};

// A column-major (dW = X^T dY reads X so): the rows of one k lie side by side.
template <class T, int kRows, int kVecs, bool kPartial>
void tile_column_major(const Tile<T>& t) {
    Accumulators<T, kRows, kVecs, kPartial> acc;
    acc.start(t);
    const T* a = t.a;
    const T* b = t.b;
    for (index_t p = 0; p < t.k; ++p, a += t.lda, b += t.ldb) {
        acc.add(b, [&](int r) { return a[r]; });
    }
    acc.finish(t);
}

// A row-major: one pointer for each four rows and the strides 1x to 3x from it, which the
// addressing modes of x86 and the register file can hold; a pointer for each row would spill.
template <class T, int kRows, int kVecs, bool kPartial>
void tile_row_major(const Tile<T>& t) {
    constexpr int kGroups = (kRows + 3) / 4;
    Accumulators<T, kRows, kVecs, kPartial> acc;
    acc.start(t);
    const index_t lda = t.lda;
    const T* a[kGroups];
    for_tile<kGroups, 1>([&](int g, int) { a[g] = t.a + 4 * g * lda; });
    const T* b = t.b;
    for (index_t p = 0; p < t.k; ++p, b += t.ldb) {
        acc.add(b, [&](int r) { return a[r / 4][(r % 4) * lda]; });
        for_tile<kGroups, 1>([&](int g, int) { ++a[g]; });
    }
    acc.finish(t);
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

// The tiles of every height up to kMaxRows, for one width and both orders of A.
template <class T, int kVecs, int kMaxRows, bool kPartial>
struct TileFunctions {
    TileFunction<T> row_major[kMaxRows];
    TileFunction<T> column_major[kMaxRows];

    constexpr TileFunctions() : row_major{}, column_major{} { fill<kMaxRows>(); }

  private:
    template <int kRows>
    constexpr void fill() {
        row_major[kRows - 1] = tile_row_major<T, kRows, kVecs, kPartial>;
        column_major[kRows - 1] = tile_column_major<T, kRows, kVecs, kPartial>;
        if constexpr (kRows > 1) {
            fill<kRows - 1>();
        }
    }
};

// One column panel: all rows, in tiles of kVecs vectors whose heights differ by at most one.
template <class T, int kVecs, int kMaxRows, bool kPartial>
void gemm_panel(const Gemm<T>& g, index_t column) {
    static constexpr TileFunctions<T, kVecs, kMaxRows, kPartial> kTiles;
    const bool row_major = g.a_col == 1;
    const TileFunction<T>* tiles = row_major ? kTiles.row_major : kTiles.column_major;
    const index_t blocks = (g.m + kMaxRows - 1) / kMaxRows;
    const index_t height = g.m / blocks;
    const index_t taller = g.m % blocks;  // this many blocks have one row more
    Tile<T> t{g.k,
              g.a,
              row_major ? g.a_row : g.a_col,
              g.b + column,
              g.ldb,
              g.c + column,
              g.ldc,
              g.start,
              g.start == GemmStart::kBias ? g.bias + column : nullptr,
              g.finish,
              g.source == nullptr ? nullptr : g.source + column,
              g.ldsource,
              static_cast<int>(g.n - column - (kVecs - 1) * Vec<T>::kLanes)};
    for (index_t block = 0; block < blocks; ++block) {
        const index_t rows = height + (block < taller ? 1 : 0);
        tiles[rows - 1](t);
        t.a += rows * g.a_row;
        t.c += rows * g.ldc;
        t.source += t.source == nullptr ? 0 : rows * g.ldsource;
    }
}

// What follows the tiles of a column panel while it is in L1.
template <class T>
void finish_panel(const Gemm<T>& g, index_t column, index_t cols) {
    T* const c = g.c + column;
    if (g.finish == GemmFinish::kForward) {
        T* const slope = g.slope == nullptr ? nullptr : g.slope + column;
        g.forward(g.m, cols, c, g.ldc, c, g.ldc, slope, g.ldslope);
    } else if (g.finish == GemmFinish::kBackward) {
        g.backward(g.m, cols, g.source + column, g.ldsource, c, g.ldc);
    }
}

// The columns from `column` on: panels of kVecs vectors, then one narrower panel.
template <class T, int kVecs, int kMaxRows>
void gemm_panels(const Gemm<T>& g, index_t column) {
    constexpr index_t kLanes = Vec<T>::kLanes, kPanel = kVecs * kLanes;
    for (; g.n - column > kPanel - kLanes; column += kPanel) {
        if (g.strict && g.n - column < kPanel) {
            gemm_panel<T, kVecs, kMaxRows, true>(g, column);
        } else {
            gemm_panel<T, kVecs, kMaxRows, false>(g, column);
        }
        finish_panel(g, column, g.n - column < kPanel ? g.n - column : kPanel);
    }
    if constexpr (kVecs > 1) {
        if (column < g.n) {
            gemm_panels<T, kVecs - 1, kMaxRows>(g, column);
        }
    }
}

// A single row reads each element of B once: what counts is how B streams in. Panels are wide, so
// that there are accumulators enough without a second row, and a B beyond L1 and L2 is taken a few
// whole rows at a time, only those that A does not multiply by zero: after a ReLU about half. The
// sums go on from C, which leaves their order, and so their bits, alone. Leaving out a zero changes
// at most the sign of a sum that is zero, as long as B is finite: the row then misses the NaN that
// 0 times infinity would have given it among others. (Not so in a strict product.)
constexpr int kRowVecs = 8;
constexpr index_t kRowsOfB = 16;
constexpr index_t kStreamedBytes = 256 << 10;

// A B that comes from far away is asked for 16 rows ahead: of so many rows at once the processor's
// own prefetching sees too little. At 16 MiB that gives 10 % more a second, at 32 to 256 MiB 50 %;
// in L2, or near it in L3, asking costs 10 to 20 %.
constexpr index_t kPrefetchedBytes = 8 << 20;

template <class T>
struct RowsOfB {
    index_t count = 0;
    T a[kRowsOfB];
    const T* b[kRowsOfB];
};

// One panel of C += a b, with some rows of B. Those at `next` are needed next.
template <class T, int kVecs, bool kPartial, bool kPrefetches>
void add_panel_of_b(const RowsOfB<T>& rows, const T* const* next, index_t column,
                    const Gemm<T>& g) {
    constexpr int kVecsInLine = 64 / (Vec<T>::kLanes * static_cast<int>(sizeof(T)));
    const index_t count = rows.count;
    Tile<T> t{};
    t.c = g.c + column;
    t.start = GemmStart::kContinue;
    t.finish = GemmFinish::kStore;
    t.last = static_cast<int>(g.n - column - (kVecs - 1) * Vec<T>::kLanes);
    Accumulators<T, 1, kVecs, kPartial> acc;
    acc.start(t);
    for (index_t p = 0; p < count; ++p) {
        for_tile<1, kVecs>([&](int, int v) {
            if (kPrefetches && v % kVecsInLine == 0) {
                BRISKMLP_PREFETCH(next[p] + column + v * Vec<T>::kLanes);
            }
        });
        acc.add(rows.b[p] + column, [&](int) { return rows.a[p]; });
    }
    acc.finish(t);
}

// The same for the columns from `column` on.
template <class T, int kVecs, bool kPrefetches>
void add_rows_of_b(const RowsOfB<T>& rows, const T* const* next, index_t column, const Gemm<T>& g) {
    constexpr index_t kLanes = Vec<T>::kLanes, kPanel = kVecs * kLanes;
    for (; g.n - column > kPanel - kLanes; column += kPanel) {
        if (g.strict && g.n - column < kPanel) {
            add_panel_of_b<T, kVecs, true, kPrefetches>(rows, next, column, g);
        } else {
            add_panel_of_b<T, kVecs, false, kPrefetches>(rows, next, column, g);
        }
    }
    if constexpr (kVecs > 1) {
        if (column < g.n) {
            add_rows_of_b<T, kVecs - 1, kPrefetches>(rows, next, column, g);
        }
    }
}

template <class T, bool kPrefetches>
void stream_rows(const Gemm<T>& g) {
    RowsOfB<T> buffers[2];
    RowsOfB<T>*rows = &buffers[0], *next = &buffers[kPrefetches ? 1 : 0];
    const T* b = g.b;
    for (index_t p = 0; p < g.k; ++p, b += g.ldb) {
        next->a[next->count] = g.a[p];
        next->b[next->count] = b;
        next->count += g.strict || g.a[p] != 0 ? 1 : 0;  // no branch: zeros come at random
        if (next->count == kRowsOfB) {
            add_rows_of_b<T, kRowVecs, kPrefetches>(*rows, next->b, 0, g);
            RowsOfB<T>* const full = next;
            next = rows;
            rows = full;
            next->count = 0;
        }
    }
    add_rows_of_b<T, kRowVecs, false>(*rows, nullptr, 0, g);
    if (kPrefetches) {
        add_rows_of_b<T, kRowVecs, false>(*next, nullptr, 0, g);
    }
}

template <class T>
void gemm_row(const Gemm<T>& g) {
    const index_t bytes = g.k * g.n * index_t{sizeof(T)};
    if (bytes < kStreamedBytes) {
        gemm_panels<T, kRowVecs, 1>(g, 0);
        return;
    }
    Gemm<T> ends = g;  // without products: how the sums start, and how they finish
    ends.k = 0;
    ends.finish = GemmFinish::kStore;
    gemm_panels<T, kRowVecs, 1>(ends, 0);
    bytes < kPrefetchedBytes ? stream_rows<T, false>(g) : stream_rows<T, true>(g);
    ends.start = GemmStart::kContinue;
    ends.finish = g.finish;
    gemm_panels<T, kRowVecs, 1>(ends, 0);
}

template <class T>
void gemm(const Gemm<T>& g) {
    if (g.m == 1 && g.a_col == 1) {
        gemm_row(g);
    } else if (g.m > kWideRows) {
        gemm_panels<T, kTileVecs, kTileRows>(g, 0);
    } else if (g.m > 0) {  // wider panels: longer rows of B at a time, and sums enough
        gemm_panels<T, kWideVecs, kWideRows>(g, 0);
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
