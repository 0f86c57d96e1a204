// How good a network is on rows with known targets.
#pragma once

#include <vector>

#include "nn/inference.h"
#include "nn/network.h"
#include "train/dataset.h"
#include "train/watch.h"

namespace briskmlp {

struct Evaluation {
    double loss, metric;
};

// Evaluates a network on a data set of at least one row, any number of times. Only the constructor
// allocates, so that a fit which cannot have the memory finds out before it begins.
template <class T>
class Evaluator {
  public:
    Evaluator(const Network<T>& net, const Dataset<T>& data, index_t threads);

    // Mean loss and metric. Meaningless when `watch`, which may be null, has stopped.
    Evaluation run(Watch* watch);

  private:
    Evaluation mean() const;

    const Network<T>& net_;
    const KernelTable<T>& kernels_;
    const Dataset<T>& data_;
    const index_t tile_rows_;
    std::vector<Inference<T>> inferences_;  // one for each worker
    std::vector<Evaluation> sums_;          // one for each tile
};

// The same, once.
template <class T>
Evaluation evaluate(const Network<T>& net, const Dataset<T>& data, index_t threads);

}  // namespace briskmlp
