// Kernels for AVX2 with fused multiply-add.
#include "kernels/vec_avx2.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// 16 registers: 12 accumulators, 2 of B, 1 of A.
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;
// A wider tile for few rows: 9 accumulators, 3 of B, 1 of A.
constexpr int kWideRows = 3;
constexpr int kWideVecs = 3;

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA

#include "kernels/table.inl.h"
