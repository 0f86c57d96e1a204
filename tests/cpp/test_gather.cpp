// ops/gather: rows of any element type, stride and order, and the search for what is not finite.
#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "ops/gather.h"
#include "support.h"

using namespace briskmlp;

namespace {

template <class S, DType kType>
struct Source {
    using Type = S;
    static constexpr DType kDType = kType;
};

// A (rows, cols) view of a block of memory, in elements from its start.
struct Layout {
    const char* name;
    index_t start, row_stride, col_stride;
};

constexpr index_t kRows = 5, kCols = 7;
constexpr Layout kLayouts[] = {
    {"contiguous", 0, kCols, 1},
    {"rows apart", 0, kCols + 4, 1},
    {"columns apart", 0, 3 * kCols, 3},
    {"transposed", 0, 1, kRows},
    {"rows reversed", (kRows - 1) * kCols, -kCols, 1},
    {"columns reversed", kCols - 1, kCols, -1},
    {"one row repeated", 3, 0, 1},
    {"one column repeated", 3, 1, 0},
};

// Values that differ from each other, negative and extreme ones among them.
template <class S>
std::vector<S> memory() {
    std::vector<S> values;
    for (int i = 0; i < 128; ++i) {
        values.push_back(static_cast<S>(i % 2 == 0 ? i : 100 - 2 * i));
    }
    values[3] = std::numeric_limits<S>::max();
    values[4] = std::numeric_limits<S>::lowest();
    return values;
}

template <class S>
InputMatrix view(const std::vector<S>& values, DType dtype, const Layout& layout) {
    constexpr index_t kSize = sizeof(S);
    return {values.data() + layout.start, dtype, kRows, kCols, layout.row_stride * kSize,
            layout.col_stride * kSize};
}

template <class T, class S>
void check_gather(DType dtype, const Layout& layout) {
    const std::vector<S> values = memory<S>();
    const InputMatrix x = view(values, dtype, layout);
    const auto element = [&](index_t r, index_t c) {
        return static_cast<T>(values[static_cast<std::size_t>(layout.start + r * layout.row_stride +
                                                              c * layout.col_stride)]);
    };
    CAPTURE(layout.name);
    const std::vector<std::uint32_t> order = {4, 0, 2, 2};
    Guarded<T> chosen(4, kCols, kCols), first(3, kCols, kCols);
    gather_rows(x, order.data(), 4, chosen.data(), chosen.stride());
    gather_rows(x, nullptr, 3, first.data(), first.stride());
    bool equal = true;
    for (index_t c = 0; c < kCols; ++c) {
        for (index_t i = 0; i < 4; ++i) {
            equal = equal && chosen.at(i, c) == element(order[static_cast<std::size_t>(i)], c);
        }
        for (index_t i = 0; i < 3; ++i) {
            equal = equal && first.at(i, c) == element(i, c);
        }
    }
    CHECK(equal);
    CHECK(chosen.intact());
    CHECK(first.intact());
}

}  // namespace

TEST_CASE_TEMPLATE("rows of every type and layout are gathered", S,
                   Source<std::uint8_t, DType::kBool>, Source<std::int8_t, DType::kInt8>,
                   Source<std::uint8_t, DType::kUint8>, Source<std::int16_t, DType::kInt16>,
                   Source<std::uint16_t, DType::kUint16>, Source<std::int32_t, DType::kInt32>,
                   Source<std::uint32_t, DType::kUint32>, Source<std::int64_t, DType::kInt64>,
                   Source<std::uint64_t, DType::kUint64>, Source<float, DType::kFloat32>,
                   Source<double, DType::kFloat64>) {
    for (const Layout& layout : kLayouts) {
        check_gather<double, typename S::Type>(S::kDType, layout);
        // Out of range for a float: what the extreme doubles become is not for this test to say.
        if (S::kDType != DType::kFloat64) {
            check_gather<float, typename S::Type>(S::kDType, layout);
        }
    }
}

TEST_CASE("doubles are rounded to floats, and beyond them to infinity") {
    const std::vector<double> values = {0.1, -1.0 / 3, 1e39, 1e-46};
    std::vector<float> got(4);
    gather_rows(input_matrix(values, 4), nullptr, 1, got.data(), 4);
    CHECK(got == std::vector<float>{0.1f, -1.0f / 3, std::numeric_limits<float>::infinity(), 0});
}

