#include "train/team.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace briskmlp {
namespace {

// Nanoseconds, estimated, of a step in which what threads pass on is little beside the work, so
// that nothing is tried.
constexpr double kTriedStep = 1e6;
// Seconds of what follows the trials: twice as long each time they confirm the last. A trial is a
// small share of that, so that a fit of a few milliseconds does not lose one to the slower team.
constexpr double kShortestRun = 4e-3, kLongestRun = 480e-3;
constexpr double kTrialShare = 1.0 / 16, kLongestTrial = 1e-3;
// The first steps of a trial do not count: they wait until a thread is awake, and their memory is
// in another's caches. Unless they take longer than the rest is to: then a thread has no processor.
constexpr index_t kFirstSteps = 2;

}  // namespace

Team::Team(const Plan& plan, index_t steps, index_t limit)
    : most_(threads_worth_waking(plan.kind, plan.cost.nanoseconds, steps,
                                 std::min(plan.max_threads, limit))),
      threads_(most_),
      tries_(most_ > 1 && plan.cost.nanoseconds < kTriedStep),
      expected_(plan.cost.nanoseconds * 1e-9),
      seconds_a_step_(expected_),
      run_seconds_(kShortestRun) {}

index_t Team::threads() const {
    switch (phase_) {
        case Phase::kTryAll: return most_;
        case Phase::kTryAlone: return 1;
        case Phase::kRun: break;
    }
    return threads_;
}

double Team::phase_seconds() const {
    return phase_ == Phase::kRun ? run_seconds_
                                 : std::min(kTrialShare * run_seconds_, kLongestTrial);
}

index_t Team::steps() const {
    if (!tries_) {
        return std::numeric_limits<index_t>::max();
    }
    if (begins_) {
        return kFirstSteps;
    }
    return 1 + static_cast<index_t>(std::max(0.0, phase_seconds() - worked_) / seconds_a_step_);
}

void Team::measured(index_t steps, double seconds) {
    if (std::exchange(begins_, false) && seconds < phase_seconds()) {
        return;
    }
    worked_ += seconds;
    done_ += steps;
    seconds_a_step_ = worked_ / static_cast<double>(done_);
    if (!tries_ || worked_ < phase_seconds()) {
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
    begins_ = phase_ != Phase::kRun;
}

}  // namespace briskmlp
