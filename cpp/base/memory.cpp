// Physical memory by sysconf, which Linux and macOS have; large pages as Linux has them.
#include "base/memory.h"

#include <cstdint>
#include <cstdlib>
#include <new>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace briskmlp {
namespace {

index_t ask() {
#if defined(_SC_PHYS_PAGES) && defined(_SC_PAGESIZE)
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_size = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_size > 0 && pages <= PTRDIFF_MAX / page_size) {
        return index_t{pages} * page_size;
    }
#endif
    return PTRDIFF_MAX;
}

// Memory that is large enough asks for large pages, of which there are fewer to touch for the first
// time: what a fit of 8 million parameters costs beside its epochs fell from about 90 ms to 50.
constexpr index_t kLargePage = 2 << 20;
constexpr index_t kLarge = 4 << 20;

}  // namespace

index_t physical_memory() {
    static const index_t bytes = ask();
    return bytes;
}

void* allocate_zeros(index_t bytes) {
    if (bytes > physical_memory()) {
        throw std::bad_alloc();
    }
    // What calloc returned stands just below the aligned memory.
    const std::size_t size = static_cast<std::size_t>(bytes);
    const std::size_t alignment = bytes >= kLarge ? std::size_t{kLargePage} : kAlignment;
    void* const raw = std::calloc(1, size + alignment + sizeof(void*));
    if (raw == nullptr) {
        throw std::bad_alloc();
    }
    const auto first = reinterpret_cast<std::uintptr_t>(raw) + sizeof(void*);
    void** const memory = reinterpret_cast<void**>((first + alignment - 1) / alignment * alignment);
    memory[-1] = raw;
#if defined(MADV_HUGEPAGE)
    if (bytes >= kLarge) {
        madvise(memory, size / kLargePage * kLargePage, MADV_HUGEPAGE);  // no more than a wish
    }
#endif
    return memory;
}

void release(void* memory) noexcept { std::free(static_cast<void**>(memory)[-1]); }

}  // namespace briskmlp
