// What the machine and the kernels can do at most: the rate of multiply-adds, the rates at which
// memory is read, the cost of an update, of a second thread, and of each activation beside the
// matmul that it follows. One thread, unless it says otherwise; an argument picks one part.
// Links against the core, built as the wheel is; docs/speed.md has the commands.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "ops/dense.h"
#include "nn/activation.h"
#include "train/padded_matrix.h"

namespace {

using namespace briskmlp;
using Clock = std::chrono::steady_clock;

// Nanoseconds of one call: the fastest of several rounds, each of a few milliseconds.
template <class Body>
double nanoseconds(Body body) {
    constexpr int kRounds = 25;
    constexpr double kRoundNanoseconds = 4e6;
    double best = 1e300;
    for (index_t calls = 1, round = 0; round < kRounds;) {
        const Clock::time_point start = Clock::now();
        for (index_t i = 0; i < calls; ++i) {
            body();
        }
        const std::chrono::duration<double, std::nano> took = Clock::now() - start;
        if (took.count() < kRoundNanoseconds / 2) {
            calls *= 2;
        } else {
            best = std::min(best, took.count() / static_cast<double>(calls));
            ++round;
        }
    }
    return best;
}

template <class T>
AlignedBuffer<T> random_numbers(index_t size) {
    AlignedBuffer<T> buffer(size);
    std::mt19937 generator(0);
    std::normal_distribution<double> normal;
    for (index_t i = 0; i < size; ++i) {
        buffer[i] = static_cast<T>(normal(generator));
    }
    return buffer;
}

// A register tile that reads the same few lines of L1 all the time.
template <class T>
void report_peak(const char* type) {
    const KernelTable<T>& table = kernels<T>();
    constexpr index_t kDepth = 2048;
    const index_t m = table.tile_rows, n = table.tile_vecs * table.lanes;
    const AlignedBuffer<T> a = random_numbers<T>(kDepth), b = random_numbers<T>(n);
    AlignedBuffer<T> c(m * n);
    const Gemm<T> gemm{m, n, kDepth, a.data(), 0, 1, b.data(), 0, c.data(), n};
    const double flops = 2 * static_cast<double>(m * n * kDepth);
    std::printf("%s, %s: %.1f GFLOP/s in a register tile of %td x %td\n", table.isa, type,
                flops / nanoseconds([&] { table.gemm(gemm); }), m, n);
}

// Dot products of four rows with a fifth: five streams are read, and nothing is written.
void report_memory() {
    const KernelTable<float>& table = kernels<float>();
    constexpr index_t kRows = 4;
    for (const index_t kib : {20, 24, 320, 768, 4096, 131072}) {
        const index_t k = kib * 1024 / (kRows + 1) / index_t{sizeof(float)} / 16 * 16;
        const AlignedBuffer<float> x = random_numbers<float>(kRows * k),
                                   w = random_numbers<float>(k);
        float y[kRows];
        const double time = nanoseconds(
            [&] { table.narrow_forward(kRows, 1, k, x.data(), k, w.data(), k, nullptr, y, 1); });
        std::printf("reading %6td KiB: %6.1f GB/s\n", kib,
                    (kRows + 1) * sizeof(float) * static_cast<double>(k) / time);
    }
}

// Adam on a matrix in L2, and a transposition of it.
template <class T>
void report_update(const char* type) {
    const KernelTable<T>& table = kernels<T>();
    constexpr index_t kRows = 64, kCols = 64, kSize = kRows * kCols;
    const AlignedBuffer<T> g = random_numbers<T>(kSize);
    AlignedBuffer<T> w = random_numbers<T>(kSize), m(kSize), v(kSize), wt(kSize + 64 * kRows);
    UpdateScalars<T> step{};
    step.decay = T(1);
    step.rate = step.gradient_rate = T(1e-6);
    step.beta1 = T(0.9);
    step.rest1 = T(0.1);
    step.beta2 = T(0.999);
    step.rest2 = T(0.001);
    step.inv_sqrt_bias2 = T(1);
    step.epsilon = T(1e-8);
    const auto update = [&](UpdateRule rule) {
        return nanoseconds([&] {
            table.update[static_cast<int>(rule)](kRows, kCols, g.data(), kCols, w.data(), m.data(),
                                                 v.data(), kCols, step);
        });
    };
    const double size = kSize;
    std::printf("%s a parameter, ns: Adam %.3f, SGD with momentum %.3f, transposition %.3f\n", type,
                update(UpdateRule::kAdam) / size, update(UpdateRule::kMomentum) / size,
                nanoseconds([&] {
                    table.transpose(kRows, kCols, w.data(), kCols, wt.data(), kRows + table.lanes);
                }) / size);
}

// What it costs that two threads wait for each other: at a barrier, and to begin and end a region,
// when both are awake and when the second has gone to sleep.
void report_threads() {
    if (num_threads() < 2) {
        std::printf("one thread only: no barrier to measure\n");
        return;
    }
    constexpr int kBarriers = 1000;
    const double barrier = nanoseconds([] {
                               parallel(2, [](const Worker& worker) {
                                   for (int i = 0; i < kBarriers; ++i) {
                                       worker.barrier();
                                   }
                               });
                           }) /
                           kBarriers;
    const double region = nanoseconds([] { parallel(2, [](const Worker&) {}); });
    std::vector<double> wakes(101);
    for (double& wake : wakes) {
        const Clock::time_point pause = Clock::now() + std::chrono::milliseconds(2);
        while (Clock::now() < pause) {
        }
        const Clock::time_point start = Clock::now();
        parallel(2, [](const Worker&) {});
        wake = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    }
    std::sort(wakes.begin(), wakes.end());
    std::printf("ns, two threads: barrier %.0f, region %.0f, region of a sleeper %.0f (median)\n",
                barrier, region, wakes[wakes.size() / 2]);
}

// A layer of 64 inputs and 64 outputs on 256 rows, forward and its d_x, with each activation.
template <class T>
void report_activations(const char* type) {
    const KernelTable<T>& table = kernels<T>();
    constexpr index_t kRows = 256, kWidth = 64, kElements = kRows * kWidth;
    const index_t lanes = table.lanes;
    const AlignedBuffer<T> numbers = random_numbers<T>(kElements);
    PaddedMatrix<T> x = PaddedMatrix<T>::with_ones(kRows, kWidth, lanes);
    PaddedMatrix<T> w(kWidth + 1, kWidth, lanes), d(kRows, kWidth, lanes);
    PaddedMatrix<T> y(kRows, kWidth, lanes), slope(kRows, kWidth, lanes);
    PaddedMatrix<T> d_x(kRows, kWidth, lanes);
    for (index_t r = 0; r < kRows; ++r) {
        std::copy_n(numbers.data() + r * kWidth, kWidth, x.view(0, kRows).row(r));
        std::copy_n(numbers.data() + r * kWidth, kWidth, d.view(0, kRows).row(r));
    }
    for (index_t r = 0; r < kWidth; ++r) {  // sums of 64 then have a variance of 1
        T* const row = w.view(0, kWidth).row(r);
        std::transform(numbers.data() + r * kWidth, numbers.data() + (r + 1) * kWidth, row,
                       [](T value) { return value / T(8); });
    }
    const auto forward = [&](Activation kind) {
        return nanoseconds([&] {
            dense_forward(table, kind, x.view(0, kRows).constant(),
                          w.view(0, kWidth + 1).constant(), {}, y.view(0, kRows),
                          slope.view(0, kRows));
        });
    };
    const auto backward = [&](Activation kind) {
        return nanoseconds([&] {
            dense_backward_input(table, kind, d.view(0, kRows).constant(),
                                 w.view(0, kWidth).constant(), y.view(0, kRows).constant(),
                                 slope.view(0, kRows).constant(), d_x.view(0, kRows));
        });
    };
    const double plain_forward = forward(Activation::kIdentity);
    const double plain_backward = backward(Activation::kIdentity);
    std::printf("%s, ns an element    forward  beyond the matmul  ratio  backward  beyond  ratio\n",
                type);
    for (int i = 0; i < kActivationCount; ++i) {
        const Activation kind = static_cast<Activation>(i);
        const double there = forward(kind), back = backward(kind);
        std::printf("%-20s %9.3f %18.3f %6.2f %9.3f %7.3f %6.2f\n", activation_info(kind).name,
                    there / kElements, (there - plain_forward) / kElements, there / plain_forward,
                    back / kElements, (back - plain_backward) / kElements, back / plain_backward);
    }
}

}  // namespace

int main(int count, char** arguments) {
    const auto asked = [&](const char* part) {
        return count < 2 || std::strcmp(arguments[1], part) == 0;
    };
    if (asked("peak")) {
        report_peak<float>("float32");
        report_peak<double>("float64");
    }
    if (asked("memory")) {
        report_memory();
    }
    if (asked("update")) {
        report_update<float>("float32");
        report_update<double>("float64");
    }
    if (asked("threads")) {
        report_threads();
    }
    if (asked("activations")) {
        report_activations<float>("float32");
        report_activations<double>("float64");
    }
}
