// How much memory there is: asked before allocating, because a system that overcommits grants any
// size and ends the process when the pages are touched.
#pragma once

#include "base/types.h"

namespace briskmlp {

// Bytes of physical memory of this machine, or the largest index_t where that cannot be told.
index_t physical_memory();

}  // namespace briskmlp
