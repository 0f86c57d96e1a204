// Zeroed memory, and how much there is: asked before allocating, because a system that overcommits
// grants any size and ends the process when the pages are touched.
#pragma once

#include <cstddef>

#include "base/types.h"

namespace briskmlp {

// One cache line, and the width of the widest vector register.
inline constexpr std::size_t kAlignment = 64;

// Bytes of physical memory of this machine, or the largest index_t where that cannot be told.
index_t physical_memory();

// `bytes` zeros, aligned to kAlignment at least. Throws std::bad_alloc when there is no room. Where
// the system hands out zeroed pages as they are touched, much memory is not touched here: that is
// left to the threads that use it.
void* allocate_zeros(index_t bytes);
void release(void* memory) noexcept;

}  // namespace briskmlp
