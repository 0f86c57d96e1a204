// Rows to learn from or to be judged on: inputs as the user has them, targets converted once.
// In a fit nothing but the inputs may change: every worker reads targets for itself.
#pragma once

#include "ops/gather.h"
#include "nn/loss.h"
#include "train/external_loss.h"

namespace briskmlp {

template <class T>
struct Dataset {
    InputMatrix x;
    Targets<T> y;                         // without columns if the loss is external
    ExternalLoss<T>* external = nullptr;  // what a fit minimises instead of the network's loss
};

}  // namespace briskmlp
