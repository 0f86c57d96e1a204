// What parallel.cpp, which holds the rules and the barrier, and the one parallel_<backend>.cpp that
// is compiled agree on. Nothing else includes this.
#pragma once

#include <thread>

#include "base/cpu.h"
#include "base/parallel.h"

namespace briskmlp::detail {

// Bounds the static storage of a team: more workers than any network here has work for.
inline constexpr index_t kMaxWorkers = 256;

struct Region {
    void (*function)(void*, const Worker&);
    void* context;
    index_t count;             // workers, 1 ... kMaxWorkers
    std::uint64_t first_step;  // where the barrier starts to count
    bool closes_early;         // a worker that has not begun when another ends may be left out
};

// Waits for done(), which another thread brings about: awake at first, then yielding, because that
// thread may be waiting for this very processor.
template <class Done>
void wait_until(int pauses, Done done) {
    while (!done()) {
        if (pauses > 0) {
            --pauses;
            spin_pause();
        } else {
            std::this_thread::yield();
        }
    }
}

// Runs the body as worker `index`. Every worker of a region comes through here once.
void run_worker(const Region& region, index_t index) noexcept;

// The rest is the back end's.

// The most workers that it can ever run.
index_t max_workers();

// Runs the region on up to region.count workers and returns when all that began are done. Never
// called by two threads at once, nor from inside a region.
void run_region(Region region);

// Called in a forked child, where no thread exists but the one that forked.
void forget_team_after_fork();

}  // namespace briskmlp::detail
