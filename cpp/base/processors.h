// How many processors, and so how many threads, this process may use: what the operating system,
// the container around it and the environment allow; and on which of them a thread runs.
#pragma once

#include <string>

#include "base/types.h"

namespace briskmlp {

// Processors this process may use: affinity mask and cgroup quota (v1, v2), at least 1. Asked once.
index_t available_processors();

// The processor that this thread runs on at the moment, or -1 where that cannot be told.
int current_processor();

// Makes this thread go on elsewhere if it runs on that processor and may run on others.
void leave_processor(int processor);

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
