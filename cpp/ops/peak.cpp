#include "ops/peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/parallel.h"

namespace briskmlp {
namespace {

constexpr index_t kDepth = 96;  // of the matmul: A and B together take half of L1

}  // namespace

template <class T>
double peak_gflops(const KernelTable<T>& kernels, index_t threads, double seconds) {
    using Clock = std::chrono::steady_clock;
    const index_t m = kernels.tile_rows, n = kernels.tile_vecs * kernels.lanes;
    // Some 5 microseconds of work: short enough to meet a moment without interruption, and long
    // beside a barrier.
    constexpr int kRepeats = 50;
    double best = 0;
    const double flops = 2.0 * static_cast<double>(m * n * kDepth) * kRepeats;
    const int rounds = 1 + static_cast<int>(seconds * 1e9 / (flops / 50));
    const AlignedBuffer<T> a(m * kDepth), b(kDepth * n);
    std::vector<AlignedBuffer<T>> c;
    for (index_t i = 0; i < threads; ++i) {
        c.emplace_back(m * n);
    }
    parallel(threads, [&](const Worker& worker) {
        T* const result = c[static_cast<std::size_t>(worker.index)].data();
        const Gemm<T> gemm{m, n, kDepth, a.data(), kDepth, 1, b.data(), n, result, n};
        for (int round = 0; round < rounds; ++round) {
            worker.barrier();
            const Clock::time_point start = Clock::now();
            for (int i = 0; i < kRepeats; ++i) {
                kernels.gemm(gemm);
            }
            worker.barrier();
            const double took = std::chrono::duration<double>(Clock::now() - start).count();
            if (worker.index == 0) {
                best = std::max(best, flops / took * 1e-9);
            }
        }
    });
    return best;
}

template double peak_gflops(const KernelTable<float>&, index_t, double);
template double peak_gflops(const KernelTable<double>&, index_t, double);

}  // namespace briskmlp
