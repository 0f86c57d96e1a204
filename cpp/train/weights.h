// The weights that training works on: a padded copy of blocks of the network's, of each block its
// transpose, which the backward pass reads, and the optimizer's state beside them. Written back
// before anyone else can look.
#pragma once

#include <vector>

#include "nn/optimizer.h"
#include "train/block_matrices.h"
#include "train/training_state.h"

namespace briskmlp {

template <class T>
class Weights {
  public:
    // Blocks of successive layers, one of each. `input_gradient`: whether that of the first layer
    // is transposed too, for the gradient of its input. Zeros until loaded.
    Weights(const Network<T>& net, const KernelTable<T>& kernels, std::vector<Block> blocks,
            bool input_gradient, const OptimizerNeeds& needs);

    // Each for this worker's share: takes the network's parameters as they are now, where a running
    // mean of them begins too; puts the blocks, or their running mean, back into the network; says
    // whether the network has what it would get so; clears the optimizer's state; looks for NaN and
    // infinity.
    void load(const Worker& worker, const Network<T>& net) {
        load_state(worker, {net.parameters(), {}, net.parameters()});
    }
    void store(const Worker& worker, Network<T>& net) const {
        shown().store(worker, layers_, net.parameters(), blocks_);
    }
    bool matches(const Worker& worker, const Network<T>& net) const {
        return shown().matches(worker, layers_, net.parameters(), blocks_);
    }
    void restart(const Worker& worker);
    bool finite(const Worker& worker) const { return w_.finite(worker); }

    // Takes, and puts, what both this and `state` have: this worker's share.
    void load_state(const Worker& worker, const TrainingState<const T>& state);
    void store_state(const Worker& worker, const TrainingState<T>& state) const;

    const std::vector<Block>& blocks() const { return blocks_; }
    const std::vector<Layer>& layers() const { return layers_; }
    MatrixView<const T> w(std::size_t block) const { return w_[block]; }  // (rows, cols)
    // (cols, rows without the bias); without data if not asked for.
    MatrixView<const T> transposed(std::size_t block) const {
        return transposed_[block].constant();
    }

    // Of the tile's weights, without biases.
    double sum_of_squares(const Block& tile) const;

    // The optimizer's first array for a block, if it has one.
    MatrixView<T> state1(std::size_t block) { return state_[0][block]; }

    // One optimizer step on a tile, by its gradient (tile.rows, tile.cols padded), which may be
    // changed on the way; or in two calls, where something is to happen between.
    void update(const OptimizerStep<T>& step, const Block& tile, MatrixView<T> gradient) {
        adjust(step, tile, gradient);
        apply(step, tile, gradient);
    }
    void adjust(const OptimizerStep<T>& step, const Block& tile, MatrixView<T> gradient);
    void apply(const OptimizerStep<T>& step, const Block& tile, MatrixView<T> gradient);

  private:
    const BlockMatrices<T>& shown() const { return average_.empty() ? w_ : average_; }
    // Calls body(OptimizerStep::Tile, gradient) for the tile, or for its weights and its biases.
    template <class Body>
    void for_parts(const OptimizerStep<T>& step, const Block& tile, MatrixView<T> gradient,
                   Body body);
    double muon_length(std::size_t block) const;
    void refresh_transpose(const Block& tile);

    const KernelTable<T>* kernels_;
    std::vector<Layer> layers_;
    std::vector<Block> blocks_;
    BlockMatrices<T> w_;
    std::vector<bool> has_bias_;  // whether a block's last row is one of biases
    BlockMatrices<T> state_[2], average_;
    std::vector<MatrixView<T>> transposed_;
    std::vector<AlignedBuffer<T>> transpose_buffers_;
};

}  // namespace briskmlp
