// Memory that runs out: every allocation of every call is refused in turn. std::bad_alloc comes
// out, nothing has changed, nothing is left behind, and afterwards the call does what it does.
#include <doctest/doctest.h>

#include "allocations.h"

#ifdef BRISKMLP_COUNTS_ALLOCATIONS
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "ops/matmul.h"
#include "nn/predict.h"
#include "train/evaluate.h"
#include "train/gradients.h"
#include "fit_support.h"

using namespace briskmlp;

namespace {

// An observer that allocates nothing.
class Silent final : public FitObserver {
    bool epoch_done(const EpochReport&) override { return false; }
    const double* rate_factors(index_t, index_t) override { return nullptr; }
    bool interrupted() override { return false; }
};

// Has the team started, which would do with fewer threads if memory ran out.
void start_team() {
    parallel(num_threads(), [](const Worker&) {});
}

// Calls act() until it needs no allocation more than it is granted, and that is more than none.
// `same` says whether all is as it was.
void refuse_each(const std::function<void()>& act, const std::function<bool()>& same) {
    index_t granted = 0;
    for (bool done = false; !done; ++granted) {
        const index_t live = live_allocations();
        bool thrown = false;
        try {
            const Refusal refusal(granted);
            act();
            done = !refusal.happened();
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        const index_t left = live_allocations() - live;  // before doctest allocates
        CAPTURE(granted);
        REQUIRE(thrown != done);
        REQUIRE(left == 0);
        REQUIRE(same() != done);
    }
    CHECK(granted > 1);
}

// Calls act() on a new thread, which leaves nothing behind when it ends.
void on_new_thread(const std::function<void()>& act) {
    std::exception_ptr error;
    std::thread([&] {
        try {
            act();
        } catch (...) {
            error = std::current_exception();
        }
    }).join();
    if (error) {
        std::rethrow_exception(error);
    }
}

// One way of fitting.
struct Way {
    const char* name;
    std::vector<index_t> sizes;
    index_t rows, batch_size;
    PlanKind plan;
    std::function<void(FitOptions&)> change;
};

const std::vector<Way>& ways() {
    static const std::vector<Way> all = {
        {"wide", {128, 600, 600, 3}, 450, 450, PlanKind::kTwoPhase, [](FitOptions&) {}},
        {"middle", {64, 60, 50, 10}, 100, 32, PlanKind::kSharded, [](FitOptions&) {}},
        {"small", {4, 24, 24, 2}, 3000, 1500, PlanKind::kChunked, [](FitOptions&) {}},
        {"norm of the gradient",
         {64, 60, 50, 10},
         100,
         32,
         PlanKind::kSharded,
         [](FitOptions& o) {
             o.optimizer.clip_norm = 1;
             o.optimizer.average = 0.9;
             o.batches_per_step = 2;
         }},
        {"Muon",
         {20, 30, 40, 3},
         100,
         32,
         PlanKind::kSharded,
         [](FitOptions& o) { o.optimizer.kind = OptimizerKind::kMuon; }},
        {"batch norm",
         {20, 30, 40, 3},
         100,
         32,
         PlanKind::kSharded,
         [](FitOptions& o) { o.batch_norm = true; }},
        {"dropout and noise",
         {20, 30, 40, 3},
         100,
         32,
         PlanKind::kSharded,
         [](FitOptions& o) {
             o.dropout = {0.1, 0.2, 0.3};
             o.noise.assign(20, 0.1);
         }},
    };
    return all;
}

}  // namespace

TEST_CASE("the test program counts allocations and refuses the one that it is told to") {
    // A compiler may leave out what it sees no one use.
    const void* volatile seen = nullptr;
    const auto allocate = [&] {
        const AlignedBuffer<float> buffer(3);
        seen = buffer.data();
    };
    const index_t live = live_allocations();
    {
        const AlignedBuffer<float> buffer(3);
        seen = buffer.data();
        CHECK(live_allocations() == live + 1);
        const Refusal refusal(1);
        const std::vector<int> granted(10);
        seen = granted.data();
        CHECK_FALSE(refusal.happened());
        CHECK_THROWS_AS(allocate(), std::bad_alloc);
        CHECK(refusal.happened());
        CHECK_NOTHROW(allocate());
    }
    CHECK(live_allocations() == live);
}

TEST_CASE_TEMPLATE("a network that cannot have its memory is not made", T, float, double) {
    bool made = false;
    refuse_each(
        [&] {
            make_network<T>({20, 30, 3}, Activation::kRelu, {Loss::kQuantile, {0.1, 0.5, 0.9}});
            made = true;
        },
        [&] { return !made; });
}

TEST_CASE_TEMPLATE("calls that read a network do without memory or not at all", T, float, double) {
    const ManyThreads many;
    start_team();
    // A row of the second needs more room than there is on the stack.
    for (const std::vector<index_t>& sizes :
         {std::vector<index_t>{20, 90, 30, 3}, std::vector<index_t>{7, 2000, 4}}) {
        const auto net = make_network<T>(sizes, Activation::kTanh, Loss::kMse);
        const TestData<T> data(net, 1200, TargetKind::kValues, true);
        const Dataset<T> all = data.all();
        const std::vector<T> before = parameters_of(net);
        const auto size = static_cast<std::size_t>(all.x.rows * net.outputs());
        const auto outputs = random_values<T>(static_cast<index_t>(size), 1);
        // The rows backwards, of the other type: they are converted.
        const std::vector<double> wide(data.x.begin(), data.x.end());
        const std::vector<float> narrow(data.x.begin(), data.x.end());
        InputMatrix other =
            sizeof(T) == 4 ? input_matrix(wide, all.x.cols) : input_matrix(narrow, all.x.cols);
        other = {static_cast<const char*>(other.data) + (all.x.rows - 1) * other.row_stride,
                 other.dtype,
                 all.x.rows,
                 all.x.cols,
                 -other.row_stride,
                 other.col_stride};

        std::vector<T> out(size), gradient(before.size()), d_x(data.x.size());
        const std::vector<T> clean_out = out, clean_gradient = gradient, clean_d_x = d_x;
        const auto same = [&] {
            return same_bits(out, clean_out) && same_bits(gradient, clean_gradient) &&
                   same_bits(d_x, clean_d_x);
        };
        const auto clear = [&] { out = clean_out, gradient = clean_gradient, d_x = clean_d_x; };

        for (const InputMatrix& x : {all.x, other}) {
            refuse_each([&] { predict(net, x, Output::kTarget, out.data(), 5); }, same);
            clear();
            refuse_each([&] { backward(net, x, outputs.data(), gradient.data(), d_x.data(), 5); },
                        same);
            clear();
            const Dataset<T> rows{x, all.y};
            refuse_each([&] { gradients(net, rows, gradient.data(), 5); }, same);
            clear();
            bool evaluated = false;
            refuse_each([&] { evaluate(net, rows, 5), evaluated = true; },
                        [&] { return !evaluated; });
        }
        if (sizes[1] == 2000) {
            refuse_each([&] { predict_row(net, data.x.data(), Output::kTarget, out.data()); },
                        same);
        }
        CHECK(same_bits(before, parameters_of(net)));
    }
}

TEST_CASE_TEMPLATE("a matmul does without memory or not at all", T, float, double) {
    const ManyThreads many;
    start_team();
    const index_t m = 150, k = 170, n = 140;
    const auto a = random_values<T>(m * k, 1), b = random_values<T>(k * n, 2);
    const auto bias = random_values<T>(2 * n, 3);
    for (const index_t cols : {n, index_t{1}}) {
        std::vector<T> c(static_cast<std::size_t>(m * cols));
        const std::vector<T> clean = c;
        // Both operands transposed: they are copied, as is every second entry of the bias.
        Matmul<T> product{
            {a.data(), m, k, 1, m}, {b.data(), k, cols, 1, k}, {c.data(), m, cols, cols, 1}};
        product.bias = bias.data();
        product.bias_stride = 2;
        refuse_each([&] { on_new_thread([&] { matmul(kernels<T>(), product); }); },
                    [&] { return same_bits(c, clean); });
    }
}

TEST_CASE_TEMPLATE("a fit that cannot have its memory changes nothing", T, float, double) {
    const ManyThreads many;
    start_team();
    for (const Way& way : ways()) {
        CAPTURE(std::string(way.name));
        const auto start = make_network<T>(way.sizes, Activation::kRelu, Loss::kMse);
        const TestData<T> data(start, way.rows, TargetKind::kValues, true);
        const Dataset<T> all = data.all();
        FitOptions options = fit_options(3, way.batch_size, {});
        options.threads = 5;
        way.change(options);
        REQUIRE(make_plan(start, kernels<T>(), way.batch_size).kind == way.plan);
        const std::vector<T> before = parameters_of(start);
        Silent silent;

        auto fitted = make_network<T>(way.sizes, Activation::kRelu, Loss::kMse);
        fit_observed<T>(fitted, all, &all, options, silent);
        CHECK_FALSE(same_bits(parameters_of(fitted), before));

        auto net = make_network<T>(way.sizes, Activation::kRelu, Loss::kMse);
        refuse_each([&] { fit_observed<T>(net, all, &all, options, silent); },
                    [&] { return same_bits(parameters_of(net), before); });
        CHECK(same_bits(parameters_of(net), parameters_of(fitted)));
    }
}

TEST_CASE_TEMPLATE("a fit and a gradient of sparse rows do without memory or not at all", T, float,
                   double) {
    const ManyThreads many;
    start_team();
    const std::vector<index_t> sizes{300, 20};
    const auto make = [&] { return make_network<T>(sizes, Activation::kRelu, Loss::kMse); };
    auto net = make(), fitted = make();
    REQUIRE(make_plan(net, kernels<T>(), 300).kind == PlanKind::kChunked);
    TestData<T> data(net, 500, TargetKind::kValues, true);
    // Rows of very different lengths, the longest of which may meet in one chunk.
    for (std::size_t i = 0; i < data.x.size(); ++i) {
        const std::size_t row = i / 300, col = i % 300;
        data.x[i] = row % 7 != 0 && col % 100 != row % 100 ? T(0) : data.x[i];
    }
    const Sparse<T> sparse(data.x, data.inputs);
    Dataset<T> all = data.all();
    all.x = sparse.matrix();
    REQUIRE(suits_sparse(kernels<T>(), all.x, sizes[1]));
    const std::vector<T> before = parameters_of(net);

    std::vector<T> gradient(before.size());
    const std::vector<T> clean = gradient;
    refuse_each([&] { gradients(net, all, gradient.data(), 5); },
                [&] { return same_bits(gradient, clean); });

    FitOptions options = fit_options(3, 300, {});
    options.threads = 5;
    Silent silent;
    fit_observed<T>(fitted, all, &all, options, silent);
    refuse_each([&] { fit_observed<T>(net, all, &all, options, silent); },
                [&] { return same_bits(parameters_of(net), before); });
    CHECK(same_bits(parameters_of(net), parameters_of(fitted)));
}

TEST_CASE("a fit goes on with what is left of one that could not have its memory") {
    const ManyThreads many;
    start_team();
    const Way& first = ways()[1];
    const auto data_of = [](const Network<float>& net) {
        return TestData<float>(net, 100, TargetKind::kValues, false);
    };
    auto net = make_network<float>(first.sizes, Activation::kRelu, Loss::kMse);
    const TestData<float> data = data_of(net);
    const Dataset<float> all = data.all();
    Silent silent;
    FitOptions plain = fit_options(2, 32, {}), clipped = plain;
    clipped.optimizer.clip_norm = 1;  // keeps the whole gradient: a step of another shape
    auto expected = make_network<float>(first.sizes, Activation::kRelu, Loss::kMse);
    fit_observed<float>(expected, all, nullptr, plain, silent);
    fit_observed<float>(expected, all, nullptr, clipped, silent);

    const index_t live = live_allocations();
    {
        Training<float> training;
        fit<float>(net, training, all, nullptr, plain, silent);
        const std::vector<float> between = parameters_of(net);
        bool done = false;
        for (index_t granted = 0; !done; ++granted) {
            try {
                const Refusal refusal(granted);
                fit<float>(net, training, all, nullptr, clipped, silent);
                done = true;
            } catch (const std::bad_alloc&) {
            }
            CAPTURE(granted);
            REQUIRE(same_bits(parameters_of(net), between) != done);
        }
        CHECK(same_bits(parameters_of(net), parameters_of(expected)));
    }
    CHECK(live_allocations() == live);
}

#endif
