#include "train/weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/dense.h"

namespace briskmlp {

template <class T>
Weights<T>::Weights(const Network<T>& net, const KernelTable<T>& kernels, std::vector<Block> blocks,
                    bool input_gradient, const OptimizerNeeds& needs)
    : kernels_(&kernels),
      layers_(net.layers()),
      blocks_(std::move(blocks)),
      w_(blocks_, kernels.lanes) {
    for (int i = 0; i < needs.state_arrays; ++i) {
        state_[i] = BlockMatrices<T>(blocks_, kernels.lanes);
    }
    if (needs.average) {
        average_ = BlockMatrices<T>(blocks_, kernels.lanes);
    }
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        const Block& block = blocks_[b];
        has_bias_.push_back(has_bias(net.layers(), block));
        const index_t rows = block.rows - (has_bias_.back() ? 1 : 0);
        const index_t stride = padded_stride<T>(rows, kernels.lanes);
        const bool needed = b > 0 || input_gradient || is_narrow(kernels, block.cols);
        transpose_buffers_.push_back(
            AlignedBuffer<T>(needed ? checked_mul(block.cols, stride) : 0));
        transposed_.push_back(
            {needed ? transpose_buffers_[b].data() : nullptr, block.cols, rows, stride});
    }
}

template <class T>
void Weights<T>::load_state(const Worker& worker, const TrainingState<const T>& state) {
    const auto take = [&](BlockMatrices<T>& matrices, const T* flat) {
        if (!matrices.empty() && flat != nullptr) {
            matrices.load(worker, layers_, flat, blocks_);
        }
    };
    take(w_, state.weights);
    take(state_[0], state.optimizer[0]);
    take(state_[1], state.optimizer[1]);
    take(average_, state.average);
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        const index_t begin = worker.begin(blocks_[b].rows), end = worker.end(blocks_[b].rows);
        refresh_transpose({b, begin, end - begin, 0, blocks_[b].cols});
    }
}

template <class T>
void Weights<T>::store_state(const Worker& worker, const TrainingState<T>& state) const {
    const auto put = [&](const BlockMatrices<T>& matrices, T* flat) {
        if (!matrices.empty() && flat != nullptr) {
            matrices.store(worker, layers_, flat, blocks_);
        }
    };
    put(w_, state.weights);
    put(state_[0], state.optimizer[0]);
    put(state_[1], state.optimizer[1]);
    put(average_, state.average);
}

template <class T>
void Weights<T>::restart(const Worker& worker) {
    for (BlockMatrices<T>& state : state_) {
        state.clear(worker);
    }
}

template <class T>
template <class Body>
void Weights<T>::for_parts(const OptimizerStep<T>& step, const Block& tile, MatrixView<T> gradient,
                           Body body) {
    const auto part = [&](index_t first, index_t rows, bool biases) {
        const auto corner = [&](BlockMatrices<T>& matrices) {
            return matrices.empty() ? nullptr
                                    : matrices[tile.layer].row(tile.row + first) + tile.col;
        };
        body(typename OptimizerStep<T>::Tile{rows, round_up(tile.cols, kernels_->lanes), corner(w_),
                                             corner(state_[0]), corner(state_[1]), corner(average_),
                                             w_[tile.layer].stride, blocks_[tile.layer].layer,
                                             biases, biases ? 0 : muon_length(tile.layer)},
             gradient.row(first));
    };
    const bool with_biases =
        has_bias_[tile.layer] && tile.row + tile.rows == blocks_[tile.layer].rows;
    if (with_biases && step.tells_biases_apart()) {
        part(0, tile.rows - 1, false);
        part(tile.rows - 1, 1, true);
    } else {
        part(0, tile.rows, false);
    }
}

// What makes a direction with singular values of 1 about as long as a step of Adam (Liu et al.
// 2025, "Muon is scalable for LLM training").
template <class T>
double Weights<T>::muon_length(std::size_t block) const {
    const std::size_t l = blocks_[block].layer;
    const auto size = static_cast<double>(std::max(layers_[l].in, layers_[l].out));
    return is_between_hidden(l, layers_.size()) ? 0.2 * std::sqrt(size) : 0;
}

template <class T>
double Weights<T>::sum_of_squares(const Block& tile) const {
    const MatrixView<const T> w = w_[tile.layer];
    const index_t rows = std::min(tile.rows, transposed_[tile.layer].cols - tile.row);
    return kernels_->sum_of_squares(rows, round_up(tile.cols, kernels_->lanes),
                                    w.row(tile.row) + tile.col, w.stride);
}

template <class T>
void Weights<T>::adjust(const OptimizerStep<T>& step, const Block& tile, MatrixView<T> gradient) {
    for_parts(step, tile, gradient,
              [&](const auto& part, T* g) { step.adjust(part, g, gradient.stride); });
}

template <class T>
void Weights<T>::apply(const OptimizerStep<T>& step, const Block& tile, MatrixView<T> gradient) {
    for_parts(step, tile, gradient,
              [&](const auto& part, T* g) { step.apply(part, g, gradient.stride); });
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
