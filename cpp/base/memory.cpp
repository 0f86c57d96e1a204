// Physical memory by sysconf, which Linux and macOS have.
#include "base/memory.h"

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

}  // namespace

index_t physical_memory() {
    static const index_t bytes = ask();
    return bytes;
}

}  // namespace briskmlp
