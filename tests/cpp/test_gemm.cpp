// The matmul kernels of every instruction set against the oracle, and the promise on which the same
// bits for any batch and any blocking rest: each element is one chain of multiply-adds in order.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/check.h"
#include "kernels/dispatch.h"
#include "kernels/reference.h"
#include "support.h"

using namespace briskmlp;

namespace {

struct Shape {
    index_t m, n, k;
};

enum class Order { kRowMajor, kColumnMajor };

// The operands of one matmul. Whatever kernels may read but must not use is NaN, and what they may
// not read is not there, for sanitizers to see.
template <class T>
class Problem {
  public:
    Problem(const KernelTable<T>& table, Shape shape, Order order, bool tight_b = false)
        : padded_(round_up(shape.n, table.lanes)), c(shape.m, shape.n, padded_) {
        const auto [m, n, k] = shape;
        const index_t ldb = tight_b ? n : padded_ + 1;
        const index_t lda = order == Order::kRowMajor ? k + 3 : m + 3;
        a_ = order == Order::kRowMajor ? spread(m, k, lda, k, 1) : spread(k, m, lda, m, 1);
        b_ = spread(k, n, ldb, padded_, 2);
        bias_ = spread(1, n, padded_, padded_, 3);
        source_ = spread(m, n, padded_ + 2, padded_, 4);
        c.fill(random_values<T>(m * n, 5));
        gemm = {m, n, k, a_.data(), 1, 1, b_.data(), ldb, c.data(), c.stride()};
        (order == Order::kRowMajor ? gemm.a_row : gemm.a_col) = lda;
        gemm.bias = bias_.data();
        gemm.source = source_.data();
        gemm.ldsource = padded_ + 2;
    }
    Problem(const Problem&) = delete;
    Problem& operator=(const Problem&) = delete;

    // C as it was before, all of it anew, and its bits.
    std::vector<T> run(const KernelTable<T>& table) {
        c.fill(random_values<T>(gemm.m * gemm.n, 5));
        table.gemm(gemm);
        return c.values();
    }

  private:
    // Random (rows, cols) with stride `stride`, ending with the last row's column `last`; NaN
    // between the columns.
    static std::vector<T> spread(index_t rows, index_t cols, index_t stride, index_t last,
                                 std::uint64_t seed) {
        const index_t size = rows == 0 ? 0 : (rows - 1) * stride + last;
        std::vector<T> memory(static_cast<std::size_t>(size), std::numeric_limits<T>::quiet_NaN());
        const std::vector<T> values = random_values<T>(rows * cols, seed);
        for (index_t i = 0; i < rows * cols; ++i) {
            memory[static_cast<std::size_t>(i / cols * stride + i % cols)] =
                values[static_cast<std::size_t>(i)];
        }
        return memory;
    }

    index_t padded_;
    std::vector<T> a_, b_, bias_, source_;

  public:
    Guarded<T> c;
    Gemm<T> gemm;
};

// The worst element's error as a fraction of what is allowed. Each is a chain of up to k products
// and k + 1 sums, so that it differs from the exact one by gamma(k + 1) |start| + |A| |B| at most.
template <class T>
double worst_error(const KernelTable<T>& table, Problem<T>& problem) {
    const Gemm<T>& g = problem.gemm;
    std::vector<reference::Element> expected;
    for (index_t i = 0; i < g.m * g.n; ++i) {
        expected.push_back(reference::matmul(g, Activation::kIdentity, i / g.n, i % g.n));
    }
    table.gemm(g);
    double worst = 0;
    for (index_t i = 0; i < g.m * g.n; ++i) {
        const reference::Element& e = expected[static_cast<std::size_t>(i)];
        const auto got = static_cast<double>(problem.c.at(i / g.n, i % g.n));
        const double allowed = gamma<T>(static_cast<double>(g.k + 1)) * e.magnitude;
        worst = std::max(worst, excess(got, e.c, allowed));
    }
    return worst;
}

constexpr GemmStart kStarts[] = {GemmStart::kZero, GemmStart::kBias, GemmStart::kContinue};
constexpr GemmFinish kPlainFinishes[] = {GemmFinish::kStore, GemmFinish::kRelu,
                                         GemmFinish::kReluGrad};

template <class T>
std::vector<index_t> row_counts(const KernelTable<T>& table) {
    const index_t tile = table.tile_rows;
    std::vector<index_t> rows{0, 1, 2, 7, tile - 1, tile, tile + 1, 2 * tile + 1, 31, 67};
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    return rows;
}

template <class T>
std::vector<index_t> column_counts(const KernelTable<T>& table) {
    const index_t lanes = table.lanes, panel = lanes * table.tile_vecs;
    return {0,     1,         lanes - 1,     lanes,         lanes + 1,
            panel, panel + 1, 2 * panel - 1, 3 * panel - 1, 3 * panel};
}

// Several column panels, the last of them partial, and several tiles of rows.
template <class T>
Shape several_tiles(const KernelTable<T>& table, index_t k) {
    return {2 * table.tile_rows + 1, 2 * table.tile_vecs * table.lanes + table.lanes + 1, k};
}

// The same bits from an activation fused with a matmul and from its kernel on the stored product.
template <class T>
void check_fused_activation(const KernelTable<T>& table, Shape shape, int kind) {
    Problem<T> problem(table, shape, Order::kRowMajor);
    Gemm<T>& gemm = problem.gemm;
    const std::vector<T> plain = problem.run(table);
    const index_t padded = round_up(shape.n, table.lanes);
    Guarded<T> y(shape.m, shape.n, padded), slope(shape.m, shape.n, padded);

    gemm.finish = GemmFinish::kForward;
    gemm.forward = table.activation_forward[kind];
    gemm.slope = slope.data();
    gemm.ldslope = slope.stride();
    const std::vector<T> fused = problem.run(table), fused_slope = slope.values();
    y.fill(plain);
    gemm.forward(shape.m, shape.n, y.data(), y.stride(), y.data(), y.stride(), slope.data(),
                 slope.stride());
    CHECK(same_bits(fused, y.values()));
    CHECK(same_bits(fused_slope, slope.values()));

    gemm.slope = nullptr;
    CHECK(same_bits(fused, problem.run(table)));

    gemm.finish = GemmFinish::kBackward;
    gemm.backward = table.activation_backward[kind];
    const std::vector<T> fused_d = problem.run(table);
    y.fill(plain);
    gemm.backward(shape.m, shape.n, gemm.source, gemm.ldsource, y.data(), y.stride());
    CHECK(same_bits(fused_d, y.values()));
    CHECK(problem.c.intact());
    CHECK(slope.intact());
}

}  // namespace

