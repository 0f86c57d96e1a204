// How good a network is on rows with known targets.
#pragma once

#include "nn/network.h"
#include "train/dataset.h"
#include "train/watch.h"

namespace briskmlp {

struct Evaluation {
    double loss, metric;
};

// Mean loss and metric over a data set of at least one row. Meaningless when `watch`, which may be
// null, has stopped.
template <class T>
Evaluation evaluate(const Network<T>& net, const Dataset<T>& data, index_t threads,
                    Watch* watch = nullptr);

}  // namespace briskmlp
