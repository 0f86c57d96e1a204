#include "train/minibatch.h"

#include <algorithm>

namespace briskmlp {

template <class T>
Batch<T>::Batch(const Dataset<T>& source, const std::uint32_t* rows, RowCut row_cut)
    : data(&source), order(rows), cut(row_cut) {
    double sum = static_cast<double>(cut.rows);
    if (source.y.weights != nullptr) {
        sum = 0;
        for (index_t i = 0; i < cut.rows; ++i) {
            sum += static_cast<double>(source.y.weights[order[i]]);
        }
    }
    scale = sum == 0 ? 0 : 1 / sum;
}

template <class T>
Minibatch<T>::Minibatch(const Network<T>& net, const KernelTable<T>& kernels,
                        const Weights<T>& weights, const Plan& plan, index_t rows,
                        const Targets<T>& targets, index_t workers, Objective objective)
    : pass_(net, kernels, weights, objective),
      lanes_(kernels.lanes),
      chunked_(plan.chunk_gradients),
      stretch_(plan.stretch),
      layers_(net.layers().size()),
      nanoseconds_a_row_(plan.nanoseconds / static_cast<double>(rows)) {
    const RowCut cut = plan.cut(rows);
    tile_losses_.resize(static_cast<std::size_t>(cut.tiles));
    for (index_t i = 0; i < (chunked_ ? workers : 1); ++i) {
        activations_.emplace_back(net, kernels.lanes,
                                  chunked_ ? std::min(rows, plan.tile_rows) : rows, targets);
    }
    for (index_t i = 0; chunked_ && i < cut.chunks; ++i) {
        gradients_.emplace_back(net.layers(), kernels.lanes);
    }
    index_t scratch = 0;
    for (const WeightTile& tile : plan.weight_tiles) {
        scratch_stride_ = std::max(scratch_stride_, round_up(tile.cols, kernels.lanes));
        scratch = std::max(scratch, tile.rows);
    }
    for (index_t i = 0; i < workers; ++i) {
        scratch_.emplace_back(scratch * scratch_stride_);
    }
}

template <class T>
void Minibatch<T>::run_rows(const Worker& worker, const Batch<T>& batch, Watch* watch) {
    const RowCut& cut = batch.cut;
    index_t chunk = worker.begin(cut.chunks);
    const index_t end = cut.chunk_begin(worker.end(cut.chunks));
    for (index_t tile = cut.chunk_begin(chunk), next; tile < end; tile = next) {
        if (watch != nullptr && watch->stopped()) {
            return;
        }
        next = std::min(tile + stretch_, end);
        if (chunked_) {
            chunk += tile == cut.chunk_begin(chunk + 1) ? 1 : 0;
            run_tile_of_chunk(worker, batch, chunk, tile);
        } else {
            run_tiles(activations_[0], cut.tile_begin(tile), batch, tile, next);
        }
        if (watch != nullptr && worker.index == 0) {
            const index_t count = cut.tile_begin(next) - cut.tile_begin(tile);
            watch->tile_done(nanoseconds_a_row_ * static_cast<double>(count));
        }
    }
}

template <class T>
void Minibatch<T>::run_tile_of_chunk(const Worker& worker, const Batch<T>& batch, index_t chunk,
                                     index_t tile) {
    const RowCut& cut = batch.cut;
    const index_t row = cut.tile_begin(tile), count = cut.tile_begin(tile + 1) - row;
    Activations<T>& activations = activations_[static_cast<std::size_t>(worker.index)];
    run_tiles(activations, 0, batch, tile, tile + 1);
    LayerMatrices<T>& gradient = gradients_[static_cast<std::size_t>(chunk)];
    const GemmStart start =
        tile == cut.chunk_begin(chunk) ? GemmStart::kZero : GemmStart::kContinue;
    for (std::size_t l = 0; l < layers_; ++l) {
        pass_.weight_gradient(activations, 0, count, l, 0, 0, start, gradient[l]);
    }
    if (batch.d_x != nullptr) {
        pass_.input_gradient(activations, 0, count);
        const MatrixView<T> d_x = activations.x(0, 0, count);
        for (index_t r = 0; r < count; ++r) {
            std::copy_n(d_x.row(r), d_x.cols, batch.d_x + (row + r) * d_x.cols);
        }
    }
}

// Tiles [tile, end), the first of whose rows has number `first` in `activations`.
template <class T>
void Minibatch<T>::run_tiles(Activations<T>& activations, index_t first, const Batch<T>& batch,
                             index_t tile, index_t end) {
    const RowCut& cut = batch.cut;
    const index_t row = cut.tile_begin(tile), count = cut.tile_begin(end) - row;
    activations.load(*batch.data, batch.order + row, first, count, batch.scale);
    pass_.forward(activations, first, count);
    for (index_t t = tile; t < end; ++t) {
        const index_t begin = cut.tile_begin(t);
        tile_losses_[static_cast<std::size_t>(t)] =
            pass_.loss(activations, first + begin - row, cut.tile_begin(t + 1) - begin);
    }
    pass_.backward(activations, first, count);
}

template <class T>
double Minibatch<T>::loss(const Batch<T>& batch) const {
    double sum = 0;
    for (index_t tile = 0; tile < batch.cut.tiles; ++tile) {
        sum += tile_losses_[static_cast<std::size_t>(tile)];
    }
    return sum * batch.scale;
}

template <class T>
MatrixView<const T> Minibatch<T>::weight_tile(const Worker& worker, const Batch<T>& batch,
                                              const WeightTile& tile) {
    T* const scratch = scratch_[static_cast<std::size_t>(worker.index)].data();
    const MatrixView<T> sum{scratch, tile.rows, tile.cols, scratch_stride_};
    if (!chunked_) {
        pass_.weight_gradient(activations_[0], 0, batch.cut.rows, tile.layer, tile.row, tile.col,
                              GemmStart::kZero, sum);
        return sum.constant();
    }
    const index_t padded = round_up(tile.cols, lanes_);  // the optimizer reads whole vectors
    for (index_t r = 0; r < tile.rows; ++r) {
        for (index_t chunk = 0; chunk < batch.cut.chunks; ++chunk) {
            const T* const g =
                gradients_[static_cast<std::size_t>(chunk)][tile.layer].row(tile.row + r) +
                tile.col;
            T* const s = sum.row(r);
            for (index_t j = 0; j < padded; ++j) {
                s[j] = chunk == 0 ? g[j] : s[j] + g[j];
            }
        }
    }
    return sum.constant();
}

template struct Batch<float>;
template struct Batch<double>;
template class Minibatch<float>;
template class Minibatch<double>;

}  // namespace briskmlp
