// How many threads share the steps of a fit: by the plan at first, then by trial. Steps that take
// microseconds gain from a second thread only while the two cores are close to each other and both
// free, which no one can know beforehand and which changes. Nothing that is computed depends on it.
#pragma once

#include "train/plan.h"

namespace briskmlp {

class Team {
  public:
    Team() = default;  // a thread alone
    // For epochs of so many steps, on at most `limit` threads.
    Team(const Plan& plan, index_t steps, index_t limit);

    index_t most() const { return most_; }

    // Whether what this team has learnt holds for the work of the other.
    bool suits(const Team& other) const {
        return most_ == other.most_ && expected_ == other.expected_;
    }

    // The next slice of work: on so many threads, about so many steps ...
    index_t threads() const;
    index_t steps() const;
    // ... and what it took.
    void measured(index_t steps, double seconds);

  private:
    // Both sizes are tried for a moment, the faster runs for a while, and so on.
    enum class Phase { kTryAll, kTryAlone, kRun };

    double phase_seconds() const;  // how long this phase is to last

    index_t most_ = 1, threads_ = 1;
    bool tries_ = false;
    Phase phase_ = Phase::kTryAll;
    bool begins_ = true;             // a trial
    double expected_ = 0;            // seconds of a step
    double seconds_a_step_ = 0;      // in this phase, or as expected
    double worked_ = 0;              // seconds in this phase
    index_t done_ = 0;               // steps in this phase
    double all_seconds_a_step_ = 0;  // as tried
    double run_seconds_ = 0;         // how long the next kRun lasts
};

}  // namespace briskmlp
