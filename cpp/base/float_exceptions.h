// The floating-point exceptions that a parallel region raises, for callers that report them: each
// thread has flags of its own, and those of the workers would be lost.
#pragma once

#include <array>
#include <cfenv>
#include <cstddef>

#include "base/parallel.h"

namespace briskmlp {

class FloatExceptions {
  public:
    // Before and after a worker's part.
    static void begin(const Worker& worker) {
        if (worker.index != 0) {
            std::feclearexcept(FE_ALL_EXCEPT);
        }
    }
    void end(const Worker& worker) {
        const int raised = worker.index == 0 ? 0 : std::fetestexcept(kReported);
        for (std::size_t i = 0; raised != 0 && i < kKinds.size(); ++i) {
            if ((raised & kKinds[i]) != 0) {
                flags_[i].raise();
            }
        }
    }

    // After the region: raises in the calling thread what the others met.
    void raise() const {
        for (std::size_t i = 0; i < kKinds.size(); ++i) {
            if (flags_[i].raised()) {
                std::feraiseexcept(kKinds[i]);
            }
        }
    }

  private:
    static constexpr std::array<int, 4> kKinds{FE_DIVBYZERO, FE_INVALID, FE_OVERFLOW, FE_UNDERFLOW};
    static constexpr int kReported = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW;

    std::array<Flag, kKinds.size()> flags_;
};

}  // namespace briskmlp
