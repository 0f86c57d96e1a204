// Matrices with rows padded to whole vectors, so that kernels need no masks.
#pragma once

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"

namespace briskmlp {

// Zeros at first. Empty unless given a size; views of an empty one have no data.
template <class T>
class PaddedMatrix {
  public:
    PaddedMatrix() = default;
    PaddedMatrix(index_t rows, index_t cols, index_t lanes)
        : PaddedMatrix(rows, cols, padded_stride<T>(cols, lanes), lanes) {}

    // With a column of ones after the last: a layer's input, beside which the bias is one more row
    // of weights.
    static PaddedMatrix with_ones(index_t rows, index_t cols, index_t lanes) {
        PaddedMatrix matrix(rows, cols, padded_stride<T>(cols + 1, lanes), lanes);
        matrix.set_ones(0, rows);
        return matrix;
    }

    // Rows [first, first + count).
    MatrixView<T> view(index_t first, index_t count) {
        return {buffer_.data() == nullptr ? nullptr : buffer_.data() + first * stride_, count,
                cols_, stride_};
    }

    // Kernels write whole vectors: where those cover the column of ones, it is set again.
    void restore_ones(index_t first, index_t count) {
        if (cols_ % lanes_ != 0) {
            set_ones(first, count);
        }
    }

  private:
    PaddedMatrix(index_t rows, index_t cols, index_t stride, index_t lanes)
        : buffer_(checked_mul(rows, stride)), cols_(cols), stride_(stride), lanes_(lanes) {}

    void set_ones(index_t first, index_t count) {
        T* one = buffer_.data() + first * stride_ + cols_;
        for (index_t r = 0; r < count; ++r, one += stride_) {
            *one = T(1);
        }
    }

    AlignedBuffer<T> buffer_;
    index_t cols_ = 0, stride_ = 0, lanes_ = 1;
};

}  // namespace briskmlp
