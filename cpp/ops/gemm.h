// The matmul blocked for caches. A kernel blocks for registers and reads B where it lies. That
// stays near the peak unless B comes from beyond L2 in rows that compete for the same sets of a
// cache or straddle its lines; such a B is copied, block by block, to where they do not. Without
// that, all there is to gain from blocking k is lost again in reading and writing C.
#pragma once

#include "kernels/table.h"

namespace briskmlp {

// Elements of scratch for a B of (k, ldb): 0 when it is never copied.
template <class T>
index_t blocked_gemm_scratch(const KernelTable<T>& kernels, index_t k, index_t ldb);

// As kernels.gemm, bit by bit: blocks of k go on from the sums that the one before has stored.
// Without scratch (null) nothing is copied.
template <class T>
void blocked_gemm(const KernelTable<T>& kernels, const Gemm<T>& gemm, T* scratch);

}  // namespace briskmlp
