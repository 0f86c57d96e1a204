// What the processor can do, asked once. cpu.cpp is the only file that reads CPUID, and the only
// one outside kernels/ that knows an architecture.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"

namespace briskmlp {

// Instruction sets that kernels are compiled for, weakest first.
enum class Isa { kPortable, kSse2, kAvx2, kAvx512, kNeon };

struct CpuInfo {
    std::string brand;           // as the processor names itself, or empty
    std::vector<Isa> supported;  // weakest first: compiled for this architecture, and usable
                                 // here: the processor has it and the operating system saves
                                 // its registers (XGETBV). portable is always among them
    index_t l1d_bytes = 0;       // data caches a core sees; 0 when unknown
    index_t l2_bytes = 0;
    index_t l3_bytes = 0;
};

const CpuInfo& cpu_info();

const char* isa_name(Isa isa);  // "portable", "sse2", "avx2", "avx512", "neon"

// The set named by BRISKMLP_ISA where that is set (throws std::runtime_error naming the supported
// ones when it is unknown or unsupported here), otherwise the best supported.
Isa default_isa();

// Tells the processor that the calling thread is waiting in a loop (pause, yield).
void spin_pause();

// The calling thread's word of control and status of its vector unit, for those who look whether it
// changes and put it back: faster than the C library's functions, which look after the x87 unit
// too. Of the exceptions in it, "inexact" and "denormal" count as none.
std::uint64_t float_status();
void set_float_status(std::uint64_t status);
bool has_exception(std::uint64_t status);
std::uint64_t without_exceptions(std::uint64_t status);

// Whether the calling thread treats denormal numbers as zero while this is in scope. Then restores
// the mode, and only the mode: floating-point exception flags raised meanwhile stay raised.
class DenormalMode {
  public:
    explicit DenormalMode(bool flush);
    ~DenormalMode();
    DenormalMode(const DenormalMode&) = delete;
    DenormalMode& operator=(const DenormalMode&) = delete;

  private:
    std::uint64_t saved_;
};

// For kernels: on x86 an operation on a denormal costs over a hundred cycles.
struct FlushDenormals : DenormalMode {
    FlushDenormals() : DenormalMode(true) {}
};

// For others' code, called from where denormals are flushed.
struct KeepDenormals : DenormalMode {
    KeepDenormals() : DenormalMode(false) {}
};

}  // namespace briskmlp
