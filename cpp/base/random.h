// A counter-based random generator: the value at (seed, stream, counter) is a pure function of the
// three, so that any thread can draw any number in any order. It is SplitMix64 (Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", 2014) read at a position instead of in
// sequence. briskmlp.reference draws the same numbers with NumPy.
#pragma once

#include "base/types.h"

namespace briskmlp {

constexpr std::uint64_t kGoldenGamma = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio, odd

constexpr std::uint64_t mix64(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

// What a stream of numbers is for. Streams of one seed are independent of each other.
enum class RandomStream : std::uint64_t {
    kInit = 1,
    kShuffle = 2,
    kDropout = 3,
    kNoise = 4,
    kMeasure = 5
};

class CounterRng {
  public:
    // `index` tells streams of one purpose apart: the layer for kInit, the epoch for kShuffle,
    // layer and minibatch for kDropout, the minibatch for kNoise; 0 for kMeasure.
    constexpr CounterRng(std::uint64_t seed, RandomStream stream, std::uint64_t index)
        : key_(mix64(mix64(mix64(seed + kGoldenGamma) ^ static_cast<std::uint64_t>(stream)) ^
                     index)) {}

    constexpr std::uint64_t key() const { return key_; }
    constexpr std::uint64_t bits(std::uint64_t counter) const {
        return mix64(key_ + (counter + 1) * kGoldenGamma);
    }
    // Uniform in [0, 1), a multiple of 2^-53.
    constexpr double uniform(std::uint64_t counter) const {
        return static_cast<double>(bits(counter) >> 11) * 0x1p-53;
    }
    // Uniform in [0, n) for n <= 2^32, by multiplication: bias below n * 2^-32 (Lemire 2019).
    constexpr std::uint64_t below(std::uint64_t counter, std::uint64_t n) const {
        return ((bits(counter) >> 32) * n) >> 32;
    }

  private:
    std::uint64_t key_;
};

}  // namespace briskmlp
