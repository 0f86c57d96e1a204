// A stretch of rows forward through a network whose weights are read as they lie. Keeps no more
// than two layers' activations, and a residual network's sums.
#pragma once

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "ops/gather.h"
#include "nn/network.h"

namespace briskmlp {

template <class T>
class Inference {
  public:
    // Rows that suit a call of run, from the sizes alone: enough that each weight read serves many,
    // few enough that the activations stay in L2 where the weights do.
    static index_t tile_rows(const Network<T>& net);

    // For tiles of up to `rows` rows of x.
    Inference(const Network<T>& net, const KernelTable<T>& kernels, const InputMatrix& x,
              index_t rows);

    // The raw outputs (tile.rows, outputs) of some rows of x, valid until the next call. May be
    // changed in place.
    MatrixView<T> run(const InputMatrix& tile);

  private:
    const Network<T>* net_;
    const KernelTable<T>* kernels_;
    // Little is allocated: for a small net and a few rows that would take longer than the rows.
    struct Buffer {
        AlignedBuffer<T> data;
        index_t stride = 0;
    };
    static Buffer buffer(index_t rows, index_t cols, index_t lanes);

    // The first layer's outputs of sparse rows, where it needs no dense ones.
    bool reads_sparse(const InputMatrix& x) const;
    void first_layer(const InputMatrix& tile, MatrixView<T> y) const;

    Buffer input_;       // for tiles that cannot be read in place, else empty
    Buffer even_, odd_;  // the outputs of layers 0, 2, ... and 1, 3, ...
    Buffer stream_;      // what pass_on keeps, if anything
    index_t stream_cols_ = 0;
    AlignedBuffer<T> scratch_;  // of blocked_gemm, empty where no layer needs it
};

// The same for one row x (inputs) contiguous, with caller's scratch: three arrays of `scratch_row`
// elements each. Returns the one that holds the outputs.
template <class T>
T* infer_row(const Network<T>& net, const KernelTable<T>& kernels, const T* x, T* scratch,
             index_t scratch_row);

// Elements that the widest of the inputs and outputs of all layers takes, in whole vectors.
template <class T>
index_t widest_row(const Network<T>& net, index_t lanes);

}  // namespace briskmlp
