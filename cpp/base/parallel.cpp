// What all back ends share: when a region may use the team, the barrier, and the number of threads.
#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <cstdlib>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/parallel_backend.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace briskmlp {
namespace {

// Whether a region is running on the team.
std::atomic<bool> team_in_use{false};

// Set by set_num_threads; 0 before.
std::atomic<index_t> chosen_threads{0};

// How far each worker has come in the barriers, each on its own cache line. A worker writes its own
// counter only, and counters never fall. Worker 0 is in every region, so none is ahead of its
// counter when a region begins.
struct alignas(kAlignment) Counter {
    std::atomic<std::uint64_t> steps{0};
};
Counter counters[detail::kMaxWorkers];

// A few microseconds, about what equal shares of work drift apart. A partner that takes longer may
// be waiting for this very processor, and gets it; where it has its own, yielding costs little.
constexpr int kBarrierPauses = 100;

#if defined(__unix__) || defined(__APPLE__)
// The child has neither workers nor the thread that may have been using them.
void start_afresh_in_child() {
    detail::forget_team_after_fork();
    for (Counter& counter : counters) {
        counter.steps.store(0, std::memory_order_relaxed);
    }
    team_in_use.store(false, std::memory_order_relaxed);
}

[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, start_afresh_in_child);
#endif

}  // namespace

// A dissemination barrier (Hensgen, Finkel and Manber, 1988): in round r a worker announces itself
// and waits for the one 2^r places on, so that after ceil(log2 count) rounds each has heard of all.
// With two workers that is one cache line each way.
void Worker::barrier() const {
    const int pauses = count <= available_processors() ? kBarrierPauses : 0;
    std::uint64_t steps = counters[index].steps.load(std::memory_order_relaxed);
    for (index_t distance = 1; distance < count; distance *= 2) {
        ++steps;
        counters[index].steps.store(steps, std::memory_order_release);
        const Counter& partner = counters[(index + distance) % count];
        detail::wait_until(pauses,
                           [&] { return partner.steps.load(std::memory_order_acquire) >= steps; });
    }
}

namespace detail {

void run_worker(const Region& region, index_t index) noexcept {
    // A thread begins with the floating-point modes of the one that happened to start it.
    thread_local bool has_own_modes = index == 0;
    if (!has_own_modes) {
        std::fesetenv(FE_DFL_ENV);
        has_own_modes = true;
    }
    counters[index].steps.store(region.first_step, std::memory_order_relaxed);
    region.function(region.context, Worker{index, region.count});
}

void run_team(index_t threads, void (*function)(void*, const Worker&), void* context,
              bool closes_early) {
    const index_t count = std::min({threads, num_threads(), kMaxWorkers});
    if (count <= 1 || team_in_use.exchange(true, std::memory_order_acquire)) {
        function(context, Worker{0, 1});
        return;
    }
    run_region({function, context, count, counters[0].steps.load(std::memory_order_relaxed),
                closes_early});
    team_in_use.store(false, std::memory_order_release);
}

}  // namespace detail

index_t useful_threads(double nanoseconds, index_t limit) {
    // Below this one thread does it alone. Waking another costs up to 25 microseconds, and where
    // two share a step, its barriers and the cache lines they rewrite for each other cost up to 10;
    // waiting for a thread that waits for a processor costs far more, and short work has nothing to
    // set against it.
    constexpr double kAlone = 120e3;
    // Beyond that, work for which a further thread pays.
    constexpr double kEach = 25e3;
    if (nanoseconds < kAlone) {
        return 1;
    }
    return static_cast<index_t>(std::min(nanoseconds / kEach, static_cast<double>(limit)));
}

index_t num_threads() {
    const index_t chosen = chosen_threads.load(std::memory_order_relaxed);
    if (chosen > 0) {
        return std::min(chosen, detail::max_workers());
    }
    static const index_t threads =
        detail::default_threads(available_processors(), std::getenv("OMP_NUM_THREADS"),
                                std::getenv("BRISKMLP_NUM_THREADS"));
    return std::min(threads, detail::max_workers());
}

void set_num_threads(index_t n) {
    require(n >= 1, "the number of threads must be at least 1, got " + std::to_string(n));
    chosen_threads.store(n, std::memory_order_relaxed);
}

}  // namespace briskmlp
