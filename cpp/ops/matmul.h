// Matmuls of arrays that others made: any sizes, any strides, nothing beside the matrices touched.
// Operands that a kernel would read slowly, or cannot read as they lie, are copied block by block.
//
// Every element of a product is one chain of multiply-adds in ascending order of k. Where a row of
// C has at most max(1, kernels.narrow) elements it is a dot product instead: `lanes` chains,
// element p in chain p % lanes, added in a fixed order. Either way its bits depend on its row of A,
// its column of B and the instruction set, and neither on the strides nor on the threads.
#pragma once

#include "base/strided_matrix.h"
#include "kernels/table.h"

namespace briskmlp {

// `count` products C = f(A B + bias), the matrices of each at these distances (in elements) from
// those of the one before. None of A, B and bias may overlap C.
template <class T>
struct Matmul {
    StridedMatrix<const T> a;  // (M, K)
    StridedMatrix<const T> b;  // (K, N)
    StridedMatrix<T> c;        // (M, N)
    index_t count = 1;
    index_t a_next = 0, b_next = 0, c_next = 0;
    const T* bias = nullptr;  // (N), or null for none
    index_t bias_stride = 1, bias_next = 0;
    Activation activation = Activation::kIdentity;
};

// Computes them on as many threads as pay. Raises in the calling thread the floating-point
// exceptions that some element met. Throws std::bad_alloc when there is no room for the copies.
template <class T>
void matmul(const KernelTable<T>& kernels, const Matmul<T>& product);

// Nanoseconds that one thread takes for them, roughly.
template <class T>
double matmul_nanoseconds(const KernelTable<T>& kernels, const Matmul<T>& product);

}  // namespace briskmlp
