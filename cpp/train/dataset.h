// Rows to learn from or to be judged on: inputs as the user has them, targets converted once.
#pragma once

#include "nn/loss.h"
#include "ops/gather.h"

namespace briskmlp {

template <class T>
struct Dataset {
    InputMatrix x;
    Targets<T> y;
};

}  // namespace briskmlp
