// The test program's allocator: it counts what is alive, and refuses an allocation when told to.
// It takes the place of operator new, calloc and free, through which all memory of the core comes.
#pragma once

#include "base/types.h"

// The linker is told on Linux only, and ThreadSanitizer's library insists on an allocator of its
// own.
#if defined(__has_feature)
#define BRISKMLP_HAS_TSAN __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define BRISKMLP_HAS_TSAN 1
#else
#define BRISKMLP_HAS_TSAN 0
#endif
#if defined(__linux__) && !BRISKMLP_HAS_TSAN
#define BRISKMLP_COUNTS_ALLOCATIONS
#endif

namespace briskmlp {

// Allocations that have not been given back.
index_t live_allocations();

// While it lives, the allocation after `granted` others fails, of whichever thread; no other does.
class Refusal {
  public:
    explicit Refusal(index_t granted);
    ~Refusal();
    Refusal(const Refusal&) = delete;
    Refusal& operator=(const Refusal&) = delete;

    bool happened() const;
};

}  // namespace briskmlp
