#include "train/minibatch.h"

#include <algorithm>

#include "ops/sum.h"

namespace briskmlp {

template <class T>
Minibatch<T>::Minibatch(const Network<T>& net, const KernelTable<T>& kernels,
                        const Weights<T>& weights, const Plan& plan, index_t rows,
                        const Targets<T>& targets, index_t workers, const MinibatchNeeds& needs)
    : plan_(plan),
      pass_(net, kernels, weights, needs.objective),
      normalized_(needs.batch_norm ? std::make_unique<NormalizedPass<T>>(net, kernels, pass_, plan,
                                                                         rows, workers)
                                   : nullptr),
      kernels_(&kernels),
      chunked_(plan.kind == PlanKind::kChunked),
      layers_(net.layers().size()),
      nanoseconds_a_row_(plan.cost.nanoseconds / static_cast<double>(rows)),
      first_layer_later_(chunked_ && needs.sparse && rows < kChunks * net.inputs()),
      tiles_(weight_tiles(weights.blocks(), kernels.lanes)) {
    const RowCut cut = plan.cut(rows);
    std::vector<Block> collected = weights.blocks();
    if (first_layer_later_) {
        collected.front().rows = 0;
        columns_.resize(static_cast<std::size_t>(cut.chunks));
        chunk_rows_ = std::min(rows, plan.tile_rows * ceil_div(cut.tiles, cut.chunks));
        d_first_ = PaddedMatrix<T>(rows, net.layers().front().out, kernels.lanes);
    }
    tile_losses_.resize(static_cast<std::size_t>(cut.tiles));
    for (index_t i = 0; i < (chunked_ ? workers : 1); ++i) {
        activations_.emplace_back(net, kernels.lanes,
                                  chunked_ ? std::min(rows, plan.tile_rows) : rows, targets,
                                  needs.dropout || needs.batch_norm, needs.sparse);
    }
    for (index_t i = 0; chunked_ && i < cut.chunks; ++i) {
        gradients_.emplace_back(collected, kernels.lanes);
    }
    const Block tile = bounding_tile(tiles_);
    for (index_t i = 0; i < workers; ++i) {
        scratch_.emplace_back(tile.rows, tile.cols, kernels.lanes);
        term_.emplace_back(first_layer_later_ ? PaddedMatrix<T>(tile.rows, tile.cols, kernels.lanes)
                                              : PaddedMatrix<T>());
    }
}

template <class T>
void Minibatch<T>::make_room(const InputMatrix& x) {
    if (!first_layer_later_) {
        return;
    }
    const index_t entries = most_entries(x, chunk_rows_);
    for (SparseColumns<T>& columns : columns_) {
        columns.reserve(chunk_rows_, entries, x.cols);
    }
}

template <class T>
void Minibatch<T>::run_rows(const Worker& worker, const Batch<T>& batch, Watch* watch,
                            Phase phase) {
    if (normalized_ != nullptr) {
        run_normalized(worker, batch, watch, phase);
        return;
    }
    const RowCut cut = plan_.cut(batch.rows);
    index_t chunk = worker.begin(cut.chunks);
    const index_t end = cut.chunk_begin(worker.end(cut.chunks));
    for (index_t tile = cut.chunk_begin(chunk), next; tile < end; tile = next) {
        if (watch != nullptr && watch->stopped()) {
            return;
        }
        next = std::min(tile + plan_.stretch, end);
        if (chunked_) {
            chunk += tile == cut.chunk_begin(chunk + 1) ? 1 : 0;
            run_tile_of_chunk(worker, batch, cut, chunk, tile);
        } else {
            run_tiles(activations_[0], cut.tile_begin(tile), batch, cut, tile, next, phase);
        }
        if (watch != nullptr && worker.index == 0) {
            const index_t count = cut.tile_begin(next) - cut.tile_begin(tile);
            watch->tile_done(nanoseconds_a_row_ * static_cast<double>(count));
        }
    }
}

template <class T>
void Minibatch<T>::run_normalized(const Worker& worker, const Batch<T>& batch, Watch* watch,
                                  Phase phase) {
    if (phase != Phase::kBackward) {
        normalized_->forward(worker, activations_[0], batch, watch);
    }
    if (phase != Phase::kForward) {
        const RowCut cut = plan_.cut(batch.rows);
        const index_t tile = worker.begin(cut.tiles);
        find_losses(activations_[0], cut.tile_begin(tile), cut, tile, worker.end(cut.tiles));
        normalized_->backward(worker, activations_[0], batch, watch);
    }
}

template <class T>
void Minibatch<T>::run_tile_of_chunk(const Worker& worker, const Batch<T>& batch, const RowCut& cut,
                                     index_t chunk, index_t tile) {
    const index_t row = cut.tile_begin(tile), count = cut.tile_begin(tile + 1) - row;
    Activations<T>& activations = activations_[static_cast<std::size_t>(worker.index)];
    run_tiles(activations, 0, batch, cut, tile, tile + 1, Phase::kAll);
    BlockMatrices<T>& gradient = gradients_[static_cast<std::size_t>(chunk)];
    const bool begins = tile == cut.chunk_begin(chunk);
    const GemmStart start = begins ? GemmStart::kZero : GemmStart::kContinue;
    if (first_layer_later_) {
        if (begins) {
            const index_t rows = cut.tile_begin(cut.chunk_begin(chunk + 1)) - row;
            columns_[static_cast<std::size_t>(chunk)].sort(
                {&batch.data->x, batch.order + row, rows});
        }
        const MatrixView<T> d = activations.d(0, 0, count), kept = d_first_.view(row, count);
        for (index_t r = 0; r < count; ++r) {
            std::copy_n(d.row(r), d.cols, kept.row(r));
        }
    }
    for (std::size_t l = first_layer_later_ ? 1 : 0; l < layers_; ++l) {
        pass_.weight_gradient(activations, 0, count, batch, l, 0, 0, start, gradient[l]);
    }
    if (d_x_ != nullptr) {
        pass_.input_gradient(activations, 0, count);
        const MatrixView<T> d_x = activations.x(0, 0, count);
        for (index_t r = 0; r < count; ++r) {
            std::copy_n(d_x.row(r), d_x.cols, d_x_ + (row + r) * d_x.cols);
        }
    }
}

// Tiles [tile, end), the first of whose rows has number `first` in `activations`.
template <class T>
void Minibatch<T>::run_tiles(Activations<T>& activations, index_t first, const Batch<T>& batch,
                             const RowCut& cut, index_t tile, index_t end, Phase phase) {
    const index_t row = cut.tile_begin(tile), count = cut.tile_begin(end) - row;
    if (phase != Phase::kBackward) {
        activations.rows().load(batch, row, first, count);
        pass_.forward(activations, first, count, batch, row);
    }
    if (phase == Phase::kForward) {
        return;
    }
    find_losses(activations, first, cut, tile, end);
    pass_.backward(activations, first, count);
}

template <class T>
void Minibatch<T>::find_losses(Activations<T>& activations, index_t first, const RowCut& cut,
                               index_t tile, index_t end) {
    const index_t row = cut.tile_begin(tile);
    for (index_t t = tile; t < end; ++t) {
        const index_t begin = cut.tile_begin(t);
        tile_losses_[static_cast<std::size_t>(t)] =
            pass_.loss(activations, first + begin - row, cut.tile_begin(t + 1) - begin);
    }
}

template <class T>
double Minibatch<T>::loss(const Batch<T>& batch) const {
    double sum = 0;
    for (index_t tile = 0; tile < plan_.cut(batch.rows).tiles; ++tile) {
        sum += tile_losses_[static_cast<std::size_t>(tile)];
    }
    return sum * batch.scale;
}

template <class T>
std::size_t Minibatch<T>::first_weight_tile(index_t part, index_t parts) const {
    const auto area = [](const Block& tile) { return tile.rows * tile.cols; };
    index_t total = 0;
    for (const Block& tile : tiles_) {
        total += area(tile);
    }
    // A tile belongs to the part in which its middle lies.
    std::size_t i = 0;
    for (index_t before = 0; i < tiles_.size(); before += area(tiles_[i]), ++i) {
        if ((2 * before + area(tiles_[i])) * parts > 2 * total * part) {
            break;
        }
    }
    return i;
}

template <class T>
MatrixView<T> Minibatch<T>::weight_gradient(const Worker& worker, const Batch<T>& batch,
                                            const Block& tile) {
    const MatrixView<T> sum =
        scratch_[static_cast<std::size_t>(worker.index)].view(0, tile.rows).columns(0, tile.cols);
    if (!chunked_) {
        pass_.weight_gradient(activations_[0], 0, batch.rows, batch, tile.layer, tile.row, tile.col,
                              GemmStart::kZero, sum);
        return sum;
    }
    const RowCut cut = plan_.cut(batch.rows);
    const auto of_chunk = [&](index_t chunk) {
        BlockMatrices<T>& gradient = gradients_[static_cast<std::size_t>(chunk)];
        const MatrixView<T> all = gradient[tile.layer];
        return MatrixView<T>{all.row(tile.row) + tile.col, tile.rows, tile.cols, all.stride};
    };
    if (first_layer_later_ && tile.layer == 0) {
        sum_later(worker, cut, tile, sum);
        return sum;
    }
    if (cut.chunks == 1) {
        return of_chunk(0);
    }
    sum_matrices(
        *kernels_, cut.chunks, [&](index_t chunk) { return of_chunk(chunk).constant(); }, sum);
    return sum;
}

// The first layer's: of each chunk, then their sum, as if chunks had collected it.
template <class T>
void Minibatch<T>::sum_later(const Worker& worker, const RowCut& cut, const Block& tile,
                             MatrixView<T> sum) {
    const MatrixView<T> term =
        term_[static_cast<std::size_t>(worker.index)].view(0, tile.rows).columns(0, tile.cols);
    const auto of_chunk = [&](index_t chunk) {
        const index_t begin = cut.tile_begin(cut.chunk_begin(chunk));
        const index_t count = cut.tile_begin(cut.chunk_begin(chunk + 1)) - begin;
        const MatrixView<T> part = chunk == 0 ? sum : term;
        columns_[static_cast<std::size_t>(chunk)].backward_weights(
            *kernels_, tile.row,
            d_first_.view(begin, count).columns(tile.col, tile.cols).constant(), part);
        return part.constant();
    };
    cut.chunks == 1 ? void(of_chunk(0)) : sum_matrices(*kernels_, cut.chunks, of_chunk, sum);
}

template class Minibatch<float>;
template class Minibatch<double>;

}  // namespace briskmlp
