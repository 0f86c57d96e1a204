// The back end over OpenMP: its runtime owns the threads and decides how they wait.
#include <omp.h>

#include "base/parallel_backend.h"

namespace briskmlp {
namespace {

// Runtimes such as libgomp hang when a child forked from a process that used them, through us or
// through another library, starts a region.
bool forked = false;

}  // namespace

const char* threading_backend() { return "openmp"; }

namespace detail {

index_t max_workers() { return kMaxWorkers; }

void run_region(Region region) {
    if (forked) {
        region.count = 1;
        run_worker(region, 0);
        return;
    }
#pragma omp parallel num_threads(static_cast <int>(region.count))
    {
        Region granted = region;
        granted.count = omp_get_num_threads();  // the runtime may grant fewer
        run_worker(granted, omp_get_thread_num());
    }
}

void forget_team_after_fork() { forked = true; }

}  // namespace detail
}  // namespace briskmlp
