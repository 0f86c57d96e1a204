#include "ops/matmul_block.h"

#include <algorithm>

#include "base/matrix_view.h"

namespace briskmlp {
namespace {

// Measured on square matrices of 1024 and 2048 floats: A copied in blocks of (512, 1024), B in
// panels of 256 bytes x 1024, 92 % of the peak; (256, 512) 86 %; uncopied, with colliding rows, 75
// %. Without copies more of k at a time only saves reading and writing C.
constexpr index_t kBlockRows = 512, kCopiedDepth = 1024, kDepth = 4096;
constexpr index_t kPanelBytes = 256;

// A panel of B that few rows read stays in L1.
constexpr index_t kFewRowsDepth = 64;

// Rows of A at multiples of 4 KiB share one set of L1, which holds 8 of a tile's 14 rows.
constexpr index_t kSameSet = 4096;
// Fewer rows or columns than these do not pay for a copy.
constexpr index_t kRowsForB = 64, kColsForA = 64, kDepthForA = 64, kRowsForA = 8;
constexpr index_t kHalfL2 = 512 << 10, kBeyondL2 = 1 << 20;

// A C that no kernel can write is made in blocks of (kBlockC, kBlockC).
constexpr index_t kBlockC = 256;

template <class T>
constexpr index_t kSize = index_t{sizeof(T)};

// Columns in a copied panel of B: as wide a row of B as the copying likes, and no row collides.
template <class T>
constexpr index_t kPanel = kPanelBytes / kSize<T>;

template <class T>
bool should_copy_a(const StridedMatrix<const T>& a, index_t n) {
    if (a.col == 1) {
        return a.row * kSize<T> % kSameSet == 0 && a.rows > kRowsForA && n >= kColsForA &&
               a.cols >= kDepthForA;
    }
    if (a.row == 1) {  // one row alone has a kernel of its own, for neighbours
        return a.rows == 1 || (a.rows * a.cols * kSize<T> > kHalfL2 && n >= kColsForA);
    }
    return true;
}

template <class T>
bool should_copy_b(const StridedMatrix<const T>& b, index_t m) {
    const bool awkward = rows_collide<T>(b.row) || b.row * kSize<T> % 64 != 0;
    return b.col != 1 || (awkward && m >= kRowsForB && b.rows * b.cols * kSize<T> > kBeyondL2);
}

// `to`, (rows, cols) with rows of neighbours, receives a copy.
template <class T>
void copy_matrix(const KernelTable<T>& kernels, const StridedMatrix<const T>& from, T* to,
                 index_t stride) {
    if (from.col == 1) {
        for (index_t r = 0; r < from.rows; ++r) {
            std::copy_n(from.data + r * from.row, from.cols, to + r * stride);
        }
    } else if (from.row == 1) {
        kernels.transpose(from.cols, from.rows, from.data, from.col, to, stride);
    } else {
        for (index_t r = 0; r < from.rows; ++r) {
            const T* const row = from.data + r * from.row;
            for (index_t c = 0; c < from.cols; ++c) {
                to[r * stride + c] = row[c * from.col];
            }
        }
    }
}

// The other way round.
template <class T>
void copy_back(const T* from, index_t stride, const StridedMatrix<T>& to) {
    for (index_t r = 0; r < to.rows; ++r) {
        for (index_t c = 0; c < to.cols; ++c) {
            to.data[r * to.row + c * to.col] = from[r * stride + c];
        }
    }
}

}  // namespace

template <class T>
MatmulPlan<T>::MatmulPlan(const KernelTable<T>& kernels, const MatmulBlock<T>& block)
    : kernels_(kernels),
      dots_(has_dot_products(kernels, block.c.cols, block.a.cols)),
      panel_(kPanel<T>) {
    const index_t m = block.c.rows, n = block.c.cols, k = block.a.cols;
    copy_c_ = block.c.col != 1;
    if (copy_c_) {
        c_size_ = std::min(m, kBlockC) * std::min(n, kBlockC);
    }
    if (dots_) {
        copy_a_ = block.a.col != 1 && !(block.a.row == 1 && n == 1);
        copy_b_ = block.b.row != 1;
        depth_ = k;
        // Whole rows of A, in L2 if that is possible.
        rows_ =
            copy_a_ ? std::clamp(kHalfL2 / kSize<T> / std::max<index_t>(k, 1), index_t{1}, m) : m;
        a_size_ = copy_a_ ? rows_ * padded_stride<T>(k, kernels.lanes) : 0;
        b_size_ = copy_b_ ? n * k : 0;
        return;
    }
    copy_a_ = should_copy_a(block.a, n);
    copy_b_ = should_copy_b(block.b, m);
    rows_ = ceil_div(m, ceil_div(m, kBlockRows));
    depth_ = std::min(k, copy_b_ && m < kRowsForB ? kFewRowsDepth
                         : copy_a_ || copy_b_     ? kCopiedDepth
                                                  : kDepth);
    a_size_ = copy_a_ ? rows_ * padded_stride<T>(depth_, kernels.lanes) : 0;
    b_size_ = copy_b_ ? depth_ * std::min(panel_, n) : 0;
}

template <class T>
void MatmulPlan<T>::run(const MatmulBlock<T>& block, T* scratch) const {
    if (!copy_c_) {
        dots_ ? run_dots(block, scratch) : run_panels(block, scratch);
        return;
    }
    T* const result = scratch + a_size_ + b_size_;
    const index_t k = block.a.cols;
    for (index_t i = 0; i < block.c.rows; i += kBlockC) {
        for (index_t j = 0; j < block.c.cols; j += kBlockC) {
            const index_t rows = std::min(kBlockC, block.c.rows - i);
            const index_t cols = std::min(kBlockC, block.c.cols - j);
            const MatmulBlock<T> part{block.a.block(i, rows, 0, k),
                                      block.b.block(0, k, j, cols),
                                      {result, rows, cols, cols, 1},
                                      block.bias == nullptr ? nullptr : block.bias + j,
                                      block.activation};
            dots_ ? run_dots(part, scratch) : run_panels(part, scratch);
            copy_back(result, cols, block.c.block(i, rows, j, cols));
        }
    }
}

template <class T>
void MatmulPlan<T>::run_dots(const MatmulBlock<T>& block, T* scratch) const {
    const auto& [a, b, c, bias, activation] = block;
    const index_t n = c.cols, k = a.cols;
    const T* wt = b.data;  // (N, K)
    index_t ldwt = b.col;
    if (copy_b_) {
        copy_matrix(kernels_, b.transposed(), scratch + a_size_, k);
        wt = scratch + a_size_;
        ldwt = k;
    }
    for (index_t i = 0; i < c.rows; i += rows_) {
        const index_t rows = std::min(rows_, c.rows - i);
        const T* x = a.data + i * a.row;
        index_t ldx = a.row;
        if (copy_a_) {
            ldx = padded_stride<T>(k, kernels_.lanes);
            copy_matrix(kernels_, a.block(i, rows, 0, k), scratch, ldx);
            x = scratch;
        }
        T* const y = c.data + i * c.row;
        if (a.col == 1 || copy_a_) {
            kernels_.narrow_forward(rows, n, k, x, ldx, wt, ldwt, bias, y, c.row);
        } else {
            kernels_.narrow_columns(rows, k, x, a.col, wt, bias, y, c.row);
        }
    }
    if (activation != Activation::kIdentity) {
        kernels_.activation_forward[static_cast<int>(activation)](c.rows, n, c.data, c.row, c.data,
                                                                  c.row, nullptr, 0);
    }
}

template <class T>
void MatmulPlan<T>::run_panels(const MatmulBlock<T>& block, T* scratch) const {
    const index_t k = block.a.cols;
    for (index_t i = 0; i < block.c.rows; i += rows_) {
        const index_t rows = std::min(rows_, block.c.rows - i);
        MatmulBlock<T> part = block;
        part.a = block.a.block(i, rows, 0, k);
        part.c = block.c.block(i, rows, 0, block.c.cols);
        index_t first = 0;
        do {  // once even where k is 0
            const index_t count = std::min(depth_, k - first);
            run_depth(part, first, count, scratch);
            first += count;
        } while (first < k);
    }
}

// The products with elements [first, first + count) of k.
template <class T>
void MatmulPlan<T>::run_depth(const MatmulBlock<T>& block, index_t first, index_t count,
                              T* scratch) const {
    const auto& [a, b, c, bias, activation] = block;
    Gemm<T> gemm{
        c.rows, c.cols, count, a.data + first * a.col, a.row, a.col, b.data + first * b.row,
        b.row,  c.data, c.row};
    gemm.strict = true;
    if (first > 0) {
        gemm.start = GemmStart::kContinue;
    } else if (bias != nullptr) {
        gemm.start = GemmStart::kBias;
        gemm.bias = bias;
    }
    if (first + count == a.cols && activation != Activation::kIdentity) {
        gemm.finish = activation == Activation::kRelu ? GemmFinish::kRelu : GemmFinish::kForward;
        gemm.forward = kernels_.activation_forward[static_cast<int>(activation)];
    }
    if (copy_a_) {
        gemm.a_row = padded_stride<T>(depth_, kernels_.lanes);
        gemm.a_col = 1;
        copy_matrix(kernels_, a.block(0, c.rows, first, count), scratch, gemm.a_row);
        gemm.a = scratch;
    }
    if (!copy_b_) {
        kernels_.gemm(gemm);
        return;
    }
    T* const panel = scratch + a_size_;
    for (index_t j = 0; j < c.cols; j += panel_) {
        gemm.n = std::min(panel_, c.cols - j);
        gemm.b = panel;
        gemm.ldb = gemm.n;
        copy_matrix(kernels_, b.block(first, count, j, gemm.n), panel, gemm.ldb);
        gemm.c = c.data + j;
        gemm.bias = bias == nullptr ? nullptr : bias + j;
        kernels_.gemm(gemm);
    }
}

template class MatmulPlan<float>;
template class MatmulPlan<double>;

}  // namespace briskmlp
