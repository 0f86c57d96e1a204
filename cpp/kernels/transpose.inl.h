// Transposition in blocks that fit the registers, and element by element along the edges.
#pragma once

#include "kernels/inline.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T>
void transpose_elements(index_t rows, index_t cols, const T* src, index_t ldsrc, T* dst,
                        index_t lddst) {
    for (index_t r = 0; r < rows; ++r) {
        for (index_t c = 0; c < cols; ++c) {
            dst[c * lddst + r] = src[r * ldsrc + c];
        }
    }
}

template <class T>
void transpose(index_t rows, index_t cols, const T* src, index_t ldsrc, T* dst, index_t lddst) {
    constexpr index_t kBlock = Vec<T>::kLanes;
    const index_t whole_rows = rows - rows % kBlock;
    const index_t whole_cols = cols - cols % kBlock;
    for (index_t r = 0; r < whole_rows; r += kBlock) {
        for (index_t c = 0; c < whole_cols; c += kBlock) {
            transpose_block(src + r * ldsrc + c, ldsrc, dst + c * lddst + r, lddst);
        }
    }
    transpose_elements(whole_rows, cols - whole_cols, src + whole_cols, ldsrc,
                       dst + whole_cols * lddst, lddst);
    transpose_elements(rows - whole_rows, cols, src + whole_rows * ldsrc, ldsrc, dst + whole_rows,
                       lddst);
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
