// Matmuls of any sizes and strides, on every instruction set: within the bound that holds for any
// order of summation, nothing else touched, and the same bits on any number of threads; matrices
// also however they lie, and for a row alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <utility>
#include <vector>

#include "base/random.h"
#include "kernels/dispatch.h"
#include "kernels/reference.h"
#include "ops/matmul.h"
#include "support.h"

using namespace briskmlp;

namespace {

struct Shape {
    index_t m, k, n;
};

// A matrix of random values, as it lies in a larger buffer.
enum class Layout { kRows, kColumns, kApart, kReversed };
constexpr Layout kLayouts[] = {Layout::kRows, Layout::kColumns, Layout::kApart, Layout::kReversed};

template <class T>
class Lying {
  public:
    static constexpr T kGuard = T(-12345.5);

    Lying(index_t rows, index_t cols, Layout layout, index_t gap)
        : memory_(static_cast<std::size_t>(3 * (rows + gap) * (cols + gap) + 2), kGuard),
          view_{memory_.data() + 1, rows, cols, 1, 1} {
        switch (layout) {
            case Layout::kRows: view_.row = cols + gap; break;
            case Layout::kColumns: view_.col = rows + gap; break;
            case Layout::kApart: view_.row = 3 * (cols + gap), view_.col = 3; break;
            case Layout::kReversed:
                view_.row = -(cols + gap);
                view_.col = -1;
                view_.data += (rows - 1) * (cols + gap) + cols - 1;
        }
        if (rows == 0 || cols == 0) {
            view_.data = memory_.data();
        }
    }

    void fill(const std::vector<T>& values) {  // (rows, cols) contiguous
        for_each([&](index_t i, T& x) { x = values[static_cast<std::size_t>(i)]; });
    }
    std::vector<T> values() const {
        std::vector<T> result(static_cast<std::size_t>(view_.rows * view_.cols));
        for_each([&](index_t i, T& x) { result[static_cast<std::size_t>(i)] = x; });
        return result;
    }
    // Whether nothing but the elements has changed; they are lost.
    bool intact() {
        for_each([](index_t, T& x) { x = kGuard; });
        return std::all_of(memory_.begin(), memory_.end(), [](T x) { return x == kGuard; });
    }
    StridedMatrix<T> view() const { return view_; }
    StridedMatrix<const T> constant() const {
        return {view_.data, view_.rows, view_.cols, view_.row, view_.col};
    }

  private:
    template <class Body>
    void for_each(Body body) const {
        for (index_t r = 0; r < view_.rows; ++r) {
            for (index_t c = 0; c < view_.cols; ++c) {
                body(r * view_.cols + c, view_.data[r * view_.row + c * view_.col]);
            }
        }
    }

    std::vector<T> memory_;
    StridedMatrix<T> view_;
};

template <class T>
std::vector<T> multiply(const KernelTable<T>& table, Shape s, const std::vector<T>& a,
                        const std::vector<T>& b, Layout la = Layout::kRows,
                        Layout lb = Layout::kRows, Layout lc = Layout::kRows, index_t gap = 0) {
    Lying<T> x(s.m, s.k, la, gap), y(s.k, s.n, lb, gap), z(s.m, s.n, lc, gap);
    x.fill(a);
    y.fill(b);
    Matmul<T> product;
    product.a = x.constant();
    product.b = y.constant();
    product.c = z.view();
    matmul(table, product);
    std::vector<T> result = z.values();
    CHECK(z.intact());
    return result;
}

// The greatest error, as a fraction of gamma_K |A| |B|.
template <class T>
double worst(Shape s, const std::vector<T>& a, const std::vector<T>& b, const std::vector<T>& c) {
    using Wide = long double;
    double result = 0;
    for (index_t i = 0; i < s.m; ++i) {
        for (index_t j = 0; j < s.n; ++j) {
            Wide sum = 0, absolute = 0;
            for (index_t p = 0; p < s.k; ++p) {
                const Wide term = Wide{a[static_cast<std::size_t>(i * s.k + p)]} *
                                  b[static_cast<std::size_t>(p * s.n + j)];
                sum += term;
                absolute += std::fabs(term);
            }
            const double got = c[static_cast<std::size_t>(i * s.n + j)];
            result = std::max(
                result, excess(got, static_cast<double>(sum),
                               gamma<T>(static_cast<double>(s.k)) * static_cast<double>(absolute)));
        }
    }
    return result;
}

template <class T>
std::vector<T> values_of(index_t size, std::uint64_t seed) {
    return random_values<T>(size, seed);
}

}  // namespace

