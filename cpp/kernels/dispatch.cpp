#include "kernels/dispatch.h"

#include <type_traits>

namespace briskmlp {

#define BRISKMLP_DECLARE_TABLES(isa)               \
    namespace isa {                                \
    extern const KernelTable<float> kFloatTable;   \
    extern const KernelTable<double> kDoubleTable; \
    }
BRISKMLP_DECLARE_TABLES(portable)
BRISKMLP_DECLARE_TABLES(sse2)
BRISKMLP_DECLARE_TABLES(avx2)
BRISKMLP_DECLARE_TABLES(avx512)
BRISKMLP_DECLARE_TABLES(neon)
#undef BRISKMLP_DECLARE_TABLES

namespace {

template <class T>
const KernelTable<T>& choose(const KernelTable<float>& single, const KernelTable<double>& twice) {
    if constexpr (std::is_same_v<T, float>) {
        return single;
    } else {
        return twice;
    }
}

}  // namespace

template <class T>
const KernelTable<T>& kernels(Isa isa) {
    switch (isa) {
#if defined(BRISKMLP_WITH_X86)
        case Isa::kSse2: return choose<T>(sse2::kFloatTable, sse2::kDoubleTable);
        case Isa::kAvx2: return choose<T>(avx2::kFloatTable, avx2::kDoubleTable);
        case Isa::kAvx512: return choose<T>(avx512::kFloatTable, avx512::kDoubleTable);
#elif defined(BRISKMLP_WITH_NEON)
        case Isa::kNeon: return choose<T>(neon::kFloatTable, neon::kDoubleTable);
#endif
        default: return choose<T>(portable::kFloatTable, portable::kDoubleTable);
    }
}

// Asked once, so that all element types use the same set.
Isa isa_in_use() {
    static const Isa isa = default_isa();
    return isa;
}

template <class T>
const KernelTable<T>& kernels() {
    static const KernelTable<T>& table = kernels<T>(isa_in_use());
    return table;
}

template const KernelTable<float>& kernels(Isa);
template const KernelTable<double>& kernels(Isa);
template const KernelTable<float>& kernels();
template const KernelTable<double>& kernels();

}  // namespace briskmlp
