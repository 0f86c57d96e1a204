// The inner loop of every elementwise ufunc: brings operands as NumPy hands them over, of any
// strides, to a kernel that wants them side by side, block by block on the stack, and answers for
// the floating-point exceptions.
#pragma once

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <limits>
#include <type_traits>

#include "base/parallel.h"
#include "kernels/table.h"
#include "bindings/ufuncs/element.h"
#include "bindings/ufuncs/float_status.h"

namespace briskmlp {

// The data of a loop that computes in T.
template <class T>
struct PointwiseLoop {
    Pointwise<T> kernel;
    ExceptionRule rule;
};

// Elements that are gathered, or whose exceptions are looked at, at once: they stay in L1.
inline constexpr index_t kPointwiseBlock = 1024;

// About how long an element takes in the fastest functions, for each byte.
inline constexpr double kNanosecondsPerByte = 0.05;

// Operands are stored as Stored, and computed with as T.
template <class Stored, class T, int kInputs>
class PointwiseRun {
  public:
    PointwiseRun(char** args, const index_t* steps, const PointwiseLoop<T>& loop)
        : loop_(loop), args_(args), steps_(steps) {
        for (int k = 0; k <= kInputs; ++k) {
            direct_[k] = std::is_same_v<Stored, T> && steps[k] == index_t{sizeof(Stored)} &&
                         (k == kInputs || args[k] != args[kInputs]);
        }
    }

    // Elements [begin, end), at most `block` at once; returns their exceptions.
    int operator()(index_t begin, index_t end, index_t block) const {
        KeepExceptions keep;
        T buffers[kInputs + 1][kPointwiseBlock];
        int found = 0;
        for (index_t i = begin; i < end; i += block) {
            const index_t n = std::min(block, end - i);
            const T* in[kInputs];
            for (int k = 0; k < kInputs; ++k) {
                in[k] = direct_[k] ? reinterpret_cast<const T*>(at(k, i)) : buffers[k];
                if (!direct_[k] && (i == begin || steps_[k] != 0 || block == 1)) {
                    gather(k, i, n, buffers[k]);
                }
            }
            T* const out =
                direct_[kInputs] ? reinterpret_cast<T*>(at(kInputs, i)) : buffers[kInputs];
            loop_.kernel(n, in, out);
            if (!direct_[kInputs]) {
                scatter(i, n, out);
            }
            // A half may overflow where the float did not.
            const bool suspicious = keep.raised() || std::is_same_v<Stored, Half>;
            if (suspicious && !loop_.rule.silent) {
                found |= exceptions_of<T>(n, kInputs, in, out, least(), loop_.rule);
            }
        }
        return found;
    }

  private:
    static constexpr T least() {
        return std::is_same_v<Stored, Half> ? T(0x1p-14) : std::numeric_limits<T>::min();
    }

    char* at(int k, index_t i) const { return args_[k] + i * steps_[k]; }

    void gather(int k, index_t i, index_t n, T* to) const {
        for (index_t j = 0; j < n; ++j) {
            to[j] = load_as<Stored, T>(at(k, i + j));
        }
    }
    // Leaves in `from` what has been stored.
    void scatter(index_t i, index_t n, T* from) const {
        for (index_t j = 0; j < n; ++j) {
            from[j] = store_as<Stored, T>(from[j], at(kInputs, i + j));
        }
    }

    const PointwiseLoop<T>& loop_;
    char** args_;
    const index_t* steps_;
    bool direct_[kInputs + 1];
};

// Whether an operand is written by one element and read by another, as in ufunc.accumulate.
inline bool must_go_in_order(int inputs, char** args, index_t n, const index_t* steps,
                             index_t size) {
    const auto first = [&](int k) { return args[k] + std::min(index_t{0}, (n - 1) * steps[k]); };
    const auto end = [&](int k) {
        return args[k] + std::max(index_t{0}, (n - 1) * steps[k]) + size;
    };
    for (int k = 0; k < inputs; ++k) {
        const bool apart = first(k) >= end(inputs) || first(inputs) >= end(k);
        const bool same = args[k] == args[inputs] && steps[k] == steps[inputs];
        if (!apart && (!same || steps[inputs] == 0)) {
            return true;
        }
    }
    return steps[inputs] == 0;
}

// An InnerLoop whose data is a PointwiseLoop<T>.
template <class Stored, class T, int kInputs>
void pointwise_loop(char** args, const index_t* dims, const index_t* steps, void* data) {
    const index_t n = dims[0];
    const PointwiseRun<Stored, T, kInputs> run(args, steps,
                                               *static_cast<const PointwiseLoop<T>*>(data));
    int found = 0;
    if (n > 1 && must_go_in_order(kInputs, args, n, steps, sizeof(Stored))) {
        found = run(0, n, 1);
    } else if (n <= kPointwiseBlock) {
        found = run(0, n, kPointwiseBlock);
    } else {
        std::atomic<int> together{0};
        const double nanoseconds =
            kNanosecondsPerByte * static_cast<double>(n * index_t{sizeof(T)});
        const index_t blocks = (n + kPointwiseBlock - 1) / kPointwiseBlock;
        const index_t threads = useful_threads(nanoseconds, num_threads());
        parallel_shares(threads, blocks, [&](const Worker&, index_t first, index_t last) {
            const index_t end = std::min(n, last * kPointwiseBlock);
            const int raised = run(first * kPointwiseBlock, end, kPointwiseBlock);
            together.fetch_or(raised, std::memory_order_relaxed);
        });
        found = together.load(std::memory_order_relaxed);
    }
    if (found != 0) {
        std::feraiseexcept(found);
    }
}

}  // namespace briskmlp
