// What parallel.cpp, which holds the rules and the barrier, and the one parallel_<backend>.cpp that
// is compiled agree on. Nothing else includes this.
#pragma once

#include "base/parallel.h"

namespace briskmlp::detail {

// Bounds the static storage of a team: more workers than any network here has work for.
inline constexpr index_t kMaxWorkers = 256;

struct Region {
    void (*function)(void*, const Worker&);
    void* context;
    index_t count;             // workers, 1 ... kMaxWorkers
    std::uint64_t first_step;  // where the barrier starts to count
};

// Runs the body as worker `index`. Every worker of a region comes through here once.
void run_worker(const Region& region, index_t index) noexcept;

// The rest is the back end's.

// The most workers that it can ever run.
index_t max_workers();

// Runs the region on up to region.count workers and returns when all are done. Never called by two
// threads at once, nor from inside a region.
void run_region(Region region);

// Called in a forked child, where no thread exists but the one that forked.
void forget_team_after_fork();

}  // namespace briskmlp::detail
