// The default back end: threads of our own, started when first needed, parked when idle, and never
// joined. They need no runtime library, and a forked child simply starts its own.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include "base/aligned_buffer.h"
#include "base/cpu.h"
#include "base/parallel_backend.h"

namespace briskmlp {
namespace {

using detail::kMaxWorkers;
using detail::Region;

// How long an idle worker watches for the next region before it sleeps: longer than the gap between
// two regions of a running loop, too short to matter to anything else on the machine.
constexpr std::chrono::microseconds kIdleSpin{50};

// How often the end of a region looks for a worker before it offers it this very processor.
constexpr int kJoinPauses = 100;

// Where a worker waits for its part of a region.
class alignas(kAlignment) Seat {
  public:
    // Gives the worker `region`. A worker that is awake notices; only a sleeping one costs a call
    // to the operating system.
    void post(const Region& region) {
        region_ = region;
        if (state_.exchange(State::kPosted, std::memory_order_acq_rel) == State::kAsleep) {
            { const std::lock_guard<std::mutex> lock(mutex_); }  // it is inside wait() by now
            wake_.notify_one();
        }
    }

    // Waits for a region, first awake if `spin`, then asleep, and begins it.
    Region take(bool spin) {
        State posted;
        do {
            if (!spin || !watch()) {
                sleep();
            }
            posted = State::kPosted;  // unless it was withdrawn
        } while (!state_.compare_exchange_strong(posted, State::kTaken, std::memory_order_acquire,
                                                 std::memory_order_relaxed));
        return region_;
    }

    // The worker has done its part.
    void leave() { state_.store(State::kAwake, std::memory_order_release); }

    // Returns when the worker has left the region, or at once if it has not begun and need not.
    void close(bool withdraw) {
        State posted = State::kPosted;
        if (withdraw &&
            state_.compare_exchange_strong(posted, State::kAwake, std::memory_order_relaxed)) {
            return;
        }
        detail::wait_until(kJoinPauses, [this] {
            const State state = state_.load(std::memory_order_acquire);
            return state != State::kPosted && state != State::kTaken;
        });
    }

  private:
    enum class State { kAwake, kAsleep, kPosted, kTaken };

    bool posted() const { return state_.load(std::memory_order_acquire) == State::kPosted; }

    bool watch() const {
        const auto deadline = std::chrono::steady_clock::now() + kIdleSpin;
        do {
            for (int i = 0; i < 32; ++i) {
                if (posted()) {
                    return true;
                }
                spin_pause();
            }
            std::this_thread::yield();  // the caller may need this very processor
        } while (std::chrono::steady_clock::now() < deadline);
        return false;
    }

    void sleep() {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] {
            State state = State::kAwake;  // so too after a region that came and was withdrawn
            state_.compare_exchange_strong(state, State::kAsleep, std::memory_order_acq_rel);
            return state == State::kPosted;
        });
    }

    std::atomic<State> state_{State::kAwake};
    Region region_{};
    alignas(kAlignment) std::mutex mutex_;
    std::condition_variable wake_;
};

// Seats are made in place and never destroyed: workers sit in them until the process is gone, past
// the destructors of static objects.
alignas(Seat) unsigned char seat_storage[kMaxWorkers][sizeof(Seat)];

// Workers there are, the caller included: seats 1 ... team_size - 1 are taken.
index_t team_size = 1;

Seat& seat(index_t index) { return *std::launder(reinterpret_cast<Seat*>(seat_storage[index])); }

// One worker's part of a region. The region spreads as a tree, so that waking many sleepers costs
// the caller two calls, and ends as one: each waits for those that it gave the region to.
void take_part(const Region& region, index_t index) {
    const index_t first = 2 * index + 1, end = std::min(first + 2, region.count);
    for (index_t next = first; next < end; ++next) {
        seat(next).post(region);
    }
    detail::run_worker(region, index);
    for (index_t next = first; next < end; ++next) {
        seat(next).close(region.closes_early);
    }
}

void work(index_t index) {
    for (bool spin = false;;) {
        const Region region = seat(index).take(spin);
        take_part(region, index);
        seat(index).leave();
        spin = region.count <= available_processors();
    }
}

// Starts workers until there are `count`, or as many as the system allows.
void grow_team(index_t count) {
    for (; team_size < count; ++team_size) {
        ::new (seat_storage[team_size]) Seat;
        try {
            std::thread(work, team_size).detach();
        } catch (const std::exception&) {
            return;  // no more threads, or no memory for one: fewer workers do the same work
        }
    }
}

}  // namespace

const char* threading_backend() { return "threads"; }

namespace detail {

index_t max_workers() { return kMaxWorkers; }

void run_region(Region region) {
    grow_team(region.count);
    region.count = std::min(region.count, team_size);
    take_part(region, 0);
}

void forget_team_after_fork() { team_size = 1; }

}  // namespace detail
}  // namespace briskmlp
