// The matmul of sparse rows on every instruction set: the bits of the dense one, and touching
// nothing else.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/dispatch.h"
#include "support.h"

using namespace briskmlp;

namespace {

constexpr index_t kRows = 5, kIn = 37;

}  // namespace

TEST_CASE_TEMPLATE("sparse rows: the bits of the dense matmul", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        std::vector<T> x = random_values<T>(kRows * kIn, 1);
        std::vector<T> entries;
        std::vector<std::int32_t> columns;
        std::vector<std::int64_t> starts = {0};
        for (index_t i = 0; i < kRows * kIn; ++i) {
            T& value = x[static_cast<std::size_t>(i)];
            if (i % 3 == 0 || i / kIn == 2) {  // the third row has none
                value = 0;
            } else {
                entries.push_back(value);
                columns.push_back(static_cast<std::int32_t>(i % kIn));
            }
            if (i % kIn == kIn - 1) {
                starts.push_back(static_cast<std::int64_t>(entries.size()));
            }
        }
        const index_t lanes = table.lanes;
        for (const index_t n : {index_t{1}, index_t{3}, lanes, 4 * lanes, 5 * lanes + 1}) {
            CAPTURE(n);
            const index_t padded = round_up(n, lanes);
            std::vector<T> w = random_values<T>(kIn * n, 2), bias = random_values<T>(n, 3);
            Guarded<T> y(kRows, n, n), expected(kRows, padded, padded);
            table.sparse_forward(kRows, n, starts.data(), columns.data(), entries.data(), w.data(),
                                 n, bias.data(), y.data(), y.stride());
            // The dense kernel reads whole vectors.
            w.resize(w.size() + static_cast<std::size_t>(lanes));
            bias.resize(bias.size() + static_cast<std::size_t>(lanes));
            Gemm<T> gemm{kRows, n,        kIn, x.data(),        kIn,
                         1,     w.data(), n,   expected.data(), expected.stride()};
            gemm.start = GemmStart::kBias;
            gemm.bias = bias.data();
            table.gemm(gemm);
            bool equal = true;
            for (index_t r = 0; r < kRows; ++r) {
                for (index_t c = 0; c < n; ++c) {
                    equal = equal && y.at(r, c) == expected.at(r, c);
                }
            }
            CHECK(equal);
            CHECK(y.intact());
        }
    });
}
