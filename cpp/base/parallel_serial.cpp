// The back end without threads: every region is the caller alone.
#include "base/parallel_backend.h"

namespace briskmlp {

const char* threading_backend() { return "serial"; }

namespace detail {

index_t max_workers() { return 1; }

void run_region(Region region) {
    region.count = 1;
    run_worker(region, 0);
}

void forget_team_after_fork() {}

}  // namespace detail
}  // namespace briskmlp
