// Prediction: row tiles through all layers, or one row at a time.
#pragma once

#include "ops/gather.h"
#include "nn/network.h"

namespace briskmlp {

// What comes out: raw outputs (say logits), or the target's own space after the loss's link.
enum class Output { kRaw, kTarget };

// out (x.rows, outputs) row-major contiguous. x.cols must be net.inputs(). Each row's bits are the
// same alone and in any batch, for any number of threads.
template <class T>
void predict(const Network<T>& net, const InputMatrix& x, Output output, T* out, index_t threads);

// One row x (inputs) contiguous -> out (outputs), on the calling thread. The same bits as predict.
template <class T>
void predict_row(const Network<T>& net, const T* x, Output output, T* out);

// About how many nanoseconds predicting `rows` rows takes on one thread: for the choice of threads
// and whether to release the interpreter's lock.
template <class T>
double predict_nanoseconds(const Network<T>& net, index_t rows);

}  // namespace briskmlp
