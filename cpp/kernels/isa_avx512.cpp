// Kernels for AVX-512 (F, DQ, BW, VL).
#include "kernels/vec_avx512.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// 32 registers: 28 accumulators, 2 of B; A is a memory operand.
constexpr int kTileRows = 14;
constexpr int kTileVecs = 2;
// A wider tile for few rows: 24 accumulators, 6 of B.
constexpr int kWideRows = 4;
constexpr int kWideVecs = 6;

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA

#include "kernels/table.inl.h"
