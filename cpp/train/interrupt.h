// Whether a fit is to stop: what its observer says when it is asked now and then.
#pragma once

#include <exception>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/parallel.h"
#include "train/fit.h"
#include "train/watch.h"

namespace briskmlp {

// Asks the observer now and then. Reading the clock costs about 25 ns, so it is read only after
// work enough to hide that.
class Interrupt final : public Watch {
  public:
    explicit Interrupt(FitObserver& observer) : observer_(&observer) {}

    void tile_done(double nanoseconds) override {
        worked_ += nanoseconds;
        if (worked_ < kClockEvery || stopped()) {
            return;
        }
        worked_ = 0;
        if (seconds_since(last_) >= kAskEvery) {
            ask();
        }
    }

    void ask() {
        const KeepDenormals keep;
        last_ = Clock::now();
        try {
            if (observer_->interrupted()) {
                stop_.raise();
            }
        } catch (...) {  // must not leave the parallel region
            error_ = std::current_exception();
            stop_.raise();
        }
    }

    bool stopped() const override { return stop_.raised(); }
    std::exception_ptr error() const { return error_; }

  private:
    static constexpr double kClockEvery = 20e3;  // nanoseconds of estimated work
    static constexpr double kAskEvery = 20e-3;   // seconds

    FitObserver* observer_;
    Clock::time_point last_ = Clock::now();
    double worked_ = 0;
    Flag stop_;
    std::exception_ptr error_;
};

}  // namespace briskmlp
