// One worker's part of a matmul: what is copied, in which blocks, and the kernels' calls. See
// ops/matmul.h for the whole.
#pragma once

#include "base/strided_matrix.h"
#include "kernels/table.h"

namespace briskmlp {

// Whether the elements of C (M, N) are dot products: N is narrow, and each fills a vector.
template <class T>
bool has_dot_products(const KernelTable<T>& kernels, index_t n, index_t k) {
    return n <= (kernels.narrow > 1 ? kernels.narrow : 1) && k >= kernels.lanes;
}

// C (M, N) = f(A (M, K) B (K, N) + bias), bias (N) contiguous or null. A dimension of 1 must have
// been given its stride by plain_strides.
template <class T>
struct MatmulBlock {
    StridedMatrix<const T> a, b;
    StridedMatrix<T> c;
    const T* bias;
    Activation activation;
};

// The same matrix, with the strides that mean nothing, those of dimensions of 1, as if its rows
// were of neighbours; or its columns, if that is what the other stride says.
template <class T>
StridedMatrix<T> plain_strides(StridedMatrix<T> x) {
    if (x.cols == 1) {
        x.col = 1;
    }
    if (x.rows == 1) {
        x.row = x.col == 1 ? x.cols : 1;
    }
    return x;
}

// How it is computed, from its sizes and strides alone.
template <class T>
class MatmulPlan {
  public:
    // `block` may be any of several that have these strides and at most these sizes.
    MatmulPlan(const KernelTable<T>& kernels, const MatmulBlock<T>& block);

    index_t scratch() const { return a_size_ + b_size_ + c_size_; }  // elements

    void run(const MatmulBlock<T>& block, T* scratch) const;

  private:
    void run_dots(const MatmulBlock<T>& block, T* scratch) const;
    void run_panels(const MatmulBlock<T>& block, T* scratch) const;
    void run_depth(const MatmulBlock<T>& block, index_t first, index_t count, T* scratch) const;

    const KernelTable<T>& kernels_;
    bool dots_, copy_a_, copy_b_, copy_c_;
    index_t rows_, depth_;  // of a block of A
    index_t panel_;         // columns of a copied panel of B
    index_t a_size_ = 0, b_size_ = 0, c_size_ = 0;
};

}  // namespace briskmlp
