#include "train/weights.h"

#include <algorithm>
#include <utility>

#include "ops/dense.h"

namespace briskmlp {

template <class T>
Weights<T>::Weights(const Network<T>& net, const KernelTable<T>& kernels, std::vector<Block> blocks,
                    bool input_gradient, int state_arrays)
    : kernels_(&kernels), blocks_(std::move(blocks)), w_(blocks_, kernels.lanes) {
    for (int i = 0; i < state_arrays; ++i) {
        state_[i] = BlockMatrices<T>(blocks_, kernels.lanes);
    }
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        const Block& block = blocks_[b];
        const index_t rows = block.rows - (has_bias(net.layers(), block) ? 1 : 0);
        const index_t stride = padded_stride<T>(rows, kernels.lanes);
        const bool needed = b > 0 || input_gradient || is_narrow(kernels, block.cols);
        transpose_buffers_.push_back(
            AlignedBuffer<T>(needed ? checked_mul(block.cols, stride) : 0));
        transposed_.push_back(
            {needed ? transpose_buffers_[b].data() : nullptr, block.cols, rows, stride});
    }
}

template <class T>
void Weights<T>::load(const Worker& worker, const Network<T>& net) {
    w_.load(worker, net, blocks_);
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        const index_t begin = worker.begin(blocks_[b].rows), end = worker.end(blocks_[b].rows);
        refresh_transpose({b, begin, end - begin, 0, blocks_[b].cols});
    }
}

template <class T>
void Weights<T>::restart(const Worker& worker) {
    for (BlockMatrices<T>& state : state_) {
        state.clear(worker);
    }
}

template <class T>
void Weights<T>::update(const OptimizerStep<T>& step, const Block& tile,
                        MatrixView<const T> gradient) {
    const auto corner = [&](BlockMatrices<T>& matrices) {
        return matrices.empty() ? nullptr : matrices[tile.layer].row(tile.row) + tile.col;
    };
    step.apply(tile.rows, round_up(tile.cols, kernels_->lanes), gradient.data, gradient.stride,
               corner(w_), corner(state_[0]), corner(state_[1]), w_[tile.layer].stride);
    refresh_transpose(tile);
}

template <class T>
void Weights<T>::refresh_transpose(const Block& tile) {
    const MatrixView<T> t = transposed_[tile.layer];
    if (t.data == nullptr) {
        return;
    }
    const MatrixView<T> w = w_[tile.layer];
    const index_t rows = std::min(tile.rows, t.cols - tile.row);  // without the bias
    kernels_->transpose(rows, tile.cols, w.row(tile.row) + tile.col, w.stride,
                        t.row(tile.col) + tile.row, t.stride);
}

template class Weights<float>;
template class Weights<double>;

}  // namespace briskmlp
