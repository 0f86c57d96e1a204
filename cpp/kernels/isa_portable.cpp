// Kernels in plain C++ for any processor.
#include "kernels/vec_portable.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// 16 vector registers wherever there are any: 8 accumulators, 2 of B, 1 of A.
constexpr int kTileRows = 4;
constexpr int kTileVecs = 2;
// A wider tile for few rows: 8 accumulators, 4 of B, 1 of A.
constexpr int kWideRows = 2;
constexpr int kWideVecs = 4;

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA

#include "kernels/table.inl.h"
