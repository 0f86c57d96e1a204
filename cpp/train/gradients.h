// Gradients without an update, for callers who want them in hand.
#pragma once

#include "nn/network.h"
#include "train/dataset.h"

namespace briskmlp {

// Mean loss over the data set; gradient (P), laid out as the parameters, receives its gradient.
template <class T>
double gradients(const Network<T>& net, const Dataset<T>& data, T* gradient, index_t threads);

// Vector-Jacobian product: for d_y (rows, outputs) contiguous, the gradient of sum(d_y * raw
// outputs) with respect to the parameters, gradient (P), and, unless d_x is null, to x, d_x (rows,
// inputs) contiguous.
template <class T>
void backward(const Network<T>& net, const InputMatrix& x, const T* d_y, T* gradient, T* d_x,
              index_t threads);

}  // namespace briskmlp
