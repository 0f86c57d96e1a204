// What a core can compute at most, measured: against which everything else is judged.
#pragma once

#include "kernels/table.h"

namespace briskmlp {

// GFLOP/s of multiply-adds that each of `threads` threads can do at the same time, the best of
// about `seconds` of short runs: a matmul whose operands lie in L1, as a loop of nothing but
// multiply-adds is no faster.
template <class T>
double peak_gflops(const KernelTable<T>& kernels, index_t threads, double seconds);

}  // namespace briskmlp
