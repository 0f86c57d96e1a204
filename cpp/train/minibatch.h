// The gradient of one minibatch, in the two phases of the plan. Phase A goes over rows: forward,
// loss and back. Phase B goes over weight tiles: their gradients. Within a phase workers share
// nothing that any of them writes; between the two stands a barrier.
#pragma once

#include <vector>

#include "base/parallel.h"
#include "train/pass.h"
#include "train/plan.h"
#include "train/watch.h"

namespace briskmlp {

// Which rows make up a minibatch. Small: every worker makes its own.
template <class T>
struct Batch {
    const Dataset<T>* data;
    const std::uint32_t* order;  // their numbers
    RowCut cut;
    double scale;      // 1 / the sum of their weights; 0 when that is 0
    T* d_x = nullptr;  // (rows, inputs): receives the gradient of the inputs; chunked plans only

    Batch(const Dataset<T>& source, const std::uint32_t* rows, RowCut row_cut);
};

template <class T>
class Minibatch {
  public:
    // For batches of up to `rows` rows with targets such as `targets` are, on up to `workers`.
    Minibatch(const Network<T>& net, const KernelTable<T>& kernels, const Weights<T>& weights,
              const Plan& plan, index_t rows, const Targets<T>& targets, index_t workers,
              Objective objective = Objective::kLoss);

    // Phase A for this worker's chunks, cut short when `watch`, which may be null, has stopped.
    void run_rows(const Worker& worker, const Batch<T>& batch, Watch* watch);

    // After phase A, on any worker: the mean loss of the batch. The same bits on all of them.
    double loss(const Batch<T>& batch) const;

    // Phase B: the gradient of one weight tile, valid until this worker's next call.
    MatrixView<const T> weight_tile(const Worker& worker, const Batch<T>& batch,
                                    const WeightTile& tile);

  private:
    void run_tile_of_chunk(const Worker& worker, const Batch<T>& batch, index_t chunk,
                           index_t tile);
    void run_tiles(Activations<T>& activations, index_t first, const Batch<T>& batch, index_t tile,
                   index_t end);

    Pass<T> pass_;
    index_t lanes_;
    bool chunked_;
    index_t stretch_;
    std::size_t layers_;
    double nanoseconds_a_row_;
    std::vector<Activations<T>> activations_;  // one, or one a worker when the plan is chunked
    std::vector<LayerMatrices<T>> gradients_;  // one a chunk
    std::vector<AlignedBuffer<T>> scratch_;    // a weight tile's gradient, one a worker
    index_t scratch_stride_ = 0;
    std::vector<double> tile_losses_;  // weighted sums, one a row tile
};

}  // namespace briskmlp
