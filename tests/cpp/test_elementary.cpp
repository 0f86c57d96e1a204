// kernels/elementary.inl.h on every instruction set: accuracy, special values, ends of arrays.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "oracle.h"
#include "support.h"

using namespace briskmlp;

namespace {

bool has_fma(const std::string& isa) { return isa != "portable" && isa != "sse2"; }

// Where a product and a sum round twice, the errors are greater by at most this, in ULP.
constexpr double kMoreWithoutFma = 0.3;

template <class T>
struct Function {
    const char* name;
    Pointwise<T> FunctionTable<T>::*kernel;
    Wide<T> (*oracle)(Wide<T>);
    T least, greatest;     // the range of the values
    double single, twice;  // the greatest error in ULP with FMA: of float, of double
};

template <class T>
std::vector<Function<T>> functions() {
    using W = Wide<T>;
    using Table = FunctionTable<T>;
    const T inf = std::numeric_limits<T>::infinity();
    return {
        {"exp", &Table::exp, [](W x) { return std::exp(x); }, 0, inf, 1, 0.75},
        {"expm1", &Table::expm1, [](W x) { return std::expm1(x); }, -1, inf, 1.1, 0.6},
        {"log", &Table::log, [](W x) { return std::log(x); }, -inf, inf, 0.9, 0.7},
        {"log1p", &Table::log1p, [](W x) { return std::log1p(x); }, -inf, inf, 0.9, 0.75},
        {"erf", &Table::erf, [](W x) { return std::erf(x); }, -1, 1, 2, 2},
        {"tanh", &Table::tanh, [](W x) { return std::tanh(x); }, -1, 1, 1.1, 1.1},
        {"sigmoid", &Table::sigmoid, oracle::sigmoid<W>, 0, 1, 2, 2},
        {"softplus", &Table::softplus, oracle::softplus<W>, 0, inf, 2, 2},
        {"log_sigmoid", &Table::log_sigmoid, [](W x) { return -oracle::softplus<W>(-x); }, -inf, 0,
         2, 2},
        {"selu", &Table::selu, oracle::selu<W>, -2, inf, 2, 2},
        {"gelu", &Table::gelu, oracle::gelu<W>, -1, inf, 2, 2},
        {"gelu_tanh", &Table::gelu_tanh, oracle::gelu_tanh<W>, -1, inf, 2, 2},
        {"silu", &Table::silu, oracle::silu<W>, -1, inf, 2, 2},
        {"mish", &Table::mish, oracle::mish<W>, -1, inf, 2, 2},
    };
}

template <class T>
std::vector<T> apply(Pointwise<T> kernel, const std::vector<T>& x) {
    std::vector<T> y(x.size());
    const T* const in[] = {x.data()};
    kernel(static_cast<index_t>(x.size()), in, y.data());
    return y;
}

// Numbers where reductions change their mind: about half-multiples of ln 2, and about the bounds of
// the mantissa that log reduces to.
template <class T>
std::vector<T> hard_values() {
    std::vector<T> values;
    const auto add_around = [&](double center) {
        T below = static_cast<T>(center), above = below;
        for (int i = 0; i < 8; ++i) {
            values.insert(values.end(), {below, above});
            below = std::nextafter(below, -std::numeric_limits<T>::infinity());
            above = std::nextafter(above, std::numeric_limits<T>::infinity());
        }
    };
    for (int n = -2200; n <= 2200; ++n) {
        add_around(n * 0.5 * std::log(2.0));
    }
    for (const double center : {0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0}) {
        add_around(center);
        add_around(center - 1);
    }
    return values;
}

}  // namespace

TEST_CASE_TEMPLATE("elementary functions are within their bound and their range", T, float,
                   double) {
    if (!kHasOracle<T>) {
        return;
    }
    std::vector<T> x = stratified_values<T>(1 << 17);
    const std::vector<T> hard = hard_values<T>();
    x.insert(x.end(), hard.begin(), hard.end());
    for (const Function<T>& function : functions<T>()) {
        CAPTURE(function.name);
        std::vector<Wide<T>> want;
        std::transform(x.begin(), x.end(), std::back_inserter(want), function.oracle);
        for_each_isa<T>([&](const KernelTable<T>& table) {
            const std::vector<T> y = apply(table.functions.*function.kernel, x);
            double worst = 0;
            T where = 0;
            bool in_range = true, nan_kept = true;
            for (std::size_t i = 0; i < x.size(); ++i) {
                if (std::isnan(want[i])) {
                    // The limit of x times 0 at -infinity is 0.
                    nan_kept &= std::isnan(y[i]) || (std::isinf(x[i]) && y[i] == 0);
                    continue;
                }
                const double error = ulp_error(y[i], want[i]) - oracle_error_ulp<T>(want[i]);
                if (!(error <= worst)) {
                    worst = error;
                    where = x[i];
                }
                in_range &= y[i] >= function.least && y[i] <= function.greatest;
            }
            CAPTURE(where);
            const double bound = sizeof(T) == 4 ? function.single : function.twice;
            CHECK(worst <= bound + (has_fma(table.isa) ? 0 : kMoreWithoutFma));
            CHECK(in_range);
            CHECK(nan_kept);
        });
    }
}

