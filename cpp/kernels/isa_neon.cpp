// Kernels for AArch64.
#include "kernels/vec_neon.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// 32 registers: 24 accumulators, 3 of B, the rest of A.
constexpr int kTileRows = 8;
constexpr int kTileVecs = 3;

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA

#include "kernels/table.inl.h"
