// The team across fork, in the child and in the parent. ThreadSanitizer is left out: it does not
// let a child of a process with threads start its own.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "base/parallel.h"

#if (defined(__unix__) || defined(__APPLE__)) && !defined(__SANITIZE_THREAD__)
#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

using namespace briskmlp;

namespace {

// Whether a region of 2 gets its work done, barriers included, and how many workers did it.
struct Outcome {
    bool correct;
    index_t workers;
};

Outcome work() {
    int items[100] = {};
    std::atomic<int> mistakes{0};
    std::atomic<index_t> workers{0};
    parallel(2, [&](const Worker& worker) {
        ++workers;
        for (index_t i = worker.begin(100); i < worker.end(100); ++i) {
            items[i] = 1;
        }
        worker.barrier();
        for (const int item : items) {
            mistakes += item != 1;
        }
    });
    return {mistakes == 0, workers};
}

bool is_threads() { return std::string(threading_backend()) == "threads"; }

// Runs work() in a forked child. True when it ended, within ten seconds, with the right result, and
// with two workers where the back end can have them after a fork.
bool child_works() {
    const pid_t child = fork();
    if (child == 0) {
        const Outcome first = work();
        const Outcome second = work();
        const index_t expected = is_threads() ? 2 : 1;
        const bool good = first.correct && second.correct && first.workers == expected &&
                          second.workers == expected;
        _exit(good ? 0 : 1);
    }
    for (int waited = 0; waited < 10000; ++waited) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return false;
}

}  // namespace

TEST_CASE("a forked child and its parent both keep computing") {
    const index_t old = num_threads();
    set_num_threads(2);
    const index_t parent_workers = work().workers;
    for (int i = 0; i < 20; ++i) {
        CHECK(work().correct);
        CHECK(child_works());
        const Outcome after = work();
        CHECK(after.correct);
        CHECK(after.workers == parent_workers);
    }
    set_num_threads(old);
}

TEST_CASE("a child forked while another thread uses the team is free to compute") {
    const index_t old = num_threads();
    set_num_threads(2);
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) {
            work();
        }
    });
    for (int i = 0; i < 20; ++i) {
        CHECK(child_works());
    }
    stop = true;
    other.join();
    CHECK(work().correct);
    set_num_threads(old);
}

#endif
