// Kernels for the baseline of x86-64. No fused multiply-add: products need a register, too.
#include "kernels/vec_sse2.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// 16 registers: 8 accumulators, 2 of B, 1 of A, products in the rest.
constexpr int kTileRows = 4;
constexpr int kTileVecs = 2;
// A wider tile for few rows: 8 accumulators, 4 of B, 1 of A.
constexpr int kWideRows = 2;
constexpr int kWideVecs = 4;

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA

#include "kernels/table.inl.h"
