// What becomes of a hidden layer's outputs on their way to the next layer. A residual connection
// adds the sums of the layer below, which are its outputs and what was added to those; a norm, if
// there is one, makes the next layer's input of them. So the sums of a deep network are one stream
// that no norm interrupts (He et al. 2016, Xiong et al. 2020). Nothing here has parameters.
#pragma once

#include <vector>

#include "base/matrix_view.h"
#include "kernels/table.h"
#include "nn/network.h"

namespace briskmlp {

// Columns of the sums to be kept from layer to layer, where a norm hides them: 0 for none.
index_t stream_cols(const std::vector<Layer>& layers);

// y (M, out) from what the layer makes of x (M, in) to what the next layer gets, in place. `stream`
// (M, stream_cols) has the sums of the layer below and receives its own; without data where none
// are kept. What a norm leaves for its way back goes to inverse_deviations (M) unless that is null.
// All padded as KernelTable::add has it. add_sums is the part of it that comes before a norm, and
// returns where the sums then are, for a norm to make y of.
template <class T>
MatrixView<T> add_sums(const KernelTable<T>& kernels, const Layer& layer, MatrixView<T> y,
                       MatrixView<T> stream);
template <class T>
void pass_on(const KernelTable<T>& kernels, const Layer& layer, MatrixView<const T> x,
             MatrixView<T> y, MatrixView<T> stream, T* inverse_deviations);

// The way back through `layer` and through the residual connection, if any, of `above`: d (M, out)
// from the gradient by y as passed on to that by the layer's outputs, in place. `stream` (M, out)
// has the gradient by the sums of `above` and receives that by its own; d is padded with zeros.
// add_sums_back is the part of it that comes after a norm.
template <class T>
void add_sums_back(const KernelTable<T>& kernels, const Layer& layer, const Layer& above,
                   MatrixView<T> d, MatrixView<T> stream);
template <class T>
void pass_back(const KernelTable<T>& kernels, const Layer& layer, const Layer& above,
               MatrixView<const T> y, const T* inverse_deviations, MatrixView<T> d,
               MatrixView<T> stream);

}  // namespace briskmlp
