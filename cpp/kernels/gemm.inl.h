// The matmul: register tiles of kTileRows x kTileVecs vectors, every element of C one chain of
// multiply-adds in ascending k. It blocks for registers only; blocking for caches is in ops/.
//
// Registers: kTileRows * kTileVecs accumulators and kTileVecs of B; A is a broadcast from memory,
// which x86 folds into the multiply-add. The tile must hide the multiply-add's latency (4 cycles at
// one or two a cycle: 8 accumulators); beyond that its shape hardly matters, and rows are split
// evenly so that no tile is much smaller than the others.
#pragma once

#include "kernels/inline.h"
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
};

template <class T, int kRows, int kVecs>
struct Accumulators {
    Vec<T> sum[kRows][kVecs];

    BRISKMLP_INLINE void start(const Tile<T>& t) {
        constexpr int kLanes = Vec<T>::kLanes;
        if (t.start == GemmStart::kZero) {
            BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
                BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) { sum[r][v] = Vec<T>::zero(); }
            }
        } else if (t.start == GemmStart::kBias) {
            BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
                const Vec<T> bias = Vec<T>::load(t.bias + v * kLanes);
                BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) { sum[r][v] = bias; }
            }
        } else {
            BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
                BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
                    sum[r][v] = Vec<T>::load(t.c + r * t.ldc + v * kLanes);
                }
            }
        }
    }

    BRISKMLP_INLINE void finish(const Tile<T>& t) {
        constexpr int kLanes = Vec<T>::kLanes;
        const Vec<T> zero = Vec<T>::zero();
        if (t.finish == GemmFinish::kRelu) {
            BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
                BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) { sum[r][v] = relu(sum[r][v]); }
            }
        } else if (t.finish == GemmFinish::kReluGrad) {
            BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
                BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
                    const Vec<T> y = Vec<T>::load(t.source + r * t.ldsource + v * kLanes);
                    sum[r][v] = select(y > zero, sum[r][v], zero);
                }
            }
        }
        BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
            BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
                sum[r][v].store(t.c + r * t.ldc + v * kLanes);
            }
        }
    }

    static BRISKMLP_INLINE Vec<T> relu(Vec<T> x) {
        return select(x < Vec<T>::zero(), Vec<T>::zero(), x);  // keeps NaN
    }
};

// A column-major (dW = X^T dY reads X so): the rows of one k lie side by side.
template <class T, int kRows, int kVecs>
void tile_column_major(const Tile<T>& t) {
    constexpr int kLanes = Vec<T>::kLanes;
    Accumulators<T, kRows, kVecs> acc;
    acc.start(t);
    const T* a = t.a;
    const T* b = t.b;
    for (index_t p = 0; p < t.k; ++p) {
        Vec<T> bv[kVecs];
        BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) { bv[v] = Vec<T>::load(b + v * kLanes); }
        BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
            const Vec<T> av = Vec<T>::set(a[r]);
            BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
                acc.sum[r][v] = fma(av, bv[v], acc.sum[r][v]);
            }
        }
        a += t.lda;
        b += t.ldb;
    }
    acc.finish(t);
}

// A row-major: one pointer for each four rows and the strides 1x to 3x from it, which the addressing
// modes of x86 and the register file can hold; a pointer for each row would spill.
template <class T, int kRows, int kVecs>
void tile_row_major(const Tile<T>& t) {
    constexpr int kLanes = Vec<T>::kLanes;
    constexpr int kGroups = (kRows + 3) / 4;
    Accumulators<T, kRows, kVecs> acc;
    acc.start(t);
    const index_t lda = t.lda;
    const T* a[kGroups];
    BRISKMLP_UNROLL for (int g = 0; g < kGroups; ++g) { a[g] = t.a + 4 * g * lda; }
    const T* b = t.b;
    for (index_t p = 0; p < t.k; ++p) {
        Vec<T> bv[kVecs];
        BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) { bv[v] = Vec<T>::load(b + v * kLanes); }
        BRISKMLP_UNROLL for (int r = 0; r < kRows; ++r) {
            const Vec<T> av = Vec<T>::set(a[r / 4][(r % 4) * lda]);
            BRISKMLP_UNROLL for (int v = 0; v < kVecs; ++v) {
                acc.sum[r][v] = fma(av, bv[v], acc.sum[r][v]);
            }
        }
        BRISKMLP_UNROLL for (int g = 0; g < kGroups; ++g) { ++a[g]; }
        b += t.ldb;
    }
    acc.finish(t);
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

// The tiles of every height up to kTileRows, for one width and one order of A.
template <class T, int kVecs>
struct TileFunctions {
    TileFunction<T> row_major[kTileRows];
    TileFunction<T> column_major[kTileRows];

    constexpr TileFunctions() : row_major{}, column_major{} { fill<kTileRows>(); }

  private:
    template <int kRows>
    constexpr void fill() {
        row_major[kRows - 1] = tile_row_major<T, kRows, kVecs>;
        column_major[kRows - 1] = tile_column_major<T, kRows, kVecs>;
        if constexpr (kRows > 1) {
            fill<kRows - 1>();
        }
    }
};

// One column panel: all rows, in tiles of kVecs vectors whose heights differ by at most one.
template <class T, int kVecs>
void gemm_panel(const Gemm<T>& g, index_t column) {
    static constexpr TileFunctions<T, kVecs> kTiles;
    const bool row_major = g.a_col == 1;
    const TileFunction<T>* tiles = row_major ? kTiles.row_major : kTiles.column_major;
    const index_t blocks = (g.m + kTileRows - 1) / kTileRows;
    const index_t height = g.m / blocks;
    const index_t taller = g.m % blocks;  // this many blocks have one row more
    Tile<T> t{g.k,     g.a,
              row_major ? g.a_row : g.a_col,
              g.b + column, g.ldb,
              g.c + column, g.ldc,
              g.start, g.start == GemmStart::kBias ? g.bias + column : nullptr,
              g.finish, g.source == nullptr ? nullptr : g.source + column, g.ldsource};
    for (index_t block = 0; block < blocks; ++block) {
        const index_t rows = height + (block < taller ? 1 : 0);
        tiles[rows - 1](t);
        t.a += rows * g.a_row;
        t.c += rows * g.ldc;
        t.source += t.source == nullptr ? 0 : rows * g.ldsource;
    }
}

template <class T, int kVecs>
void gemm_panels(const Gemm<T>& g, index_t first_column) {
    constexpr index_t kPanel = kVecs * Vec<T>::kLanes;
    index_t column = first_column;
    for (; g.n - column > kPanel - Vec<T>::kLanes; column += kPanel) {
        gemm_panel<T, kVecs>(g, column);
        const index_t cols = g.n - column < kPanel ? g.n - column : kPanel;
        if (g.finish == GemmFinish::kForward) {
            T* c = g.c + column;
            g.forward(g.m, cols, c, g.ldc, c, g.ldc, g.slope == nullptr ? nullptr : g.slope + column,
                      g.ldslope);
        } else if (g.finish == GemmFinish::kBackward) {
            g.backward(g.m, cols, g.source + column, g.ldsource, g.c + column, g.ldc);
        }
    }
    if constexpr (kVecs > 1) {
        if (column < g.n) {
            gemm_panels<T, kVecs - 1>(g, column);
        }
    }
}

template <class T>
void gemm(const Gemm<T>& g) {
    if (g.m > 0) {
        gemm_panels<T, kTileVecs>(g, 0);
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
