// The architecture's own part is one block, which answers the same questions for x86-64, AArch64
// and everything else. This file must be compiled for the baseline: it runs on every processor.
#include "base/cpu.h"

#include <algorithm>
#include <cfenv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace briskmlp {
namespace {

#if defined(__x86_64__) || defined(_M_X64)

struct Registers {
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// All zero where the processor has no such leaf.
Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    Registers r;
#if defined(_MSC_VER)
    int out[4];
    __cpuid(out, static_cast<int>(leaf & 0x80000000u));
    if (static_cast<std::uint32_t>(out[0]) >= leaf) {
        __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
        std::memcpy(&r, out, sizeof(r));
    }
#else
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
    return r;
}

// The register states that the operating system saves. Only where CPUID reports OSXSAVE.
std::uint32_t extended_control_register() {
#if defined(_MSC_VER)
    return static_cast<std::uint32_t>(_xgetbv(0));
#else
    std::uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}

constexpr bool has_all(std::uint32_t value, std::uint32_t mask) { return (value & mask) == mask; }
constexpr std::uint32_t bit(int n) { return std::uint32_t{1} << n; }

void detect_instruction_sets(CpuInfo& info) {
    constexpr std::uint32_t kFma = bit(12), kOsXsave = bit(27), kAvx = bit(28);  // leaf 1 ECX
    constexpr std::uint32_t kAvx2 = bit(5);                                      // leaf 7 EBX
    constexpr std::uint32_t kAvx512 = bit(16) | bit(17) | bit(30) | bit(31);     // F, DQ, BW, VL
    constexpr std::uint32_t kYmmState = 0x06, kZmmState = 0xe6;                  // XCR0

    info.supported.push_back(Isa::kSse2);
    const std::uint32_t basic = cpuid(1).ecx;
    const std::uint32_t extended = cpuid(7).ebx;
    const std::uint32_t saved = has_all(basic, kOsXsave) ? extended_control_register() : 0;
    if (!has_all(basic, kFma | kAvx) || !has_all(extended, kAvx2) || !has_all(saved, kYmmState)) {
        return;
    }
    info.supported.push_back(Isa::kAvx2);
    if (has_all(extended, kAvx512) && has_all(saved, kZmmState)) {
        info.supported.push_back(Isa::kAvx512);
    }
}

void detect_brand(CpuInfo& info) {
    char text[49] = {};
    for (std::uint32_t i = 0; i < 3; ++i) {
        const Registers r = cpuid(0x80000002u + i);
        std::memcpy(text + 16 * i, &r, sizeof(r));
    }
    info.brand = text;
    info.brand.erase(0, info.brand.find_first_not_of(' '));
    info.brand.erase(info.brand.find_last_not_of(' ') + 1);
}

// Leaf 4 (Intel) and leaf 0x8000001D (AMD) describe one cache a subleaf, in the same format.
void detect_caches(CpuInfo& info) {
    const std::uint32_t leaf = (cpuid(4).eax & 0x1f) != 0 ? 4 : 0x8000001Du;
    for (std::uint32_t i = 0; i < 16; ++i) {
        const Registers r = cpuid(leaf, i);
        const std::uint32_t type = r.eax & 0x1f;  // 0 none, 1 data, 2 instructions, 3 unified
        if (type == 0) {
            return;
        }
        const index_t ways = (r.ebx >> 22) + index_t{1};
        const index_t partitions = ((r.ebx >> 12) & 0x3ff) + index_t{1};
        const index_t line = (r.ebx & 0xfff) + index_t{1};
        const index_t bytes = ways * partitions * line * (r.ecx + index_t{1});
        switch (type == 2 ? 0 : (r.eax >> 5) & 0x7) {
            case 1: info.l1d_bytes = bytes; break;
            case 2: info.l2_bytes = bytes; break;
            case 3: info.l3_bytes = bytes; break;
            default: break;
        }
    }
}

constexpr std::uint64_t kFlushBits = 0x8040;  // MXCSR: flush to zero, denormals are zero
std::uint64_t floating_point_mode() { return _mm_getcsr(); }
void set_floating_point_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
void pause_instruction() { _mm_pause(); }

constexpr std::uint64_t kExceptionBits = 0x1d;  // MXCSR: invalid, division by 0, over-, underflow
std::uint64_t exception_status() { return _mm_getcsr(); }
void set_exception_status(std::uint64_t status) { _mm_setcsr(static_cast<unsigned>(status)); }

#elif defined(__aarch64__)

void detect_instruction_sets(CpuInfo& info) { info.supported.push_back(Isa::kNeon); }

void detect_brand(CpuInfo&) {}  // no instruction tells it

// From Linux, for CPU 0: the registers that describe caches are closed to programs.
void detect_caches(CpuInfo& info) {
    for (int i = 0; i < 8; ++i) {
        const std::string folder =
            "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
        int level = 0;
        std::string type;
        index_t kibibytes = 0;  // the file reads, for instance, "64K"
        if (!(std::ifstream(folder + "level") >> level) ||
            !(std::ifstream(folder + "type") >> type) ||
            !(std::ifstream(folder + "size") >> kibibytes)) {
            return;
        }
        switch (type == "Instruction" ? 0 : level) {
            case 1: info.l1d_bytes = kibibytes * 1024; break;
            case 2: info.l2_bytes = kibibytes * 1024; break;
            case 3: info.l3_bytes = kibibytes * 1024; break;
            default: break;
        }
    }
}

constexpr std::uint64_t kFlushBits = std::uint64_t{1} << 24;  // FPCR: FZ
std::uint64_t floating_point_mode() {
    std::uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
void set_floating_point_mode(std::uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
void pause_instruction() { __asm__ volatile("yield"); }

constexpr std::uint64_t kExceptionBits = 0xf;  // FPSR: invalid, division by 0, over-, underflow
std::uint64_t exception_status() {
    std::uint64_t status;
    __asm__ volatile("mrs %0, fpsr" : "=r"(status));
    return status;
}
void set_exception_status(std::uint64_t status) {
    __asm__ volatile("msr fpsr, %0" : : "r"(status));
}

#else

void detect_instruction_sets(CpuInfo&) {}
void detect_brand(CpuInfo&) {}
void detect_caches(CpuInfo&) {}

constexpr std::uint64_t kFlushBits = 0;
std::uint64_t floating_point_mode() { return 0; }
void set_floating_point_mode(std::uint64_t) {}
void pause_instruction() {}

constexpr std::uint64_t kExceptionBits = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW;
std::uint64_t exception_status() {
    return static_cast<std::uint64_t>(std::fetestexcept(FE_ALL_EXCEPT));
}
void set_exception_status(std::uint64_t status) {
    std::feclearexcept(FE_ALL_EXCEPT);
    std::feraiseexcept(static_cast<int>(status));
}

#endif

CpuInfo detect() {
    CpuInfo info;
    info.supported.push_back(Isa::kPortable);
    detect_instruction_sets(info);
    detect_brand(info);
    detect_caches(info);
    return info;
}

}  // namespace

std::uint64_t float_status() { return exception_status(); }
void set_float_status(std::uint64_t status) { set_exception_status(status); }
bool has_exception(std::uint64_t status) { return (status & kExceptionBits) != 0; }
std::uint64_t without_exceptions(std::uint64_t status) { return status & ~kExceptionBits; }

const CpuInfo& cpu_info() {
    static const CpuInfo info = detect();
    return info;
}

const char* isa_name(Isa isa) {
    switch (isa) {
        case Isa::kPortable: return "portable";
        case Isa::kSse2: return "sse2";
        case Isa::kAvx2: return "avx2";
        case Isa::kAvx512: return "avx512";
        case Isa::kNeon: return "neon";
    }
    return "unknown";
}

Isa default_isa() {
    const std::vector<Isa>& supported = cpu_info().supported;
    const char* wanted = std::getenv("BRISKMLP_ISA");
    if (wanted == nullptr || *wanted == '\0') {
        return supported.back();
    }
    std::string names;
    for (const Isa isa : supported) {
        if (std::strcmp(wanted, isa_name(isa)) == 0) {
            return isa;
        }
        names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
    }
    throw std::runtime_error("BRISKMLP_ISA is \"" + std::string(wanted) +
                             "\", expected an instruction set that this processor has: " + names);
}

void spin_pause() { pause_instruction(); }

DenormalMode::DenormalMode(bool flush) : saved_(floating_point_mode()) {
    set_floating_point_mode(flush ? saved_ | kFlushBits : saved_ & ~kFlushBits);
}

DenormalMode::~DenormalMode() {
    set_floating_point_mode((floating_point_mode() & ~kFlushBits) | (saved_ & kFlushBits));
}

}  // namespace briskmlp
