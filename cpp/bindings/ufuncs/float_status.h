// The floating-point exceptions of a function of arrays, as numpy.errstate wants them: those that
// the values themselves show. What the processor raises on a kernel's way to its result says less:
// a square may underflow that no one will see, and a result by selection raises nothing.
#pragma once

#include <cfenv>
#include <cmath>
#include <cstdint>

#include "base/cpu.h"
#include "base/types.h"

namespace briskmlp {

// Which exceptions a function has.
struct ExceptionRule {
    bool silent = false;      // none at all
    bool underflows = false;  // to 0 or a denormal number, from operands that are neither
    bool has_pole = false;    // where the last operand is `pole`
    double pole = 0;
};

// Puts the thread's flags back as they were at the beginning. In between they begin clear: a worker
// may come with those of earlier work, and one that is up already shows nothing new.
class KeepExceptions {
  public:
    KeepExceptions() : before_(float_status()) {
        if (has_exception(before_)) {
            set_float_status(without_exceptions(before_));
            changed_ = true;
        }
    }
    ~KeepExceptions() {
        if (changed_) {
            set_float_status(before_);
        }
    }
    KeepExceptions(const KeepExceptions&) = delete;
    KeepExceptions& operator=(const KeepExceptions&) = delete;

    // Whether any was raised since. To be asked after the last that may raise one.
    bool raised() {
        const bool any = has_exception(float_status());
        changed_ |= any;
        return any;
    }

  private:
    std::uint64_t before_;
    bool changed_ = false;
};

// The exceptions of out = f(in[0], ...), n elements; `least` is the smallest normal number of the
// type that the results are stored in. Its comparisons raise nothing themselves.
template <class T>
int exceptions_of(index_t n, int inputs, const T* const* in, const T* out, T least,
                  const ExceptionRule& rule) {
    int found = 0;
    for (index_t i = 0; i < n; ++i) {
        const T y = out[i];
        if (std::isgreaterequal(std::fabs(y), least) && std::isfinite(y)) {
            continue;
        }
        bool nan = false, finite = true, normal = true;
        for (int k = 0; k < inputs; ++k) {
            const T x = in[k][i];
            nan |= std::isnan(x);
            finite &= std::isfinite(x);
            normal &= std::isgreaterequal(std::fabs(x), least);
        }
        if (std::isnan(y)) {
            found |= nan ? 0 : FE_INVALID;
        } else if (std::isinf(y)) {
            const bool at_pole = rule.has_pole && in[inputs - 1][i] == static_cast<T>(rule.pole);
            found |= !finite ? 0 : at_pole ? FE_DIVBYZERO : FE_OVERFLOW;
        } else {
            found |= rule.underflows && finite && normal ? FE_UNDERFLOW : 0;
        }
    }
    return found;
}

}  // namespace briskmlp
