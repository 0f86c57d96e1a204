// Batch norm: the kernels of every instruction set against the definition, tiles put together in
// any cut, and steps of any number of workers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/dispatch.h"
#include "nn/predict.h"
#include "train/batch_norm.h"
#include "train/folding.h"
#include "train/padded_matrix.h"
#include "support.h"

using namespace briskmlp;

namespace {

constexpr index_t kWidths[] = {1, 3, 4, 7, 8, 16, 17, 33, 64, 100};

template <class T>
std::vector<double> column(MatrixView<const T> x, index_t j) {
    std::vector<double> values;
    for (index_t r = 0; r < x.rows; ++r) {
        values.push_back(static_cast<double>(x.row(r)[j]));
    }
    return values;
}

double mean_of(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    return sum / static_cast<double>(values.size());
}

double variance_of(const std::vector<double>& values) {
    std::vector<double> squares;
    const double mean = mean_of(values);
    for (const double value : values) {
        squares.push_back((value - mean) * (value - mean));
    }
    return mean_of(squares);
}

template <class T>
void fill(MatrixView<T> x, std::uint64_t seed, T offset) {
    const std::vector<T> values = random_values<T>(x.rows * x.cols, seed);
    for (index_t r = 0; r < x.rows; ++r) {
        for (index_t j = 0; j < x.cols; ++j) {
            x.row(r)[j] = values[static_cast<std::size_t>(r * x.cols + j)] + offset;
        }
    }
}

}  // namespace

TEST_CASE_TEMPLATE("batch norm is what its definition says, there and back", T, float, double) {
    for_each_isa<T>([](const KernelTable<T>& table) {
        for (const int rows : {2, 5, 32, 75}) {
            for (const index_t width : kWidths) {
                CAPTURE(rows);
                CAPTURE(width);
                const auto net = make_network<T>({3, width, 2}, Activation::kRelu, Loss::kMse);
                PaddedMatrix<T> x(rows, width, table.lanes), y(rows, width, table.lanes),
                    d(rows, width, table.lanes);
                fill<T>(x.view(0, rows), 1, T(3));
                fill<T>(d.view(0, rows), 2, T(0.5));
                const std::vector<double> before = column(d.view(0, rows).constant(), width - 1);
                const RowCut cut{rows, ceil_div(rows, 32), 0};
                BatchNorm<T> norm(net, table, cut.tiles, 1);
                const auto tile_of = [&](PaddedMatrix<T>& matrix, index_t tile) {
                    const index_t begin = cut.tile_begin(tile);
                    return matrix.view(begin, cut.tile_begin(tile + 1) - begin).constant();
                };
                for (index_t tile = 0; tile < cut.tiles; ++tile) {
                    norm.measure(0, tile, tile_of(x, tile));
                }
                norm.combine(kSoleWorker, 0, cut);
                norm.apply(kSoleWorker, 0, x.view(0, rows).constant(), y.view(0, rows));
                for (index_t tile = 0; tile < cut.tiles; ++tile) {
                    norm.measure_back(0, tile, tile_of(d, tile), tile_of(y, tile));
                }
                norm.combine_back(kSoleWorker, 0, cut);
                norm.apply_back(kSoleWorker, 0, y.view(0, rows).constant(), d.view(0, rows));

                // The last column: of partial vectors too.
                const std::vector<double> of_x = column(x.view(0, rows).constant(), width - 1);
                const std::vector<double> got = column(y.view(0, rows).constant(), width - 1);
                const std::vector<double> back = column(d.view(0, rows).constant(), width - 1);
                const double mean = mean_of(of_x), deviation = std::sqrt(variance_of(of_x) + 1e-5);
                std::vector<double> want, products;
                for (std::size_t i = 0; i < of_x.size(); ++i) {
                    want.push_back((of_x[i] - mean) / deviation);
                    products.push_back(before[i] * want[i]);
                }
                // Sums of numbers up to 4, by a deviation that two rows may make small.
                const double error = gamma<T>(rows + 8) * 16 / (deviation * deviation);
                double worst = 0;
                for (std::size_t i = 0; i < of_x.size(); ++i) {
                    const double gradient =
                        (before[i] - mean_of(before) - want[i] * mean_of(products)) / deviation;
                    worst = std::max(worst, excess(got[i], want[i], error));
                    worst = std::max(worst, excess(back[i], gradient, error / deviation));
                }
                CHECK(worst <= 1);
            }
        }
    });
}

TEST_CASE_TEMPLATE("folding changes no predictions, and is undone by unfolding", T, float, double) {
    for (const bool residual : {false, true}) {
        std::vector<Activation> activations(3, Activation::kTanh);
        activations.push_back(Activation::kIdentity);
        Network<T> net({{7, 20, 20, 33, 2}, activations, Loss::kMse, Norm::kNone, residual});
        net.initialize(1, Initializer::kAuto);
        const TestData<T> data(net, 150, TargetKind::kValues, false);
        const Dataset<T> all = data.all();
        Folding<T> folding(net, all, 1);
        const std::vector<T> before = parameters_of(net);
        std::vector<T> plain(300), again(300);
        predict(net, all.x, Output::kRaw, plain.data(), 1);
        const Network<T>& unfolded = folding.unfolded(net);
        CHECK_FALSE(same_bits(before, parameters_of(unfolded)));
        const std::vector<T> normalized = parameters_of(unfolded);
        REQUIRE(folding.fold([&](Network<T>& other) {
            std::copy(normalized.begin(), normalized.end(), other.parameters());
        }));
        folding.give(net);
        CHECK(folding.matches(net));
        predict(net, all.x, Output::kRaw, again.data(), 1);
        double worst = 0;
        for (std::size_t i = 0; i < plain.size(); ++i) {
            worst = std::max(worst, excess(static_cast<double>(again[i]),
                                           static_cast<double>(plain[i]), gamma<T>(400)));
        }
        CHECK(worst <= 1);
        net.parameters()[3] += T(1);
        CHECK_FALSE(folding.matches(net));
    }
}

TEST_CASE("folding says when weights overflow") {
    auto net = make_network<float>({2, 4, 2}, Activation::kRelu, Loss::kMse);
    const TestData<float> data(net, 20, TargetKind::kValues, false);
    const Dataset<float> all = data.all();
    Folding<float> folding(net, all, 1);
    CHECK_FALSE(folding.fold([](Network<float>& other) {
        std::fill_n(other.parameters(), other.num_parameters(), 0.0f);
        // Units without variance, whose weights are multiplied by one over its floor's root.
        other.parameters()[other.layers()[1].offset] = 3e38f;
    }));
}