TEST_CASE_TEMPLATE("sparse rows are gathered, zeros and sums included", T, float, double) {
    // 0 0 0 0 | 7 0 -1 0 | 0 5 0 0, with the 5 in two parts.
    const std::vector<std::int8_t> entries = {7, -1, 3, 2};
    const std::vector<std::int32_t> columns = {0, 2, 1, 1};
    const std::vector<std::int64_t> starts = {0, 0, 2, 4};
    const InputMatrix x{entries.data(), DType::kInt8, 3, 4, 0, 0, starts.data(), columns.data()};
    const std::vector<T> dense = {0, 0, 0, 0, 7, 0, -1, 0, 0, 5, 0, 0};
    Guarded<T> all(3, 4, 4), last(2, 4, 4), chosen(2, 4, 4);
    gather_rows(x, nullptr, 3, all.data(), all.stride());
    gather_rows(x.rows_from(1, 2), nullptr, 2, last.data(), last.stride());
    const std::uint32_t order[2] = {1, 0};
    gather_rows(x.rows_from(1, 2), order, 2, chosen.data(), chosen.stride());
    for (index_t c = 0; c < 4; ++c) {
        for (index_t r = 0; r < 3; ++r) {
            CHECK(all.at(r, c) == dense[static_cast<std::size_t>(4 * r + c)]);
        }
        for (index_t r = 0; r < 2; ++r) {
            CHECK(last.at(r, c) == all.at(r + 1, c));
            CHECK(chosen.at(r, c) == all.at(2 - r, c));
        }
    }
    CHECK(all.intact());
    CHECK(last.intact());
    CHECK(chosen.intact());
    index_t stride = 0;
    CHECK(in_place<T>(x, &stride) == nullptr);
    CHECK(sparse_in_place<T>(x) == nullptr);  // of another type
}

TEST_CASE("nothing is gathered from no rows") {
    float untouched = 5;
    gather_rows<float>({nullptr, DType::kInt8, 0, 7, 7, 1}, nullptr, 0, &untouched, 7);
    CHECK(untouched == 5);
}

TEST_CASE("only rows of the own type, contiguous, are read in place") {
    const std::vector<float> values = memory<float>();
    for (const Layout& layout : kLayouts) {
        CAPTURE(layout.name);
        const InputMatrix x = view(values, DType::kFloat32, layout);
        index_t stride = -99;
        const float* const data = in_place<float>(x, &stride);
        if (layout.col_stride == 1) {
            CHECK(data == x.data);
            CHECK(stride == layout.row_stride);
        } else {
            CHECK(data == nullptr);
        }
        CHECK(in_place<double>(x, &stride) == nullptr);
        CHECK(in_place<float>(view(values, DType::kInt32, layout), &stride) == nullptr);
    }
    // One column is contiguous whatever its stride; a row stride of half elements is not.
    index_t stride = -99;
    CHECK(in_place<float>({values.data(), DType::kFloat32, 3, 1, 12, 400}, &stride) ==
          values.data());
    CHECK(stride == 3);
    CHECK(in_place<float>({values.data(), DType::kFloat32, 3, 2, 10, 4}, &stride) == nullptr);
}

TEST_CASE_TEMPLATE("the first entry that is not finite is found", T, float, double) {
    const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
    for (const Layout& layout : kLayouts) {
        if (layout.row_stride == 0 || layout.col_stride == 0) {
            continue;
        }
        CAPTURE(layout.name);
        std::vector<T> values(128, std::numeric_limits<T>::max());
        const InputMatrix x = view(values, kDTypeOf<T>, layout);
        const auto set = [&](index_t r, index_t c, T value) {
            values[static_cast<std::size_t>(layout.start + r * layout.row_stride +
                                            c * layout.col_stride)] = value;
        };
        const auto found = [&](index_t row, index_t col) {
            const Position position = find_nonfinite(x);
            return position.row == row && position.col == col;
        };
        CHECK(found(-1, -1));
        set(kRows - 1, kCols - 1, -inf);
        CHECK(found(kRows - 1, kCols - 1));
        set(2, 5, inf);
        CHECK(found(2, 5));
        set(2, 3, nan);
        CHECK(found(2, 3));
        set(0, 6, nan);
        CHECK(found(0, 6));
        set(0, 0, inf);
        CHECK(found(0, 0));
    }
}

TEST_CASE("integers are finite") {
    const std::vector<std::int64_t> values(12, std::numeric_limits<std::int64_t>::max());
    CHECK(find_nonfinite({values.data(), DType::kInt64, 3, 4, 32, 8}).row == -1);
}
