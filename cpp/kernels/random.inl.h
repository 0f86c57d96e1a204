// Random bits by counter, for kernels that draw.
#pragma once

#include <cstdint>

#include "kernels/inline.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// What CounterRng::bits of base/random.h computes, with a name of this instruction set's own.
BRISKMLP_INLINE std::uint64_t random_bits(std::uint64_t key, std::uint64_t counter) {
    std::uint64_t z = key + (counter + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
