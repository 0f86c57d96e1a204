// A loss that the caller computes, of a whole minibatch at once: it may be any function of all its
// rows together.
#pragma once

#include <cstdint>
#include <optional>

#include "base/matrix_view.h"

namespace briskmlp {

template <class T>
class ExternalLoss {
  public:
    virtual ~ExternalLoss() = default;

    // The loss of the data set's rows with these numbers, (z.rows), whose raw outputs are z
    // (rows, outputs); d, of z's size, receives its gradient by z. Called by worker 0 while the
    // others wait, and so on the thread that called fit. Nothing: the fit is to stop.
    virtual std::optional<double> evaluate(const std::uint32_t* numbers, MatrixView<const T> z,
                                           MatrixView<T> d) = 0;
};

}  // namespace briskmlp
