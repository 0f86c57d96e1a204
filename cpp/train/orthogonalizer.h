// Directions of equal strength in all that a matrix does: what Muon steps along (Jordan et al.
// 2024, "Muon: an optimizer for hidden layers in neural networks").
#pragma once

#include <vector>

#include "base/parallel.h"
#include "kernels/table.h"
#include "nn/network.h"
#include "train/padded_matrix.h"

namespace briskmlp {

template <class T>
class Orthogonalizer {
  public:
    // For the weights of all layers between hidden units.
    Orthogonalizer(const std::vector<Layer>& layers, const KernelTable<T>& kernels);

    // Every worker of a region calls it. From the gradient g (rows, cols) and its running mean m,
    // which takes g in: g becomes Nesterov's direction, with all singular values near 1. Barriers
    // stand between its parts, and after it. The same bits for any number of workers.
    void run(const Worker& worker, T momentum, MatrixView<T> g, MatrixView<T> m);

  private:
    void look_ahead(const Worker& worker, T momentum, MatrixView<T> g, MatrixView<T> m);
    void load(const Worker& worker, MatrixView<const T> g);
    void iterate(const Worker& worker, index_t rows, index_t cols);
    void store(const Worker& worker, MatrixView<T> g);

    const KernelTable<T>* kernels_;
    std::vector<double> squares_;  // of g's entries, a sum a row
    // X with no more rows than columns, the X after it, X^T, X X^T, and the polynomial in that.
    PaddedMatrix<T> x_[2], transposed_, gram_, polynomial_;
};

}  // namespace briskmlp
