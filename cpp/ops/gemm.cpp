#include "ops/gemm.h"

#include <algorithm>

#include "base/matrix_view.h"

namespace briskmlp {
namespace {

// A block of B is (kBlockK, kBlockBytes wide). It stays in an L2 of 512 KiB or more while all rows
// of A pass by it: the deeper, the less often C is read and written; the narrower, the more is left
// for A. Copying is paid once for every stretch of rows. Per cent of the peak, measured with B of
// 2048 x 2048 floats: for 512 rows 89 with (1024, 256 bytes), 86 with (512, 512), 85 with (256,
// 256); for 256 rows 83 with (256, 512).
constexpr index_t kBlockK = 1024, kBlockBytes = 256;
constexpr index_t kFewestRows = 32;  // that pay for the copying
constexpr index_t kBeyondL2 = 1 << 20;

template <class T>
index_t block_stride(const KernelTable<T>& kernels) {
    return kBlockBytes / index_t{sizeof(T)} + kernels.lanes;
}

// Columns [column, column + cols) of g.
template <class T>
Gemm<T> columns(Gemm<T> g, index_t column, index_t cols) {
    const auto move = [&](auto*& p) { p = p == nullptr ? nullptr : p + column; };
    g.n = cols;
    move(g.b);
    move(g.c);
    move(g.bias);
    move(g.slope);
    move(g.source);
    return g;
}

}  // namespace

template <class T>
index_t blocked_gemm_scratch(const KernelTable<T>& kernels, index_t k, index_t ldb) {
    const bool awkward = rows_collide<T>(ldb) || ldb % kernels.lanes != 0;
    const bool copy = awkward && k * ldb * index_t{sizeof(T)} > kBeyondL2;
    return copy ? std::min(k, kBlockK) * block_stride(kernels) : 0;
}

template <class T>
void blocked_gemm(const KernelTable<T>& kernels, const Gemm<T>& g, T* scratch) {
    if (scratch == nullptr || g.m < kFewestRows || blocked_gemm_scratch(kernels, g.k, g.ldb) == 0) {
        kernels.gemm(g);
        return;
    }
    const index_t width = kBlockBytes / index_t{sizeof(T)}, stride = block_stride(kernels);
    for (index_t first = 0; first < g.k; first += kBlockK) {
        const index_t count = std::min(kBlockK, g.k - first);
        for (index_t column = 0; column < g.n; column += width) {
            Gemm<T> block = columns(g, column, std::min(width, g.n - column));
            for (index_t p = 0; p < count; ++p) {
                std::copy_n(block.b + (first + p) * g.ldb, block.n, scratch + p * stride);
            }
            block.k = count;
            block.a += first * g.a_col;
            block.b = scratch;
            block.ldb = stride;
            block.start = first == 0 ? g.start : GemmStart::kContinue;
            block.finish = first + count == g.k ? g.finish : GemmFinish::kStore;
            kernels.gemm(block);
        }
    }
}

template index_t blocked_gemm_scratch(const KernelTable<float>&, index_t, index_t);
template index_t blocked_gemm_scratch(const KernelTable<double>&, index_t, index_t);
template void blocked_gemm(const KernelTable<float>&, const Gemm<float>&, float*);
template void blocked_gemm(const KernelTable<double>&, const Gemm<double>&, double*);

}  // namespace briskmlp
