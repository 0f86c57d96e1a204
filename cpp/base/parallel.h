// The team of threads. The only part of the library that knows about threads or OpenMP; its back
// end is chosen when building (BRISKMLP_THREADING = threads | openmp | serial). It starts no thread
// before one is needed, survives fork, and never queues: a caller that finds the team in use by
// another thread runs its work alone. Nothing that is computed may depend on how many workers run.
//
// parallel.cpp holds what the back ends share, parallel_<backend>.cpp the rest, parallel_backend.h
// what the two agree on.
#pragma once

#include <algorithm>
#include <atomic>
#include <type_traits>

#include "base/processors.h"
#include "base/types.h"

namespace briskmlp {

// What a worker of a parallel region knows of itself.
class Worker {
  public:
    index_t index;  // 0 (the calling thread) ... count - 1
    index_t count;

    // Returns when all workers have arrived; what each wrote before is visible to all after. All
    // workers of a region must call it equally often.
    void barrier() const;

    // This worker's contiguous share [begin, end) of `n` equal items. Of fewer items than workers
    // the caller always has one.
    index_t begin(index_t n) const { return (n * index + count - 1) / count; }
    index_t end(index_t n) const { return (n * (index + 1) + count - 1) / count; }
};

// One worker with everything to do.
inline constexpr Worker kSoleWorker{0, 1};

// A flag that workers may raise and read at any time, without waiting for each other.
class Flag {
  public:
    void raise() { raised_.store(true, std::memory_order_relaxed); }
    bool raised() const { return raised_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> raised_{false};
};

namespace detail {
void run_team(index_t threads, void (*function)(void*, const Worker&), void* context,
              bool closes_early);
}

// Runs body(const Worker&) on at most min(threads, num_threads()) workers at once, the caller among
// them, and returns when all are done. All workers see the same count: it is 1 inside another
// region, while another thread uses the team, and may be less than asked where threads cannot be
// started. The body must neither throw nor fork. Workers start with the default floating-point
// modes.
template <class Body>
void parallel(index_t threads, Body&& body) {
    using Function = std::remove_reference_t<Body>;
    detail::run_team(
        threads,
        [](void* context, const Worker& worker) { (*static_cast<Function*>(context))(worker); },
        const_cast<void*>(static_cast<const void*>(&body)), false);
}

// Runs body(const Worker&, item) once for each item in [0, items): whichever worker is free takes
// the next. One that has not begun when all are taken is not waited for (with OpenMP it is), so
// that short work does not wait for a thread that waits for a processor. No barriers in here.
template <class Body>
void parallel_items(index_t threads, index_t items, Body&& body) {
    std::atomic<index_t> next{0};
    const auto share = [&](const Worker& worker) {
        for (index_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < items;) {
            body(worker, item);
        }
    };
    detail::run_team(
        threads,
        [](void* context, const Worker& worker) {
            (*static_cast<decltype(share)*>(context))(worker);
        },
        const_cast<void*>(static_cast<const void*>(&share)), true);
}

// Runs body(const Worker&, begin, end) on contiguous shares of `n` equal items, four for each of
// the threads, as parallel_items does.
template <class Body>
void parallel_shares(index_t threads, index_t n, Body&& body) {
    const index_t shares = std::min(n, threads > 1 ? 4 * threads : index_t{1});
    parallel_items(threads, shares, [&](const Worker& worker, index_t index) {
        const Worker share{index, shares};
        body(worker, share.begin(n), share.end(n));
    });
}

// How many threads are worth waking for work of that length on one thread, at most `limit`.
index_t useful_threads(double nanoseconds, index_t limit);

const char* threading_backend();  // "threads", "openmp" or "serial"

// The number of threads a region may use: available_processors(), lowered by OMP_NUM_THREADS and
// BRISKMLP_NUM_THREADS (std::runtime_error when that is invalid), all read once, until
// set_num_threads(n) sets it for the whole process (n >= 1, else std::invalid_argument). Always 1
// when the back end is "serial".
index_t num_threads();
void set_num_threads(index_t n);

}  // namespace briskmlp
