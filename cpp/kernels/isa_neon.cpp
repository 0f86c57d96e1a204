// Kernels for AArch64.
#include "kernels/vec_neon.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// 32 registers: 24 accumulators, 3 of B, the rest of A.
constexpr int kTileRows = 8;
constexpr int kTileVecs = 3;
// A wider tile for few rows: 20 accumulators, 5 of B.
constexpr int kWideRows = 4;
constexpr int kWideVecs = 5;

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA

#include "kernels/table.inl.h"
