// Batch norm does without itself once training is over: a hidden unit less its mean, times one over
// its deviation, is what the weights and the biases of the layer above can do as well. A network
// always has such layers. Training works on those that go with the norm.
//
// Means and variances are those of some of the rows to learn from, taken as one batch (Wu and
// Johnson 2021), not of the batches that came last: they follow from the weights alone.
#pragma once

#include <vector>

#include "train/batch_norm.h"
#include "train/dataset.h"
#include "train/padded_matrix.h"

namespace briskmlp {

template <class T>
class Folding {
  public:
    // For fits of `net` to `data`, on up to so many threads.
    Folding(const Network<T>& net, const Dataset<T>& data, index_t threads);

    // What goes with the norm and does what `net` does, valid until the next call.
    const Network<T>& unfolded(const Network<T>& net);

    // Takes from `write(network)` what goes with the norm, and folds it. Whether all is finite.
    template <class Write>
    bool fold(Write write) {
        write(net_);
        change(Change::kFold);
        return finite();
    }
    // What is folded: puts it into `net`, and says whether it has the same bits.
    void give(Network<T>& net) const;
    bool matches(const Network<T>& net) const;

  private:
    enum class Change { kFold, kUnfold };

    void change(Change change);
    // This worker's tiles through a hidden layer as it stands, to be measured.
    void measure(const Worker& worker, std::size_t layer);
    // This worker's columns of a layer's weights, given the moments of the layer below.
    void change_weights(const Worker& worker, std::size_t layer, Change change);
    bool finite() const;

    const KernelTable<T>* kernels_;
    const InputMatrix* x_;
    index_t threads_;
    Network<T> net_;
    std::vector<std::uint32_t> rows_;  // their numbers
    RowCut cut_;
    std::vector<PaddedMatrix<T>> inputs_;  // a tile's, one a worker
    PaddedMatrix<T> outputs_[2];           // of all rows, of layers 0, 2, ... and 1, 3, ...
    BatchNorm<T> moments_;
    std::vector<double> shifts_;  // of a layer's biases
};

}  // namespace briskmlp
