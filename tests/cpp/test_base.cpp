// base/ apart from threads: size arithmetic, buffers, random numbers, what the processor can do.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/cpu.h"
#include "base/matrix_view.h"
#include "base/memory.h"
#include "base/random.h"

using namespace briskmlp;

TEST_CASE("sizes that do not fit 64 bits throw instead of wrapping around") {
    CHECK(checked_mul(0, PTRDIFF_MAX) == 0);
    CHECK(checked_mul(PTRDIFF_MAX, 0) == 0);
    CHECK(checked_mul(1, PTRDIFF_MAX) == PTRDIFF_MAX);
    CHECK(checked_mul(index_t{1} << 31, index_t{1} << 31) == index_t{1} << 62);
    CHECK_THROWS_AS(checked_mul(index_t{1} << 32, index_t{1} << 31), std::bad_alloc);
    CHECK_THROWS_AS(checked_mul(2, PTRDIFF_MAX / 2 + 1), std::bad_alloc);
    CHECK_THROWS_AS(checked_mul(-1, 1), std::bad_alloc);
    CHECK_THROWS_AS(checked_mul(1, -1), std::bad_alloc);

    CHECK(checked_add(PTRDIFF_MAX - 1, 1) == PTRDIFF_MAX);
    CHECK_THROWS_AS(checked_add(PTRDIFF_MAX, 1), std::bad_alloc);
    CHECK_THROWS_AS(checked_add(-1, 1), std::bad_alloc);

    CHECK(ceil_div(0, 8) == 0);
    CHECK(ceil_div(8, 8) == 1);
    CHECK(ceil_div(9, 8) == 2);
    CHECK(round_up(9, 8) == 16);
}

TEST_CASE("require throws its message") {
    CHECK_NOTHROW(require(true, "unused"));
    CHECK_THROWS_WITH_AS(require(false, "X has 7 columns"), "X has 7 columns",
                         std::invalid_argument);
}

TEST_CASE_TEMPLATE("a buffer is aligned, zeroed, and readable beyond its end", T, float, double,
                   std::uint8_t) {
    for (const index_t size : {0, 1, 15, 16, 17, 1000}) {
        AlignedBuffer<T> buffer(size);
        CHECK(buffer.size() == size);
        CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % kAlignment == 0);
        const T* data = buffer.data();
        CHECK(std::all_of(data, data + size + AlignedBuffer<T>::kSlack,
                          [](T value) { return value == T{0}; }));
    }
}

TEST_CASE("a buffer moves and leaves an empty one behind") {
    AlignedBuffer<float> first(3);
    first[2] = 5;
    AlignedBuffer<float> second(std::move(first));
    CHECK(second.size() == 3);
    CHECK(second[2] == 5);
    AlignedBuffer<float> third;
    CHECK(third.data() == nullptr);
    third = std::move(second);
    CHECK(third.size() == 3);
    CHECK(third[2] == 5);
}

TEST_CASE("a buffer beyond any memory throws std::bad_alloc") {
    CHECK_THROWS_AS(AlignedBuffer<double>(PTRDIFF_MAX), std::bad_alloc);       // sum overflows
    CHECK_THROWS_AS(AlignedBuffer<double>(PTRDIFF_MAX / 4), std::bad_alloc);   // product overflows
    CHECK_THROWS_AS(AlignedBuffer<double>(index_t{1} << 58), std::bad_alloc);  // 2 EiB
    CHECK_THROWS_AS(AlignedBuffer<char>{physical_memory()}, std::bad_alloc);   // slack exceeds it
    CHECK_THROWS_AS(AlignedBuffer<double>(-1), std::bad_alloc);
}

TEST_CASE("a matrix view finds its rows") {
    std::array<int, 12> numbers{};  // (3, 3) with a stride of 4
    const MatrixView<int> view{numbers.data(), 3, 3, 4};
    CHECK(view.row(2) == numbers.data() + 8);
    const MatrixView<const int> same = view.constant();
    CHECK(same.row(1) == view.row(1));
    CHECK(same.rows == 3);
    CHECK(same.cols == 3);
    CHECK(same.stride == 4);
}

TEST_CASE("random numbers are SplitMix64's") {
    // The first outputs for the seed 1234567, as published with the generator.
    const std::array<std::uint64_t, 5> published = {6457827717110365317u, 3203168211198807973u,
                                                    9817491932198370423u, 4593380528125082431u,
                                                    16408922859458223821u};
    for (std::uint64_t i = 0; i < published.size(); ++i) {
        CHECK(mix64(1234567 + (i + 1) * kGoldenGamma) == published[i]);
    }
}

TEST_CASE("random numbers at a position have known values") {
    // From a sequential SplitMix64 in Python that shares no code with this one.
    struct Known {
        std::uint64_t seed;
        RandomStream stream;
        std::uint64_t index, first, second, third, thousand_and_first;
        double uniform;
        std::uint64_t below_10;
    };
    const std::array<Known, 4> known = {{
        {0, RandomStream::kInit, 0, 0x6ad5ff626bac2349, 0x8f0a26f0432b38c8, 0x7e20292a07fd6ac6,
         0xa3c887e72cf0b154, 0.41732784417006075, 4},
        {0, RandomStream::kShuffle, 0, 0xbf3bd92b9263a13a, 0x43a2d0e7fd54126b, 0x3b4c4fc53ec48f81,
         0x16fccab9d1860943, 0.7470069629074616, 7},
        {42, RandomStream::kShuffle, 7, 0xa3555bbed33eb644, 0x0e4b7343d129ec91, 0xcf4677129af5aa35,
         0xf18deebfd384890f, 0.6380212155229354, 6},
        {~std::uint64_t{0}, RandomStream::kInit, 3, 0x35e1a4c9bf1ac487, 0x9d1fb1a090f4f01a,
         0xc9ec4ff3bac2b7bb, 0xe93c9affe092d655, 0.21047429967357356, 2},
    }};
    for (const Known& k : known) {
        const CounterRng rng(k.seed, k.stream, k.index);
        CHECK(rng.bits(0) == k.first);
        CHECK(rng.bits(1) == k.second);
        CHECK(rng.bits(2) == k.third);
        CHECK(rng.bits(1000) == k.thousand_and_first);
        CHECK(rng.uniform(0) == k.uniform);
        CHECK(rng.below(0, 10) == k.below_10);
    }
}

