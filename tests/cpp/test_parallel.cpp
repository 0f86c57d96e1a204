// Regions, the barrier, and the number of threads, on whichever back end is compiled in. Fork is in
// test_fork.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/cpu.h"
#include "base/parallel.h"

#if defined(__GLIBC__)
#include <pthread.h>
#endif

using namespace briskmlp;

namespace {

// Sets the number of threads while in scope.
class Threads {
  public:
    explicit Threads(index_t n) : old_(num_threads()) { set_num_threads(n); }
    ~Threads() { set_num_threads(old_); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

  private:
    index_t old_;
};

bool serial() { return std::string(threading_backend()) == "serial"; }

// How many workers a region of `threads` gets.
index_t workers(index_t threads) {
    std::atomic<index_t> count{0};
    parallel(threads, [&](const Worker&) { ++count; });
    return count;
}

}  // namespace

TEST_CASE("the workers' shares cover every item exactly once") {
    const Threads allowed(5);
    for (index_t threads = 1; threads <= 5; ++threads) {
        for (index_t n = 0; n <= 10; ++n) {
            std::vector<int> visits(static_cast<std::size_t>(n), 0);
            parallel(threads, [&](const Worker& worker) {
                for (index_t i = worker.begin(n); i < worker.end(n); ++i) {
                    ++visits[static_cast<std::size_t>(i)];
                }
            });
            CHECK(std::all_of(visits.begin(), visits.end(), [](int v) { return v == 1; }));
        }
    }
}

TEST_CASE("shares are in order, without gaps, and as equal as can be") {
    for (index_t count = 1; count <= 7; ++count) {
        for (index_t n = 0; n <= 20; ++n) {
            index_t next = 0;
            for (index_t index = 0; index < count; ++index) {
                const Worker worker{index, count};
                CHECK(worker.begin(n) == next);
                next = worker.end(n);
                CHECK(next - worker.begin(n) >= n / count);
                CHECK(next - worker.begin(n) <= n / count + 1);
            }
            CHECK(next == n);
        }
    }
}

TEST_CASE("a region runs each worker once, and all know the same count") {
    const Threads allowed(5);
    for (index_t threads = -1; threads <= 5; ++threads) {
        std::vector<index_t> count(5, 0);
        std::vector<int> runs(5, 0);
        parallel(threads, [&](const Worker& worker) {
            count[static_cast<std::size_t>(worker.index)] = worker.count;
            ++runs[static_cast<std::size_t>(worker.index)];
        });
        const index_t expected = serial() ? 1 : std::max<index_t>(threads, 1);
        for (index_t i = 0; i < 5; ++i) {
            CHECK(runs[static_cast<std::size_t>(i)] == (i < expected ? 1 : 0));
            CHECK(count[static_cast<std::size_t>(i)] == (i < expected ? expected : 0));
        }
    }
}

TEST_CASE("the calling thread is worker 0") {
    const Threads allowed(2);
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<index_t> misplaced{0};
    parallel(2, [&](const Worker& worker) {
        misplaced += (worker.index == 0) != (std::this_thread::get_id() == caller);
    });
    CHECK(misplaced == 0);
}

TEST_CASE("what a worker writes before a barrier, all see after it") {
    const Threads allowed(5);
    for (index_t threads = 1; threads <= 5; ++threads) {
        const int rounds = threads <= available_processors() ? 20000 : 200;
        // Padded apart only by chance: the barrier alone orders these plain integers.
        std::vector<int> written(5, 0);
        std::atomic<int> mistakes{0};
        parallel(threads, [&](const Worker& worker) {
            for (int round = 1; round <= rounds; ++round) {
                written[static_cast<std::size_t>(worker.index)] = round;
                worker.barrier();
                for (index_t i = 0; i < worker.count; ++i) {
                    mistakes += written[static_cast<std::size_t>(i)] != round;
                }
                worker.barrier();
            }
        });
        CHECK(mistakes == 0);
    }
}

TEST_CASE("the end of a region orders memory as a barrier does") {
    const Threads allowed(3);
    std::vector<index_t> written(3, 0);
    index_t expected = 0;
    for (index_t round = 0; round < 500; ++round) {
        const index_t threads = 1 + round % 3;  // teams of changing size share the workers
        index_t count = 0;
        parallel(threads, [&](const Worker& worker) {
            written[static_cast<std::size_t>(worker.index)] += 1;
            worker.barrier();
            if (worker.index == 0) {
                count = worker.count;
            }
        });
        expected += count;
    }
    CHECK(written[0] + written[1] + written[2] == expected);
}

TEST_CASE("every item runs once, whoever comes in time") {
    const Threads allowed(5);
    constexpr index_t kMost = 40;
    std::vector<int> visits(kMost);  // plain integers: the end of the region orders them
    for (int round = 0; round < 2000; ++round) {
        const index_t threads = 1 + round % 5, items = round % (kMost + 1);
        std::fill(visits.begin(), visits.end(), 0);
        std::atomic<int> mistakes{0};
        parallel_items(threads, items, [&](const Worker& worker, index_t item) {
            mistakes += worker.index >= worker.count || worker.count > threads;
            ++visits[static_cast<std::size_t>(item)];
        });
        CHECK(mistakes == 0);
        for (index_t i = 0; i < kMost; ++i) {
            CHECK(visits[static_cast<std::size_t>(i)] == (i < items ? 1 : 0));
        }
        if (round % 7 == 0) {  // the same workers, all of them, straight after
            CHECK(workers(threads) == (serial() ? 1 : threads));
        }
        if (round % 97 == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));  // they fall asleep
        }
    }
}

