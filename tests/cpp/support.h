// What the tests of kernels and networks share: every instruction set, random data, bounds of
// rounding errors, and matrices that notice when something else is written.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/parallel.h"
#include "base/random.h"
#include "kernels/dispatch.h"
#include "nn/network.h"
#include "train/dataset.h"

namespace briskmlp {

// Calls body(table) with the kernels of every instruction set that this machine has.
template <class T, class Body>
void for_each_isa(Body body) {
    for (const Isa isa : cpu_info().supported) {
        INFO("isa ", std::string(isa_name(isa)));
        body(kernels<T>(isa));
    }
}

// `size` numbers, uniform in [low, high). Different seeds give independent ones.
template <class T>
std::vector<T> random_values(index_t size, std::uint64_t seed, double low = -1, double high = 1) {
    const CounterRng rng(seed, RandomStream::kInit, 0);
    std::vector<T> values(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<T>(low + (high - low) * rng.uniform(i));
    }
    return values;
}

// gamma_k = k u / (1 - k u) bounds the relative error of k roundings in a row (Higham, "Accuracy
// and stability of numerical algorithms", section 3.1). u is taken as twice the unit roundoff; the
// second half pays for the oracle's own roundings, which in double are as many.
template <class T>
double gamma(double k) {
    const double ku = k * static_cast<double>(std::numeric_limits<T>::epsilon());
    return ku / (1 - ku);
}

// How far `got` is from `expected`, as a fraction of what is allowed: right when at most 1.
inline double excess(double got, double expected, double allowed) {
    if (got == expected) {
        return 0;
    }
    const double error = std::fabs(got - expected);
    return std::isnan(error) || !(allowed > 0) ? std::numeric_limits<double>::infinity()
                                               : error / allowed;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() &&
           (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// A (rows, cols) matrix in which kernels may write the first `writable` columns, with a stride that
// is larger. Everything else, and a margin on both sides, holds a value that must stay.
template <class T>
class Guarded {
  public:
    Guarded(index_t rows, index_t cols, index_t writable)
        : rows_(rows),
          cols_(cols),
          writable_(writable),
          memory_(static_cast<std::size_t>(rows * stride() + 2 * kMargin), kGuard) {}

    index_t stride() const { return writable_ + 3; }
    T* data() { return memory_.data() + kMargin; }
    T& at(index_t r, index_t c) { return data()[r * stride() + c]; }

    void fill(const std::vector<T>& values) {  // (rows, cols) contiguous
        REQUIRE(static_cast<index_t>(values.size()) == rows_ * cols_);
        for (index_t i = 0; i < rows_ * cols_; ++i) {
            at(i / cols_, i % cols_) = values[static_cast<std::size_t>(i)];
        }
    }
    std::vector<T> values() {  // (rows, cols) contiguous
        std::vector<T> result;
        for (index_t i = 0; i < rows_ * cols_; ++i) {
            result.push_back(at(i / cols_, i % cols_));
        }
        return result;
    }
    bool intact() const {
        const auto size = static_cast<index_t>(memory_.size());
        for (index_t i = 0; i < size; ++i) {
            const index_t offset = i - kMargin;
            const bool inside = offset >= 0 && offset < rows_ * stride();
            if (!(inside && offset % stride() < writable_) &&
                memory_[static_cast<std::size_t>(i)] != kGuard) {
                return false;
            }
        }
        return true;
    }

  private:
    static constexpr index_t kMargin = 64;
    static constexpr T kGuard = T(-12345.5);

    index_t rows_, cols_, writable_;
    std::vector<T> memory_;
};

// Lets regions have more workers than the machine has processors, for as long as it lives.
class ManyThreads {
  public:
    ManyThreads() : before_(num_threads()) { set_num_threads(5); }
    ~ManyThreads() { set_num_threads(before_); }
    ManyThreads(const ManyThreads&) = delete;
    ManyThreads& operator=(const ManyThreads&) = delete;

  private:
    index_t before_;
};

template <class T>
constexpr DType kDTypeOf = sizeof(T) == sizeof(float) ? DType::kFloat32 : DType::kFloat64;

// `values` as a matrix with `cols` columns.
template <class T>
InputMatrix input_matrix(const std::vector<T>& values, index_t cols) {
    constexpr index_t kSize = sizeof(T);
    return {values.data(), kDTypeOf<T>,  static_cast<index_t>(values.size()) / cols,
            cols,          kSize * cols, kSize};
}

// All layers but the last have `activation`; the last has none.
template <class T>
Network<T> make_network(std::vector<index_t> sizes, Activation activation, LossSpec loss,
                        std::uint64_t seed = 1) {
    std::vector<Activation> activations(sizes.size() - 1, activation);
    activations.back() = Activation::kIdentity;
    Network<T> net({std::move(sizes), std::move(activations), std::move(loss)});
    net.initialize(seed, Initializer::kAuto);
    return net;
}

template <class T>
std::vector<T> parameters_of(const Network<T>& net) {
    return {net.parameters(), net.parameters() + net.num_parameters()};
}

enum class TargetKind { kValues, kLabels };

// Random rows for a network to learn, and their owner.
template <class T>
struct TestData {
    std::vector<T> x, values, weights;
    std::vector<std::int32_t> labels;
    index_t inputs, cols;

    TestData(const Network<T>& net, index_t rows, TargetKind kind, bool weighted,
             std::uint64_t seed = 10)
        : x(random_values<T>(rows * net.inputs(), seed)),
          inputs(net.inputs()),
          cols(net.outputs() / net.spec().loss.outputs_per_target()) {
        const CounterRng rng(seed, RandomStream::kShuffle, 0);
        for (index_t r = 0; kind == TargetKind::kLabels && r < rows; ++r) {
            labels.push_back(static_cast<std::int32_t>(
                rng.below(static_cast<std::uint64_t>(r), static_cast<std::uint64_t>(cols))));
        }
        if (kind == TargetKind::kValues) {
            values = random_values<T>(rows * cols, seed + 1, 0, 1);
        }
        if (weighted) {
            weights = random_values<T>(rows, seed + 2, 0, 2);
        }
    }

    // Rows [first, first + count).
    Dataset<T> rows(index_t first, index_t count) const {
        return {input_matrix(x, inputs).rows_from(first, count),
                {labels.empty() ? nullptr : labels.data() + first,
                 values.empty() ? nullptr : values.data() + first * cols, cols,
                 weights.empty() ? nullptr : weights.data() + first}};
    }
    Dataset<T> all() const { return rows(0, static_cast<index_t>(x.size()) / inputs); }
};

// A dense matrix's rows as CSR, with zeros left out.
template <class T>
struct Sparse {
    std::vector<T> entries;
    std::vector<std::int32_t> columns;
    std::vector<std::int64_t> starts = {0};
    index_t cols;

    Sparse(const std::vector<T>& values, index_t cols_) : cols(cols_) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i] != 0) {
                entries.push_back(values[i]);
                columns.push_back(static_cast<std::int32_t>(static_cast<index_t>(i) % cols));
            }
            if (static_cast<index_t>(i + 1) % cols == 0) {
                starts.push_back(static_cast<std::int64_t>(entries.size()));
            }
        }
    }
    InputMatrix matrix() const {
        return {entries.data(),
                kDTypeOf<T>,
                static_cast<index_t>(starts.size()) - 1,
                cols,
                0,
                0,
                starts.data(),
                columns.data(),
                true};
    }
};

}  // namespace briskmlp
