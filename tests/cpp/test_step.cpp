// Training steps: every kind of plan computes the same gradient. On the default instruction set.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "train/gradients.h"
#include "train/step.h"
#include "support.h"

using namespace briskmlp;

namespace {

class NoWatch final : public Watch {
  public:
    void tile_done(double) override {}
    bool stopped() const override { return false; }
};

}  // namespace

TEST_CASE_TEMPLATE("steps of every plan subtract the gradient", T, float, double) {
    OptimizerSpec gradient_descent;
    gradient_descent.kind = OptimizerKind::kSgd;
    gradient_descent.learning_rate = 1;
    for (const Activation hidden : {Activation::kRelu, Activation::kTanh, Activation::kGelu}) {
        for (const std::vector<index_t>& sizes :
             {std::vector<index_t>{3, 40, 4}, {70, 37, 50, 1}, {5, 64, 33, 48, 34, 3}}) {
            CAPTURE(sizes.size());
            const index_t rows = 75;
            auto net = make_network<T>(sizes, hidden, Loss::kMse);
            const TestData<T> data(net, rows, TargetKind::kValues, true);
            const Dataset<T> all = data.all();
            std::vector<T> gradient(static_cast<std::size_t>(net.num_parameters()));
            const double loss = gradients(net, all, gradient.data(), 1);
            std::vector<std::uint32_t> order(static_cast<std::size_t>(rows));
            std::iota(order.begin(), order.end(), 0u);
            const std::vector<T> before = parameters_of(net);
            for (const PlanKind kind :
                 {PlanKind::kTwoPhase, PlanKind::kChunked, PlanKind::kSharded}) {
                CAPTURE(std::string(plan_name(kind)));
                const Plan plan = make_plan(net, kernels<T>(), rows, kind);
                const auto step = make_step(net, kernels<T>(), plan, StepNeeds{}, rows, all.y, 1);
                step->load(kSoleWorker, net);
                NoWatch watch;
                StepResult result{};
                parallel(1, [&](const Worker& worker) {
                    result = step->run(worker, Batch<T>(all, order.data(), rows),
                                       Optimizer<T>(kernels<T>(), gradient_descent).next(1), watch);
                });
                CHECK(result.end == StepEnd::kUpdated);
                auto after = make_network<T>(sizes, hidden, Loss::kMse);
                REQUIRE(step->finite(kSoleWorker));
                step->store(kSoleWorker, after);
                // Another order of sums in every layer, there and back, of numbers of size 1.
                const double rounding = gamma<T>(2 * (rows + 4 * 70));
                CHECK(std::fabs(result.loss - loss) <= rounding * 2);
                double worst = 0;
                for (std::size_t i = 0; i < before.size(); ++i) {
                    const double expected =
                        static_cast<double>(before[i]) - static_cast<double>(gradient[i]);
                    worst = std::max(worst, excess(static_cast<double>(after.parameters()[i]),
                                                   expected, rounding));
                }
                CHECK(worst <= 1);
                CHECK_FALSE(same_bits(before, parameters_of(after)));
            }
        }
    }
}