TEST_CASE_TEMPLATE("matmul agrees with the oracle for all shapes", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        // Each shape takes the next pair of start and finish; all pairs meet all kinds of shapes.
        std::size_t turn = 0;
        for (const index_t k : {0, 1, 2, 7, 64, 257}) {
            for (const index_t m : row_counts(table)) {
                for (const index_t n : column_counts(table)) {
                    for (const Order order : {Order::kRowMajor, Order::kColumnMajor}) {
                        Problem<T> problem(table, {m, n, k}, order, turn % 2 == 0);
                        problem.gemm.start = kStarts[turn % 3];
                        problem.gemm.finish = kPlainFinishes[turn / 3 % 3];
                        ++turn;
                        CAPTURE(m);
                        CAPTURE(n);
                        CAPTURE(k);
                        REQUIRE(worst_error(table, problem) <= 1);
                        REQUIRE(problem.c.intact());
                    }
                }
            }
        }
    });
}

TEST_CASE_TEMPLATE("matmul starts and finishes every way", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const Shape shape : {Shape{1, 1, 5}, several_tiles(table, 19)}) {
            for (const GemmStart start : kStarts) {
                for (const GemmFinish finish : kPlainFinishes) {
                    for (const Order order : {Order::kRowMajor, Order::kColumnMajor}) {
                        Problem<T> problem(table, shape, order);
                        problem.gemm.start = start;
                        problem.gemm.finish = finish;
                        CHECK(worst_error(table, problem) <= 1);
                        CHECK(problem.c.intact());
                    }
                }
            }
        }
    });
}

TEST_CASE_TEMPLATE("an activation after a matmul is the activation kernel's", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const Shape many = several_tiles(table, 9);
        for (const Shape shape : {many, Shape{1, many.n, many.k}}) {
            CAPTURE(shape.m);
            for (int kind = 0; kind < kActivationCount; ++kind) {
                CAPTURE(kind);
                check_fused_activation(table, shape, kind);
            }
        }
    });
}

TEST_CASE_TEMPLATE("a row, a column and either order of A have the same bits anywhere", T, float,
                   double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const Shape shape = several_tiles(table, 37);
        Problem<T> problem(table, shape, Order::kRowMajor);
        problem.gemm.start = GemmStart::kBias;
        problem.gemm.finish = GemmFinish::kRelu;
        const std::vector<T> all = problem.run(table);

        // Rows [first, first + count) in a call of their own, for every height of a tile.
        for (index_t count = 1; count <= table.tile_rows + 1; ++count) {
            for (index_t first = 0; first + count <= shape.m; first += count) {
                Gemm<T> rows = problem.gemm;
                rows.m = count;
                rows.a += first * rows.a_row;
                rows.c += first * rows.ldc;
                table.gemm(rows);
            }
            // Those beyond the last whole run keep the bits of the whole call.
            CAPTURE(count);
            CHECK(same_bits(problem.c.values(), all));
            problem.run(table);
        }

        for (index_t first = 0; first < shape.n; first += table.lanes) {
            Gemm<T> columns = problem.gemm;
            columns.n -= first;
            columns.b += first;
            columns.bias += first;
            columns.c += first;
            table.gemm(columns);
            CAPTURE(first);
            CHECK(same_bits(problem.c.values(), all));
        }

        std::vector<T> transposed(static_cast<std::size_t>(shape.m * shape.k));
        reference::transpose(shape.m, shape.k, problem.gemm.a, problem.gemm.a_row,
                             transposed.data(), shape.m);
        Gemm<T>& gemm = problem.gemm;
        gemm.a = transposed.data();
        gemm.a_row = 1;
        gemm.a_col = shape.m;
        CHECK(same_bits(problem.run(table), all));
    });
}