TEST_CASE_TEMPLATE("random shapes are within the bound", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const CounterRng rng(1, RandomStream::kInit, 0);
        double most = 0;
        for (std::uint64_t i = 0; i < 10000; ++i) {
            const auto draw = [&](std::uint64_t which) {
                // Of sizes 0 to 40, small ones more often.
                const double u = rng.uniform(8 * i + which);
                return static_cast<index_t>(41 * u * u);
            };
            const Shape s{draw(0), draw(1), draw(2)};
            const auto layout = [&](std::uint64_t which) {
                return kLayouts[rng.below(8 * i + which, 4)];
            };
            const std::vector<T> a = values_of<T>(s.m * s.k, 2 * i);
            const std::vector<T> b = values_of<T>(s.k * s.n, 2 * i + 1);
            const std::vector<T> c = multiply(table, s, a, b, layout(3), layout(4), layout(5),
                                              static_cast<index_t>(rng.below(8 * i + 6, 3)));
            most = std::max(most, worst(s, a, b, c));
        }
        CHECK(most <= 1);
    });
}

TEST_CASE_TEMPLATE("the bits do not depend on how the operands lie", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        // Beyond the blocks of rows (512), of k (1024) and of C (256); rows of A that share a set.
        constexpr Shape kShapes[] = {{7, 5, 9},      {3, 100, 40},  {1, 300, 70},
                                     {70, 1024, 80}, {600, 33, 65}, {20, 4200, 7},
                                     {270, 70, 261}, {100, 300, 1}, {300, 1100, 3}};
        for (const Shape s : kShapes) {
            CAPTURE(s.m);
            CAPTURE(s.k);
            CAPTURE(s.n);
            const std::vector<T> a = values_of<T>(s.m * s.k, 1), b = values_of<T>(s.k * s.n, 2);
            const std::vector<T> plain = multiply(table, s, a, b);
            CHECK(worst(s, a, b, plain) <= 1);
            for (std::size_t i = 0; i < 16; ++i) {
                const std::vector<T> other = multiply(table, s, a, b, kLayouts[i % 4],
                                                      kLayouts[i / 4], kLayouts[i * 7 % 4], 1);
                // A product with a vector is summed in the order in which the matrix lies.
                CHECK(worst(s, a, b, other) <= 1);
                const bool vector = s.m == 1 || s.n == 1;
                CHECK((vector || same_bits(other, plain)));
            }
        }
    });
}

TEST_CASE_TEMPLATE("a row alone, and any number of threads", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        // Enough work for several threads; wide, narrow and tall.
        constexpr Shape kShapes[] = {
            {400, 300, 130}, {3, 700, 3000}, {3000, 700, 2}, {900, 900, 1}, {128, 128, 128}};
        for (const Shape s : kShapes) {
            const std::vector<T> a = values_of<T>(s.m * s.k, 1), b = values_of<T>(s.k * s.n, 2);
            std::vector<T> many;
            std::vector<std::vector<T>> lying;
            {
                const ManyThreads threads;
                many = multiply(table, s, a, b);
                for (const Layout layout : kLayouts) {
                    lying.push_back(multiply(table, s, a, b, layout, layout));
                }
            }
            CHECK(same_bits(multiply(table, s, a, b), many));
            for (std::size_t i = 0; i < lying.size(); ++i) {
                CHECK(same_bits(multiply(table, s, a, b, kLayouts[i], kLayouts[i]), lying[i]));
                CHECK((s.n == 1 || same_bits(lying[i], many)));
            }
            const index_t row = s.m / 2;
            const std::vector<T> alone(a.begin() + row * s.k, a.begin() + (row + 1) * s.k);
            CHECK(same_bits(
                multiply(table, {1, s.k, s.n}, alone, b),
                std::vector<T>(many.begin() + row * s.n, many.begin() + (row + 1) * s.n)));
        }
    });
}

