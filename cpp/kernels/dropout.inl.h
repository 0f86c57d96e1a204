// Dropout (Srivastava et al. 2014): which units of which rows are left out follows from a counter,
// so that tiles, shards and threads make no difference.
#pragma once

#include "kernels/random.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Plain loops, which compilers turn into vectors of 64-bit integers; the factors wait in a buffer
// of their own for the multiplications.
template <class T>
void drop(const Dropped<T>& dropped, index_t rows, index_t cols, T* y, index_t ldy, T* slope,
          index_t ldslope) {
    constexpr index_t kBuffer = 256;
    T factors[kBuffer];
    for (index_t r = 0; r < rows; ++r) {
        const auto row = static_cast<std::uint64_t>((dropped.first_row + r) * dropped.units +
                                                    dropped.first_unit);
        for (index_t first = 0; first < cols; first += kBuffer) {
            const index_t count = cols - first < kBuffer ? cols - first : kBuffer;
            for (index_t j = 0; j < count; ++j) {
                const std::uint64_t bits =
                    random_bits(dropped.key, row + static_cast<std::uint64_t>(first + j));
                factors[j] = (bits >> 32) >= dropped.threshold ? dropped.scale : T(0);
            }
            T* const y_row = y + r * ldy + first;
            T* const slope_row = slope + r * ldslope + first;
            for (index_t j = 0; j < count; ++j) {
                y_row[j] *= factors[j];
                slope_row[j] *= factors[j];
            }
        }
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
