// Softmax: its two forms, a row along the lanes and a row in each lane, have the same bits.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/dispatch.h"
#include "support.h"

using namespace briskmlp;

TEST_CASE_TEMPLATE("a row's softmax has the same bits alone and among others", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (index_t n = 1; n <= 40; ++n) {
            CAPTURE(n);
            const index_t rows = 2 * table.lanes + 3;
            const std::vector<T> z = random_values<T>(rows * n, 1, -20, 20);
            std::vector<T> together(z), alone(z);
            table.softmax(rows, n, z.data(), n, together.data(), n);
            for (index_t r = 0; r < rows; ++r) {
                table.softmax(1, n, alone.data() + r * n, n, alone.data() + r * n, n);
            }
            CHECK(same_bits(together, alone));
        }
    });
}