TEST_CASE_TEMPLATE("batches, shared operands, bias and activation", T, float, double) {
    const ManyThreads threads;
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const Shape s : {Shape{5, 40, 19}, Shape{5, 40, 1}, Shape{120, 90, 100}}) {
            for (const index_t count : {0, 1, 3, 50}) {
                const std::vector<T> a = values_of<T>(count * s.m * s.k, 1);
                const std::vector<T> b = values_of<T>(s.k * s.n, 2),
                                     bias = values_of<T>(2 * s.n, 3);
                std::vector<T> c(static_cast<std::size_t>(count * s.m * s.n));
                Matmul<T> p;
                p.a = {a.data(), s.m, s.k, s.k, 1};
                p.b = {b.data(), s.k, s.n, s.n, 1};
                p.c = {c.data(), s.m, s.n, s.n, 1};
                p.count = count;
                p.a_next = s.m * s.k;
                p.c_next = s.m * s.n;
                p.bias = bias.data();
                p.bias_stride = 2;
                p.activation = Activation::kGelu;
                matmul(table, p);
                for (index_t i = 0; i < count * s.m; ++i) {
                    std::vector<T> row(static_cast<std::size_t>(s.n));
                    Matmul<T> one = p;
                    one.a = {a.data() + i * s.k, 1, s.k, s.k, 1};
                    one.c = {row.data(), 1, s.n, s.n, 1};
                    one.count = 1;
                    one.activation = Activation::kIdentity;
                    matmul(table, one);
                    table.activation_forward[static_cast<int>(Activation::kGelu)](
                        1, s.n, row.data(), s.n, row.data(), s.n, nullptr, 0);
                    CHECK(same_bits(
                        row, std::vector<T>(c.begin() + i * s.n, c.begin() + (i + 1) * s.n)));
                }
            }
        }
    });
}

TEST_CASE_TEMPLATE("nothing is left out, and exceptions are those of elements", T, float, double) {
    const T infinity = std::numeric_limits<T>::infinity();
    const auto raised = [](auto body) {
        std::feclearexcept(FE_ALL_EXCEPT);
        body();
        return std::fetestexcept(FE_INVALID | FE_OVERFLOW);
    };
    const ManyThreads threads;
    for_each_isa<T>([&](const KernelTable<T>& table) {
        for (const Shape s : {Shape{1, 600, 300}, Shape{5, 40, 19}, Shape{40, 50, 1},
                              Shape{300, 300, 301}, Shape{2000, 600, 1}}) {
            std::vector<T> a(static_cast<std::size_t>(s.m * s.k), T(0));
            std::vector<T> b(static_cast<std::size_t>(s.k * s.n), T(1));
            std::vector<T> c;
            const auto last_row = static_cast<std::size_t>((s.m - 1) * s.n);
            b[static_cast<std::size_t>(s.n - 1)] = infinity;  // times 0
            CHECK(raised([&] { c = multiply(table, s, a, b); }) == FE_INVALID);
            CHECK(std::isnan(c.back()));
            b[static_cast<std::size_t>(s.n - 1)] = 1;
            a[static_cast<std::size_t>((s.m - 1) * s.k)] = infinity;
            CHECK(raised([&] { c = multiply(table, s, a, b); }) == 0);
            CHECK(c[last_row] == infinity);
            a[static_cast<std::size_t>((s.m - 1) * s.k)] = std::numeric_limits<T>::max();
            a[static_cast<std::size_t>((s.m - 1) * s.k + 1)] = std::numeric_limits<T>::max();
            CHECK((raised([&] { c = multiply(table, s, a, b); }) & ~FE_OVERFLOW) == 0);
            CHECK(c[last_row] == infinity);
        }
    });
}
