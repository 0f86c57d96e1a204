// The matmul that copies blocks of B, on every instruction set: the bits of the kernel that does
// not.
#include <doctest/doctest.h>

#include <vector>

#include "base/check.h"
#include "kernels/dispatch.h"
#include "ops/gemm.h"
#include "support.h"

using namespace briskmlp;

namespace {

struct Shape {
    index_t m, n, k;
};

template <class T>
void check_blocked(const KernelTable<T>& table, Shape shape, index_t ldb, GemmStart start,
                   GemmFinish finish) {
    const auto [m, n, k] = shape;
    const index_t padded = round_up(n, table.lanes);
    const std::vector<T> a = random_values<T>(m * k, 1);
    const std::vector<T> b = random_values<T>(k * ldb + table.lanes, 2);
    const std::vector<T> bias = random_values<T>(padded, 3), c0 = random_values<T>(m * n, 4);
    const std::vector<T> source = random_values<T>(m * padded, 5);
    Guarded<T> c(m, n, padded);
    Gemm<T> gemm{m, n, k, a.data(), k, 1, b.data(), ldb, c.data(), c.stride()};
    gemm.start = start;
    gemm.bias = bias.data();
    gemm.finish = finish;
    gemm.source = source.data();
    gemm.ldsource = padded;
    c.fill(c0);
    table.gemm(gemm);
    const std::vector<T> plain = c.values();

    const index_t size = blocked_gemm_scratch(table, k, ldb);
    CHECK((size > 0) == (k > 1000));
    std::vector<T> scratch(static_cast<std::size_t>(size));
    c.fill(c0);
    blocked_gemm(table, gemm, size == 0 ? nullptr : scratch.data());
    CHECK(same_bits(c.values(), plain));
    CHECK(c.intact());
}

}  // namespace

TEST_CASE_TEMPLATE("blocks have the bits of one call", T, float, double) {
    constexpr GemmStart kStarts[] = {GemmStart::kZero, GemmStart::kBias, GemmStart::kContinue};
    constexpr GemmFinish kFinishes[] = {GemmFinish::kStore, GemmFinish::kRelu,
                                        GemmFinish::kReluGrad};
    for_each_isa<T>([&](const KernelTable<T>& table) {
        std::size_t turn = 0;
        // Around the ends of blocks of k, of columns (32 doubles, 64 floats) and of the fewest
        // rows.
        for (const index_t k : {1, 1023, 1024, 1025, 2061}) {
            for (const index_t m : {1, 31, 32, 67}) {
                for (const index_t n : {0, 1, 31, 32, 33, 63, 64, 65, 137}) {
                    CAPTURE(k);
                    CAPTURE(m);
                    CAPTURE(n);
                    check_blocked(table, {m, n, k}, turn % 2 == 0 ? 512 : 301, kStarts[turn % 3],
                                  kFinishes[turn / 3 % 3]);
                    ++turn;
                }
            }
        }
    });
}

TEST_CASE_TEMPLATE("only a large B with awkward rows is copied", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        CHECK(blocked_gemm_scratch(table, 1000, 2048) > 0);  // rows collide
        CHECK(blocked_gemm_scratch(table, 1000, 2001) > 0);  // rows straddle vectors
        CHECK(blocked_gemm_scratch(table, 1000, 2048 + 16) == 0);
        CHECK(blocked_gemm_scratch(table, 10, 2048) == 0);
    });
}
