// A stretch of rows forward through a network whose weights are read as they lie. Keeps no more
// than two layers' activations.
#pragma once

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "ops/gather.h"
#include "nn/network.h"

namespace briskmlp {

template <class T>
class Inference {
  public:
    // Rows of a tile: enough that each weight read serves many, few enough that the activations of
    // all but very wide nets stay in L2.
    static constexpr index_t kTileRows = 64;

    // Scratch for tiles of up to `rows` rows.
    Inference(const Network<T>& net, const KernelTable<T>& kernels, index_t rows);

    // The raw outputs (x.rows, outputs) of up to `rows` rows, valid until the next call. May be
    // changed in place.
    MatrixView<T> run(const InputMatrix& x);

  private:
    const Network<T>* net_;
    const KernelTable<T>* kernels_;
    index_t stride_;
    AlignedBuffer<T> buffers_[2];  // (rows, widest layer) padded
};

// The same for one row x (inputs) contiguous, with caller's scratch: two arrays of `scratch_row`
// elements each. Returns the one that holds the outputs.
template <class T>
T* infer_row(const Network<T>& net, const KernelTable<T>& kernels, const T* x, T* scratch,
             index_t scratch_row);

// Elements that the widest of the inputs and outputs of all layers takes, in whole vectors.
template <class T>
index_t widest_row(const Network<T>& net, index_t lanes);

}  // namespace briskmlp
