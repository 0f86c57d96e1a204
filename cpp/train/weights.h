// The weights that training works on: a padded copy of blocks of the network's, of each block its
// transpose, which the backward pass reads, and the optimizer's state beside them. Written back
// before anyone else can look.
#pragma once

#include <vector>

#include "nn/optimizer.h"
#include "train/block_matrices.h"

namespace briskmlp {

template <class T>
class Weights {
  public:
    // Blocks of successive layers, one of each. `input_gradient`: whether that of the first layer
    // is transposed too, for the gradient of its input. Zeros until loaded.
    Weights(const Network<T>& net, const KernelTable<T>& kernels, std::vector<Block> blocks,
            bool input_gradient, int state_arrays);

    // This worker's share of what takes the network's parameters as they are now, puts the blocks
    // back into the network, clears the optimizer's state, and looks for NaN and infinity.
    void load(const Worker& worker, const Network<T>& net);
    void store(const Worker& worker, Network<T>& net) const { w_.store(worker, net, blocks_); }
    void restart(const Worker& worker);
    bool finite(const Worker& worker) const { return w_.finite(worker); }

    const std::vector<Block>& blocks() const { return blocks_; }
    MatrixView<const T> w(std::size_t block) const { return w_[block]; }  // (rows, cols)
    // (cols, rows without the bias); without data if not asked for.
    MatrixView<const T> transposed(std::size_t block) const {
        return transposed_[block].constant();
    }

    // One optimizer step on a tile, by its gradient (tile.rows, tile.cols padded).
    void update(const OptimizerStep<T>& step, const Block& tile, MatrixView<const T> gradient);

  private:
    void refresh_transpose(const Block& tile);

    const KernelTable<T>* kernels_;
    std::vector<Block> blocks_;
    BlockMatrices<T> w_;
    BlockMatrices<T> state_[2];
    std::vector<MatrixView<T>> transposed_;
    std::vector<AlignedBuffer<T>> transpose_buffers_;
};

}  // namespace briskmlp