TEST_CASE_TEMPLATE("a single row has the bits that it has among others", T, float, double) {
    // Single rows have panels of their own, 8 vectors wide, and take a B beyond L2 in slices.
    constexpr index_t kBeyondL2 = 2 << 20;
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const index_t vectors : {1, 8, 17}) {
            for (const index_t n : {vectors * table.lanes - 1, vectors * table.lanes + 1}) {
                for (const index_t k : {index_t{16}, kBeyondL2 / (n * index_t{sizeof(T)}) + 5}) {
                    CAPTURE(n);
                    CAPTURE(k);
                    Problem<T> problem(table, {3, n, k}, Order::kRowMajor);
                    problem.gemm.start = GemmStart::kContinue;
                    problem.gemm.finish = GemmFinish::kRelu;
                    const std::vector<T> all = problem.run(table);
                    problem.c.fill(random_values<T>(3 * n, 5));
                    for (index_t i = 0; i < 3; ++i) {
                        Gemm<T> row = problem.gemm;
                        row.m = 1;
                        row.a += i * row.a_row;
                        row.c += i * row.ldc;
                        table.gemm(row);
                    }
                    CHECK(same_bits(problem.c.values(), all));
                    CHECK(problem.c.intact());
                }
            }
        }
    });
}

TEST_CASE_TEMPLATE("a single row that leaves out zeros has the bits of one that does not", T, float,
                   double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const index_t n = 17 * table.lanes + 1;
        const index_t k = std::max(index_t{1033}, index_t{300 << 10} / (n * index_t{sizeof(T)}));
        for (const index_t every : {1, 2, 3, 40}) {  // 1: all zeros; else one in `every` is not
            Problem<T> problem(table, {2, n, k}, Order::kRowMajor);
            std::vector<T> a = random_values<T>(2 * k, 9);
            for (index_t p = 0; p < k; ++p) {
                a[static_cast<std::size_t>(p)] *= p % every == 0 ? T(every > 1 ? 1 : 0) : T(0);
            }
            problem.gemm.a = a.data();
            problem.gemm.a_row = k;
            problem.gemm.start = GemmStart::kBias;
            problem.gemm.finish = GemmFinish::kRelu;
            const std::vector<T> both = problem.run(table);
            problem.gemm.m = 1;
            table.gemm(problem.gemm);
            CAPTURE(every);
            CHECK(same_bits(problem.c.values(), both));
        }
    });
}

TEST_CASE_TEMPLATE("sums continued over blocks of k have the bits of one call", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const Order order : {Order::kRowMajor, Order::kColumnMajor}) {
            const Shape shape = several_tiles(table, 131);
            Problem<T> problem(table, shape, order);
            problem.gemm.start = GemmStart::kBias;
            problem.gemm.finish = GemmFinish::kRelu;
            const std::vector<T> all = problem.run(table);

            const index_t ends[] = {7, 71, 72, 131};
            index_t begin = 0;
            problem.c.fill(std::vector<T>(all.size(), T(0)));
            for (const index_t end : ends) {
                Gemm<T> block = problem.gemm;
                block.k = end - begin;
                block.a += begin * block.a_col;
                block.b += begin * block.ldb;
                block.start = begin == 0 ? GemmStart::kBias : GemmStart::kContinue;
                block.finish = end == shape.k ? GemmFinish::kRelu : GemmFinish::kStore;
                table.gemm(block);
                begin = end;
            }
            CHECK(same_bits(problem.c.values(), all));
        }
    });
}

TEST_CASE_TEMPLATE("relu and its gradient after a matmul keep NaN apart from zero", T, float,
                   double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        Problem<T> problem(table, {3, 3, 2}, Order::kRowMajor);
        Gemm<T>& gemm = problem.gemm;
        std::vector<T> bias(static_cast<std::size_t>(table.lanes + 3), T(0));
        bias[1] = std::numeric_limits<T>::quiet_NaN();
        gemm.k = 0;
        gemm.bias = bias.data();
        gemm.start = GemmStart::kBias;
        gemm.finish = GemmFinish::kRelu;
        table.gemm(gemm);
        CHECK(problem.c.at(1, 0) == 0);
        CHECK(std::isnan(problem.c.at(1, 1)));

        // The gradient passes where the output was above zero: not at zero, not at NaN.
        std::vector<T> source(static_cast<std::size_t>(2 * 3 + table.lanes + 3), T(1));
        source[0] = 0;
        source[1] = std::numeric_limits<T>::quiet_NaN();
        source[2] = std::numeric_limits<T>::min();
        bias.assign(bias.size(), T(5));
        gemm.bias = bias.data();
        gemm.source = source.data();
        gemm.ldsource = 3;
        gemm.finish = GemmFinish::kReluGrad;
        table.gemm(gemm);
        CHECK(problem.c.at(0, 0) == 0);
        CHECK(problem.c.at(0, 1) == 0);
        CHECK(problem.c.at(0, 2) == 5);
    });
}
