// Batch normalisation in training (Ioffe and Szegedy 2015): what each hidden unit passes on less
// its mean, by the root of its variance + kNormEpsilon, over the rows of a minibatch. Workers
// measure the row tiles that are theirs, meet at a barrier, and then each puts the tiles' moments
// together for itself, in the tiles' order.
#pragma once

#include <vector>

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "base/parallel.h"
#include "kernels/table.h"
#include "nn/network.h"
#include "train/plan.h"

namespace briskmlp {

template <class T>
class BatchNorm {
  public:
    // For up to so many row tiles and workers.
    BatchNorm(const Network<T>& net, const KernelTable<T>& kernels, index_t tiles, index_t workers);

    // Forward through hidden layer `layer`: measure each tile; after a barrier combine; then apply
    // to rows of the layer's sums x, (rows, out). Layers in ascending order.
    void measure(std::size_t layer, index_t tile, MatrixView<const T> x);
    void combine(const Worker& worker, std::size_t layer, const RowCut& cut);
    void apply(const Worker& worker, std::size_t layer, MatrixView<const T> x,
               MatrixView<T> y) const;

    // And back, in descending order: d from the gradient by y to that by x.
    void measure_back(std::size_t layer, index_t tile, MatrixView<const T> d,
                      MatrixView<const T> y);
    void combine_back(const Worker& worker, std::size_t layer, const RowCut& cut);
    void apply_back(const Worker& worker, std::size_t layer, MatrixView<const T> y,
                    MatrixView<T> d) const;

    // What combine found for the units of a layer.
    const T* means(const Worker& worker, std::size_t layer) const { return own(worker, 2 * layer); }
    const T* inverse_deviations(const Worker& worker, std::size_t layer) const {
        return own(worker, 2 * layer + 1);
    }

  private:
    // Two rows of a tile's sums. Those of one layer are written while a worker may still be reading
    // those of the one before: both have their own.
    T* of_tile(std::size_t turn, index_t tile) {
        return tiles_.data() + (static_cast<index_t>(turn % 2) * max_tiles_ + tile) * 2 * stride_;
    }
    // A worker's own rows: means and inverse deviations of each layer, and two more for the way
    // back: means of the gradient, and of it times y.
    T* own(const Worker& worker, std::size_t row) {
        return combined_.data() + (worker.index * rows_ + static_cast<index_t>(row)) * stride_;
    }
    const T* own(const Worker& worker, std::size_t row) const {
        return combined_.data() + (worker.index * rows_ + static_cast<index_t>(row)) * stride_;
    }

    const KernelTable<T>* kernels_;
    std::vector<index_t> widths_;  // of the hidden layers, in whole vectors
    index_t max_tiles_, stride_, rows_;
    AlignedBuffer<T> tiles_, combined_;
};

}  // namespace briskmlp
