// Affinity, cgroup quotas and environment variables.
#include "base/processors.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "base/check.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace briskmlp {
namespace {

index_t affinity_processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return CPU_COUNT(&set);
    }
#endif
    return static_cast<index_t>(std::thread::hardware_concurrency());
}

// The quota written in one cgroup's folder, whichever of the two versions it is.
index_t folder_quota(const std::string& folder) {
    index_t quota = 0;  // microseconds of processor time in each period; "max" or -1 for no limit
    index_t period = 0;
    std::ifstream v2(folder + "/cpu.max");
    if (!(v2 >> quota >> period)) {
        std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
        std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    }
    return quota > 0 && period > 0 ? ceil_div(quota, period) : PTRDIFF_MAX;
}

// The whole of `text`, blanks around it aside, as a number of at least 1; 0 when it is not one.
index_t parse_count(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    text.remove_suffix(text.size() - (text.find_last_not_of(kBlanks) + 1));
    index_t count = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, count);
    return error == std::errc() && rest == end && count >= 1 ? count : 0;
}

}  // namespace

namespace detail {

index_t cgroup_processors(const std::string& root) {
    index_t least = PTRDIFF_MAX;
    std::ifstream cgroups(root + "/proc/self/cgroup");
    // Lines read number:controllers:path, where version 2 names no controllers.
    for (std::string line; std::getline(cgroups, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string::npos) {
            continue;
        }
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        std::string mount = root + "/sys/fs/cgroup";
        if (controllers.find(",cpu,") != std::string::npos) {
            mount += "/cpu";
        } else if (controllers != ",,") {
            continue;
        }
        // A quota binds all groups below. In a container the outer part of the path does not exist,
        // and the walk ends at the container's own group, which is mounted at the top.
        for (std::string path = line.substr(second + 1);;) {
            least = std::min(least, folder_quota(mount + path));
            const std::size_t slash = path.rfind('/');
            if (slash == std::string::npos) {
                break;
            }
            path.resize(slash);
        }
    }
    return least;
}

index_t default_threads(index_t processors, const char* omp, const char* own) {
    index_t threads = processors;
    if (omp != nullptr) {
        const std::string_view list = omp;  // one count for each level of nesting: "4,2"
        const index_t count = parse_count(list.substr(0, list.find(',')));
        threads = count > 0 ? std::min(threads, count) : threads;
    }
    if (own != nullptr && *own != '\0') {
        const index_t count = parse_count(own);
        if (count == 0) {
            throw std::runtime_error("BRISKMLP_NUM_THREADS is \"" + std::string(own) +
                                     "\", expected a whole number of at least 1");
        }
        threads = std::min(threads, count);
    }
    return threads;
}

}  // namespace detail

index_t available_processors() {
    static const index_t processors =
        std::max(std::min(affinity_processors(), detail::cgroup_processors("")), index_t{1});
    return processors;
}

}  // namespace briskmlp
