// The default number of threads: environment variables, affinity, and cgroup quotas, read from a
// folder that stands in for the root of the file system.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/processors.h"

using namespace briskmlp;

TEST_CASE("environment variables lower the default number of threads") {
    using detail::default_threads;
    CHECK(default_threads(8, nullptr, nullptr) == 8);
    CHECK(default_threads(8, "4", nullptr) == 4);
    CHECK(default_threads(8, nullptr, "3") == 3);
    CHECK(default_threads(8, "4", "6") == 4);
    CHECK(default_threads(8, "6", "4") == 4);
    CHECK(default_threads(2, "64", "64") == 2);
    CHECK(default_threads(8, "4,2", nullptr) == 4);
    CHECK(default_threads(8, " 4 , 2", " 3 ") == 3);
    CHECK(default_threads(8, "", "") == 8);
    for (const char* invalid :
         {"0", "-2", "two", "2.5", "+2", "0x2", "2 3", "2;", "99999999999999999999", " "}) {
        CHECK(default_threads(8, invalid, nullptr) == 8);
        const std::string message = "BRISKMLP_NUM_THREADS is \"" + std::string(invalid) +
                                    "\", expected a whole number of at least 1";
        CHECK_THROWS_WITH_AS(default_threads(8, nullptr, invalid), message.c_str(),
                             std::runtime_error);
    }
    CHECK_THROWS_AS(default_threads(8, nullptr, "4,2"), std::runtime_error);
}

TEST_CASE("there is at least one processor") {
    CHECK(available_processors() >= 1);
    CHECK(available_processors() <= std::max(std::thread::hardware_concurrency(), 1u));
}

namespace {

// A folder that stands in for the root of the file system, removed at the end.
class FakeRoot {
  public:
    FakeRoot() : root_(std::filesystem::temp_directory_path() / ("briskmlp-" + unique())) {}
    ~FakeRoot() { std::filesystem::remove_all(root_); }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;

    void write(const std::string& path, const std::string& text) {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    index_t processors() const { return detail::cgroup_processors(root_.string()); }

  private:
    static std::string unique() {
        return std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
    }
    std::filesystem::path root_;
};

}  // namespace

TEST_CASE("cgroup version 2 quotas are rounded up, and the least of the ancestors' binds") {
    FakeRoot root;
    CHECK(root.processors() == PTRDIFF_MAX);
    root.write("proc/self/cgroup", "0::/outer/inner\n");
    CHECK(root.processors() == PTRDIFF_MAX);
    root.write("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
    CHECK(root.processors() == PTRDIFF_MAX);
    root.write("sys/fs/cgroup/outer/inner/cpu.max", "350000 100000\n");
    CHECK(root.processors() == 4);
    root.write("sys/fs/cgroup/outer/cpu.max", "200000 100000\n");
    CHECK(root.processors() == 2);
    root.write("sys/fs/cgroup/cpu.max", "10000 100000\n");
    CHECK(root.processors() == 1);
}

TEST_CASE(
    "cgroup version 1 quotas are read, also where only the container's own group is mounted") {
    FakeRoot root;
    root.write("proc/self/cgroup", "3:cpuset:/\n2:cpu,cpuacct:/docker/0123\n0::/\n");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    CHECK(root.processors() == PTRDIFF_MAX);
    root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
    CHECK(root.processors() == 2);
}

TEST_CASE("cgroup files that make no sense set no limit") {
    FakeRoot root;
    root.write("proc/self/cgroup", "nonsense\n:\n0::\n2:cpu:relative\n");
    root.write("sys/fs/cgroup/cpu.max", "fast 0\n");
    CHECK(root.processors() == PTRDIFF_MAX);
    root.write("sys/fs/cgroup/cpu.max", "0 100000\n");
    CHECK(root.processors() == PTRDIFF_MAX);
    root.write("sys/fs/cgroup/cpu.max", "100000 0\n");
    CHECK(root.processors() == PTRDIFF_MAX);
}
