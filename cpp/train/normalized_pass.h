// Phase A of a minibatch with batch norm: forward and back layer by layer, with a barrier after
// each hidden layer, as its norm needs the outputs of all rows.
#pragma once

#include "train/batch_norm.h"
#include "train/pass.h"
#include "train/watch.h"

namespace briskmlp {

template <class T>
class NormalizedPass {
  public:
    // All but `plan` must outlive it. For batches of up to `rows` rows, on up to `workers`.
    NormalizedPass(const Network<T>& net, const KernelTable<T>& kernels, const Pass<T>& pass,
                   const Plan& plan, index_t rows, index_t workers);

    // From the rows of the batch to the outputs, and from d of the last layer to d of the first:
    // the row tiles of this worker. A watch that has stopped leaves nothing but the barriers.
    void forward(const Worker& worker, Activations<T>& activations, const Batch<T>& batch,
                 Watch* watch);
    void backward(const Worker& worker, Activations<T>& activations, const Batch<T>& batch,
                  Watch* watch);

  private:
    // Calls body(tile, end) for each stretch of this worker's tiles: one layer's work on them.
    template <class Body>
    void for_each_stretch(const Worker& worker, const RowCut& cut, Watch* watch, Body body) const;
    // Where the sums of a hidden layer are, before and after others are added to them.
    MatrixView<T> sums(Activations<T>& activations, std::size_t layer, index_t first,
                       index_t count) const;
    MatrixView<T> add_to_sums(Activations<T>& activations, std::size_t layer, index_t first,
                              index_t count) const;
    // From what the norm above a hidden layer is given back to d of that layer.
    void finish_back(const Worker& worker, Activations<T>& activations, std::size_t layer,
                     index_t first, index_t count) const;

    const std::vector<Layer>* layers_;
    const KernelTable<T>* kernels_;
    const Pass<T>* pass_;
    Plan plan_;
    double nanoseconds_a_row_;  // of one layer, one way
    BatchNorm<T> norm_;
};

}  // namespace briskmlp
