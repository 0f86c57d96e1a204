// The transposing kernels of every instruction set: exact, and nothing else is touched.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/dispatch.h"
#include "kernels/reference.h"
#include "support.h"

using namespace briskmlp;

TEST_CASE_TEMPLATE("transposition is exact for all shapes", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const index_t lanes = table.lanes;
        const std::vector<index_t> sizes = {0,         1,         2,         lanes - 1,     lanes,
                                            lanes + 1, 2 * lanes, 3 * lanes, 3 * lanes + 1, 67};
        for (const index_t rows : sizes) {
            for (const index_t cols : sizes) {
                CAPTURE(rows);
                CAPTURE(cols);
                Guarded<T> src(rows, cols, cols), dst(cols, rows, rows), expected(cols, rows, rows);
                src.fill(random_values<T>(rows * cols, 1));
                table.transpose(rows, cols, src.data(), src.stride(), dst.data(), dst.stride());
                reference::transpose(rows, cols, src.data(), src.stride(), expected.data(),
                                     expected.stride());
                CHECK(same_bits(dst.values(), expected.values()));
                CHECK(dst.intact());
            }
        }
    });
}
