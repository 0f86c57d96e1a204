// Rows to learn from or to be judged on: inputs as the user has them, targets converted once.
#pragma once

#include "ops/gather.h"
#include "nn/loss.h"

namespace briskmlp {

template <class T>
struct Dataset {
    InputMatrix x;
    Targets<T> y;
};

}  // namespace briskmlp