TEST_CASE_TEMPLATE("elementary functions at special values", T, float, double) {
    using Table = FunctionTable<T>;
    const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    const T tiny = std::numeric_limits<T>::denorm_min();
    struct Case {
        Pointwise<T> Table::*kernel;
        T x, y;
    };
    const std::vector<Case> cases = {
        {&Table::exp, 0, 1},
        {&Table::exp, -inf, 0},
        {&Table::exp, inf, inf},
        {&Table::expm1, 0, 0},
        {&Table::expm1, -T{0}, -T{0}},
        {&Table::expm1, -inf, -1},
        {&Table::expm1, inf, inf},
        {&Table::expm1, tiny, tiny},
        {&Table::log, 1, 0},
        {&Table::log, 0, -inf},
        {&Table::log, -T{0}, -inf},
        {&Table::log, inf, inf},
        {&Table::log, -1, nan},
        {&Table::log, -inf, nan},
        {&Table::log1p, 0, 0},
        {&Table::log1p, -T{0}, -T{0}},
        {&Table::log1p, -1, -inf},
        {&Table::log1p, inf, inf},
        {&Table::log1p, -2, nan},
        {&Table::log1p, tiny, tiny},
        {&Table::erf, 0, 0},
        {&Table::erf, -T{0}, -T{0}},
        {&Table::erf, inf, 1},
        {&Table::erf, -inf, -1},
        {&Table::tanh, 0, 0},
        {&Table::tanh, -T{0}, -T{0}},
        {&Table::tanh, inf, 1},
        {&Table::tanh, -inf, -1},
        {&Table::sigmoid, 0, T(0.5)},
        {&Table::sigmoid, inf, 1},
        {&Table::sigmoid, -inf, 0},
        {&Table::softplus, inf, inf},
        {&Table::softplus, -inf, 0},
        {&Table::log_sigmoid, inf, 0},
        {&Table::log_sigmoid, -inf, -inf},
    };
    for_each_isa<T>([&](const KernelTable<T>& table) {
        for (const Case& c : cases) {
            const T y = apply(table.functions.*c.kernel, {c.x})[0];
            CAPTURE(c.x);
            CAPTURE(c.y);
            CAPTURE(y);
            CHECK((std::isnan(c.y) ? std::isnan(y) : y == c.y));
            CHECK((c.y != 0 || c.x != 0 || std::signbit(y) == std::signbit(c.y)));
        }
        for (const Function<T>& function : functions<T>()) {
            CAPTURE(function.name);
            CHECK(std::isnan(apply(table.functions.*function.kernel, {nan})[0]));
        }
    });
}

TEST_CASE_TEMPLATE("elementary functions on arrays of any length, in place", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        const index_t longest = 2 * table.lanes + 1;
        const std::vector<T> x = random_values<T>(longest + 1, 1, 0.1, 3);
        for (const Function<T>& function : functions<T>()) {
            CAPTURE(function.name);
            const Pointwise<T> kernel = table.functions.*function.kernel;
            std::vector<T> one_by_one = x;
            for (T& value : one_by_one) {
                const T* const in[] = {&value};
                kernel(1, in, &value);
            }
            for (index_t n = 0; n <= longest; ++n) {
                std::vector<T> y = x, expected = x;
                std::copy_n(one_by_one.begin(), n, expected.begin());
                const T* const in[] = {y.data()};
                kernel(n, in, y.data());
                CHECK(same_bits(y, expected));
            }
        }
    });
}

TEST_CASE_TEMPLATE("instruction sets with FMA agree bit for bit, and so do those without", T, float,
                   double) {
    const std::vector<T> x = stratified_values<T>(1 << 12);
    for (const Function<T>& function : functions<T>()) {
        CAPTURE(function.name);
        std::vector<T> first[2];
        for (const Isa isa : cpu_info().supported) {
            CAPTURE(isa_name(isa));
            std::vector<T> y = apply(kernels<T>(isa).functions.*function.kernel, x);
            // The bits of NaN are the processor's own affair.
            std::replace_if(
                y.begin(), y.end(), [](T value) { return std::isnan(value); }, T{0});
            std::vector<T>& reference = first[has_fma(isa_name(isa))];
            if (reference.empty()) {
                reference = y;
            }
            CHECK(same_bits(y, reference));
        }
    }
}
