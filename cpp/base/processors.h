// How many processors, and so how many threads, this process may use: what the operating system,
// the container around it and the environment allow. It starts none.
#pragma once

#include <string>

#include "base/types.h"

namespace briskmlp {

// Processors this process may use: affinity mask and cgroup quota (v1, v2), at least 1. Asked once.
index_t available_processors();

namespace detail {

// Processors' worth of time that the cgroup quotas of this process allow, rounded up, or
// PTRDIFF_MAX when there is none. `root` is the folder that holds proc/ and sys/: "" outside tests.
index_t cgroup_processors(const std::string& root);

// `processors`, lowered by the values of OMP_NUM_THREADS and BRISKMLP_NUM_THREADS (null when
// unset). An invalid value of the first, which is not ours, is ignored; one of the second throws
// std::runtime_error.
index_t default_threads(index_t processors, const char* omp, const char* own);

}  // namespace detail
}  // namespace briskmlp