TEST_CASE("shares cover every item once, one share where there is one thread") {
    const Threads allowed(3);
    for (index_t threads = 0; threads <= 3; ++threads) {
        for (const index_t n : {0, 1, 3, 4, 11, 12, 13, 1000}) {
            std::vector<int> visits(static_cast<std::size_t>(n));
            std::atomic<int> shares{0}, mistakes{0};
            parallel_shares(threads, n, [&](const Worker& worker, index_t begin, index_t end) {
                ++shares;
                mistakes += begin >= end || worker.index >= std::max(index_t{1}, threads);
                for (index_t i = begin; i < end; ++i) {
                    ++visits[static_cast<std::size_t>(i)];
                }
            });
            CHECK(mistakes == 0);
            CHECK(std::count(visits.begin(), visits.end(), 1) == n);
            CHECK(shares == (threads > 1 ? std::min(n, 4 * threads) : std::min(n, index_t{1})));
        }
    }
}

TEST_CASE("workers take items beside the caller") {
    const Threads allowed(2);
    if (serial()) {
        return;
    }
    // The caller's first item lasts until another worker has begun one.
    std::atomic<bool> helped{false};
    parallel_items(2, 2, [&](const Worker& worker, index_t) {
        helped = helped || worker.index == 1;
        while (worker.count == 2 && !helped) {
            std::this_thread::yield();
        }
    });
    CHECK(helped);
}

TEST_CASE("workers that fell asleep wake up") {
    const Threads allowed(3);
    for (int round = 0; round < 20; ++round) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        CHECK(workers(3) == (serial() ? 1 : 3));
    }
}

TEST_CASE("a region inside a region is the caller alone") {
    const Threads allowed(2);
    std::atomic<int> inner_runs{0}, inner_workers{0}, outer_runs{0};
    parallel(2, [&](const Worker& outer) {
        ++outer_runs;
        parallel(2, [&](const Worker& inner) {
            inner.barrier();
            ++inner_runs;
            inner_workers += static_cast<int>(outer.count > 1 ? inner.count : 1);
        });
        outer.barrier();
    });
    CHECK(inner_runs == outer_runs);
    CHECK(inner_workers == outer_runs);
    CHECK(workers(2) == (serial() ? 1 : 2));
}

TEST_CASE("threads that compute at once share the team without waiting for it") {
    const Threads allowed(2);
    constexpr index_t kItems = 100;
    std::atomic<int> mistakes{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&] {
            std::vector<index_t> items(kItems);
            for (int round = 0; round < 500; ++round) {
                std::fill(items.begin(), items.end(), 0);
                parallel(2, [&](const Worker& worker) {
                    for (index_t i = worker.begin(kItems); i < worker.end(kItems); ++i) {
                        items[static_cast<std::size_t>(i)] += i;
                    }
                    worker.barrier();
                    for (index_t i = 0; i < kItems; ++i) {
                        mistakes += items[static_cast<std::size_t>(i)] != i;
                    }
                });
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    CHECK(mistakes == 0);
}

TEST_CASE("a caller that finds the team in use runs alone") {
    const Threads allowed(2);
    if (serial()) {
        return;
    }
    std::atomic<bool> started{false}, finish{false};
    std::thread other([&] {
        parallel(2, [&](const Worker&) {
            started = true;
            while (!finish) {
                std::this_thread::yield();
            }
        });
    });
    while (!started) {
        std::this_thread::yield();
    }
    CHECK(workers(2) == 1);  // the other region cannot end before this returns
    finish = true;
    other.join();
    CHECK(workers(2) == 2);
}

#if defined(__x86_64__) || defined(__aarch64__)
TEST_CASE("workers do not inherit the caller's treatment of denormals") {
    const Threads allowed(16);  // more than in any other test, so that some workers start here
    volatile float tiny = std::numeric_limits<float>::min();
    volatile float half = 0.5f;
    std::atomic<index_t> flushing{0};
    const FlushDenormals caller_only;
    parallel(16,
             [&](const Worker& worker) { flushing += worker.index > 0 && tiny * half == 0.0f; });
    CHECK(flushing == 0);
}
#endif

#if defined(__GLIBC__)
TEST_CASE("a system that refuses more threads gets the work done with fewer") {
    if (std::string(threading_backend()) != "threads") {
        return;
    }
    const Threads allowed(64);
    pthread_attr_t normal, impossible;
    pthread_getattr_default_np(&normal);
    pthread_getattr_default_np(&impossible);
    REQUIRE(pthread_attr_setstacksize(&impossible, std::size_t{1} << 47) == 0);
    REQUIRE(pthread_setattr_default_np(&impossible) == 0);
    std::atomic<index_t> refused{0}, granted{0};
    parallel(64, [&](const Worker& worker) {
        worker.barrier();
        ++refused;
    });
    pthread_setattr_default_np(&normal);
    parallel(9, [&](const Worker& worker) {
        worker.barrier();
        ++granted;
    });
    CHECK(refused >= 1);
    CHECK(refused < 64);
    CHECK(granted == 9);
}
#endif

TEST_CASE("the number of threads can be set, and bounds every region") {
    const Threads restore(2);
    CHECK(num_threads() == (serial() ? 1 : 2));
    CHECK(workers(5) == num_threads());
    set_num_threads(1);
    CHECK(num_threads() == 1);
    CHECK(workers(5) == 1);
    CHECK_THROWS_WITH_AS(set_num_threads(0), "the number of threads must be at least 1, got 0",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(set_num_threads(-3), "the number of threads must be at least 1, got -3",
                         std::invalid_argument);
    CHECK(num_threads() == 1);
}