TEST_CASE("random numbers stay in range and reach all of a small one") {
    const CounterRng rng(3, RandomStream::kShuffle, 1);
    for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{7},
                                  std::uint64_t{1000}, std::uint64_t{1} << 32}) {
        std::set<std::uint64_t> seen;
        bool in_range = true;
        for (std::uint64_t counter = 0; counter < 20000; ++counter) {
            const std::uint64_t value = rng.below(counter, n);
            in_range = in_range && value < n;
            seen.insert(value);
        }
        CHECK(in_range);
        // 20000 draws miss one of 1000 values with a probability of 1000 exp(-20) = 2e-6; the draws
        // are the same in every run.
        CHECK(seen.size() >= std::min(n, std::uint64_t{1000}));
    }
    double sum = 0;
    for (std::uint64_t counter = 0; counter < 20000; ++counter) {
        const double value = rng.uniform(counter);
        REQUIRE(value >= 0);
        REQUIRE(value < 1);
        sum += value;
    }
    // Five standard deviations of the mean of 20000 uniforms.
    CHECK(std::abs(sum / 20000 - 0.5) < 5 / std::sqrt(12.0 * 20000));
}

namespace {

bool supports(Isa isa) {
    const auto& supported = cpu_info().supported;
    return std::find(supported.begin(), supported.end(), isa) != supported.end();
}

// Sets BRISKMLP_ISA while in scope, and then restores what it was.
class ForcedIsa {
  public:
    explicit ForcedIsa(const char* name) {
        const char* old = std::getenv("BRISKMLP_ISA");
        was_set_ = old != nullptr;
        old_ = was_set_ ? old : "";
        setenv("BRISKMLP_ISA", name, 1);
    }
    ~ForcedIsa() { was_set_ ? setenv("BRISKMLP_ISA", old_.c_str(), 1) : unsetenv("BRISKMLP_ISA"); }
    ForcedIsa(const ForcedIsa&) = delete;
    ForcedIsa& operator=(const ForcedIsa&) = delete;

  private:
    bool was_set_;
    std::string old_;
};

}  // namespace

TEST_CASE("the supported instruction sets are those that the compiler's own detection finds") {
    CHECK(cpu_info().supported.front() == Isa::kPortable);
    CHECK(std::is_sorted(cpu_info().supported.begin(), cpu_info().supported.end()));
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512vl");
    CHECK(supports(Isa::kSse2));
    CHECK(supports(Isa::kAvx2) == avx2);
    CHECK(supports(Isa::kAvx512) == avx512);
    CHECK_FALSE(supports(Isa::kNeon));
#elif defined(__aarch64__)
    CHECK(cpu_info().supported == std::vector<Isa>{Isa::kPortable, Isa::kNeon});
#endif
}

TEST_CASE("the sizes of caches grow with their level, where they are known") {
    const CpuInfo& info = cpu_info();
    CHECK((info.l1d_bytes == 0 || info.l1d_bytes >= 4096));
    CHECK((info.l2_bytes == 0 || info.l2_bytes >= info.l1d_bytes));
    CHECK((info.l3_bytes == 0 || info.l3_bytes >= info.l2_bytes));
}

TEST_CASE("BRISKMLP_ISA chooses the instruction set") {
    for (const Isa isa : cpu_info().supported) {
        const ForcedIsa forced(isa_name(isa));
        CHECK(default_isa() == isa);
    }
    {
        const ForcedIsa empty("");
        CHECK(default_isa() == cpu_info().supported.back());
    }
    const ForcedIsa unknown("mmx");
    std::string names;
    for (const Isa isa : cpu_info().supported) {
        names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
    }
    const std::string message =
        "BRISKMLP_ISA is \"mmx\", expected an instruction set that this processor has: " + names;
    CHECK_THROWS_WITH_AS(default_isa(), message.c_str(), std::runtime_error);
}

TEST_CASE("an instruction set of another processor is refused") {
    const ForcedIsa forced(supports(Isa::kNeon) ? "avx2" : "neon");
    CHECK_THROWS_AS(default_isa(), std::runtime_error);
}

#if defined(__x86_64__) || defined(__aarch64__)
TEST_CASE("denormals are flushed while asked for and no longer") {
    volatile float tiny = std::numeric_limits<float>::min();
    volatile float half = 0.5f;
    const auto product = [&] { return tiny * half; };  // denormal
    CHECK(product() > 0);
    {
        const FlushDenormals outer;
        CHECK(product() == 0);
        {
            const FlushDenormals inner;
            CHECK(product() == 0);
        }
        CHECK(product() == 0);
    }
    CHECK(product() > 0);
}
#endif
