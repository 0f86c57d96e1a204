#include "train/team.h"

#include <algorithm>
#include <limits>

namespace briskmlp {
namespace {

// Nanoseconds, estimated, of a step in which what threads pass on is little beside the work, so
// that nothing is tried.
constexpr double kTriedStep = 1e6;
// Seconds of a trial, and of what follows it: twice as long each time it confirms the last.
constexpr double kTrial = 1e-3;
// A trial begins with so few steps because each may have to wait for a thread that has no
// processor.
constexpr index_t kFirstSteps = 2;
constexpr double kShortestRun = 30e-3, kLongestRun = 480e-3;

}  // namespace

Team::Team(const Plan& plan, index_t steps, index_t limit)
    : most_(threads_worth_waking(plan.kind, plan.cost.nanoseconds, steps,
                                 std::min(plan.max_threads, limit))),
      threads_(most_),
      tries_(most_ > 1 && plan.cost.nanoseconds < kTriedStep),
      seconds_a_step_(plan.cost.nanoseconds * 1e-9),
      run_seconds_(kShortestRun) {}

index_t Team::threads() const {
    switch (phase_) {
        case Phase::kTryAll: return most_;
        case Phase::kTryAlone: return 1;
        case Phase::kRun: break;
    }
    return threads_;
}

index_t Team::steps() const {
    if (!tries_) {
        return std::numeric_limits<index_t>::max();
    }
    if (phase_ != Phase::kRun && done_ == 0) {
        return kFirstSteps;
    }
    const double phase = phase_ == Phase::kRun ? run_seconds_ : kTrial;
    return 1 + static_cast<index_t>(std::max(0.0, phase - worked_) / seconds_a_step_);
}

void Team::measured(index_t steps, double seconds) {
    worked_ += seconds;
    done_ += steps;
    seconds_a_step_ = worked_ / static_cast<double>(done_);
    if (!tries_ || worked_ < (phase_ == Phase::kRun ? run_seconds_ : kTrial)) {
        return;
    }
    worked_ = 0;
    done_ = 0;
    switch (phase_) {
        case Phase::kTryAll:
            all_seconds_a_step_ = seconds_a_step_;
            phase_ = Phase::kTryAlone;
            break;
        case Phase::kTryAlone: {
            const index_t faster = seconds_a_step_ < all_seconds_a_step_ ? 1 : most_;
            run_seconds_ =
                faster == threads_ ? std::min(2 * run_seconds_, kLongestRun) : kShortestRun;
            threads_ = faster;
            phase_ = Phase::kRun;
            break;
        }
        case Phase::kRun: phase_ = Phase::kTryAll; break;
    }
}

}  // namespace briskmlp
