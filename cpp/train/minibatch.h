// The gradient of one minibatch, in the two phases of a two-phase or a chunked plan. Phase A goes
// over rows: forward, loss and back. Phase B goes over weight tiles: their gradients. Within a
// phase workers share nothing that any of them writes; between the two stands a barrier.
#pragma once

#include <memory>
#include <vector>

#include "base/parallel.h"
#include "train/normalized_pass.h"
#include "train/pass.h"
#include "train/plan.h"
#include "train/watch.h"

namespace briskmlp {

// What a minibatch has to have room for, and what is differentiated.
struct MinibatchNeeds {
    bool dropout = false;
    bool batch_norm = false;  // only in a two-phase plan, and with hidden layers
    bool sparse = false;      // inputs are read as they lie: see suits_sparse
    Objective objective = Objective::kLoss;
};

template <class T>
class Minibatch {
  public:
    // For batches of up to `rows` rows with targets such as `targets` are, on up to `workers`. All
    // but `plan` must outlive it.
    Minibatch(const Network<T>& net, const KernelTable<T>& kernels, const Weights<T>& weights,
              const Plan& plan, index_t rows, const Targets<T>& targets, index_t workers,
              const MinibatchNeeds& needs);
    Minibatch(const Minibatch&) = delete;  // its parts refer to each other
    Minibatch& operator=(const Minibatch&) = delete;

    // Before a region: makes room for rows of these inputs. What follows allocates nothing, unless
    // a batch has a row more than once.
    void make_room(const InputMatrix& x);

    // Where phase A puts the gradient of the inputs, (rows, inputs) contiguous. Chunked plans only,
    // and not of sparse inputs.
    void want_input_gradient(T* d_x) { d_x_ = d_x; }

    // Phase A for this worker's chunks, cut short when `watch`, which may be null, has stopped. Or
    // half of it, where a barrier is to stand between the two: not with a chunked plan. There are
    // barriers in it if there is batch norm.
    enum class Phase { kAll, kForward, kBackward };
    void run_rows(const Worker& worker, const Batch<T>& batch, Watch* watch,
                  Phase phase = Phase::kAll);

    // Between the two halves: the raw outputs (rows, outputs), and where their gradient goes.
    MatrixView<const T> outputs(index_t rows) {
        return activations_[0].x(layers_, 0, rows).constant();
    }
    MatrixView<T> output_gradient(index_t rows) { return activations_[0].d(layers_ - 1, 0, rows); }

    // After phase A, on any worker: the mean loss of the batch. The same bits on all of them.
    double loss(const Batch<T>& batch) const;

    // Phase B: calls body(tile, gradient) with each of this worker's weight tiles and its gradient
    // (tile.rows, tile.cols padded), valid during the call and the body's to change.
    template <class Body>
    void for_each_weight_tile(const Worker& worker, const Batch<T>& batch, Body body) {
        for_each_weight_tile(worker, [&](std::size_t i) {
            body(tiles_[i], weight_gradient(worker, batch, tiles_[i]));
        });
    }
    // Calls body(i) with the number of each of this worker's weight tiles.
    template <class Body>
    void for_each_weight_tile(const Worker& worker, Body body) const {
        const std::size_t end = first_weight_tile(worker.index + 1, worker.count);
        for (std::size_t i = first_weight_tile(worker.index, worker.count); i < end; ++i) {
            body(i);
        }
    }
    const std::vector<Block>& tiles() const { return tiles_; }
    MatrixView<T> weight_gradient(const Worker& worker, const Batch<T>& batch, const Block& tile);

  private:
    // Where part `part` of `parts` begins in tiles_, when they are shared out by area.
    std::size_t first_weight_tile(index_t part, index_t parts) const;
    void run_tile_of_chunk(const Worker& worker, const Batch<T>& batch, const RowCut& cut,
                           index_t chunk, index_t tile);
    void run_normalized(const Worker& worker, const Batch<T>& batch, Watch* watch, Phase phase);
    // Of a tile of the first layer, if first_layer_later_.
    void sum_later(const Worker& worker, const RowCut& cut, const Block& tile, MatrixView<T> sum);
    // The losses of tiles [tile, end), the first of whose rows has number `first` in `activations`.
    void find_losses(Activations<T>& activations, index_t first, const RowCut& cut, index_t tile,
                     index_t end);
    void run_tiles(Activations<T>& activations, index_t first, const Batch<T>& batch,
                   const RowCut& cut, index_t tile, index_t end, Phase phase);

    Plan plan_;
    Pass<T> pass_;
    std::unique_ptr<NormalizedPass<T>> normalized_;  // null without batch norm
    const KernelTable<T>* kernels_;
    bool chunked_;
    std::size_t layers_;
    double nanoseconds_a_row_;
    // Chunks of sparse rows leave the gradient of a first layer that is wider than they are many to
    // phase B, which needs of each row but its entries and what comes back to its units.
    bool first_layer_later_;
    std::vector<SparseColumns<T>> columns_;  // one a chunk
    index_t chunk_rows_ = 0;                 // that the longest may have
    PaddedMatrix<T> d_first_;                // (rows, units)
    T* d_x_ = nullptr;
    std::vector<Block> tiles_;
    std::vector<Activations<T>> activations_;  // one, or one a worker when the plan is chunked
    std::vector<BlockMatrices<T>> gradients_;  // one a chunk
    std::vector<PaddedMatrix<T>> scratch_;     // a weight tile's gradient, one a worker
    std::vector<PaddedMatrix<T>> term_;        // and a chunk's part of it, if first_layer_later_
    std::vector<double> tile_losses_;          // weighted sums, one a row tile
};

}  // namespace briskmlp
