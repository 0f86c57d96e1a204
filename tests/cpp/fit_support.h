// What the tests of fits share: an observer that remembers, and fits without further ado.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "train/fit.h"
#include "support.h"

namespace briskmlp {

// Records the parameters after every epoch, and stops where it is told to.
template <class T>
class Recorder : public FitObserver {
  public:
    explicit Recorder(const Network<T>& net) : net_(&net) {}

    bool epoch_done(const EpochReport& report) override {
        after_epochs.push_back(parameters_of(*net_));
        return report.epoch == stop_after;
    }
    const double* rate_factors(index_t, index_t) override { return nullptr; }
    double* batch_losses(index_t epoch, index_t batches) override {
        return losses.empty() ? nullptr : losses.data() + epoch * batches;
    }
    bool interrupted() override {
        if (throw_at_once) {
            throw std::runtime_error("interrupted");
        }
        return interrupt;
    }

    index_t stop_after = -1;
    bool interrupt = false, throw_at_once = false;
    std::vector<std::vector<T>> after_epochs;
    std::vector<double> losses;  // of all batches, unless it is empty to begin with

  private:
    const Network<T>* net_;
};

inline OptimizerSpec sgd(double learning_rate) {
    OptimizerSpec spec;
    spec.kind = OptimizerKind::kSgd;
    spec.learning_rate = learning_rate;
    return spec;
}

inline FitOptions fit_options(index_t epochs, index_t batch_size, OptimizerSpec optimizer) {
    return {epochs, batch_size, true, 3, 0, 1, std::move(optimizer), {}, 1};
}

template <class T>
FitResult fit_observed(Network<T>& net, const Dataset<T>& data, const Dataset<T>* eval,
                       const FitOptions& options, FitObserver& observer) {
    Training<T> training;
    return fit(net, training, data, eval, options, observer);
}

template <class T>
FitResult fit_quietly(Network<T>& net, const Dataset<T>& data, const FitOptions& options) {
    Recorder<T> observer(net);
    return fit_observed<T>(net, data, nullptr, options, observer);
}

template <class T>
bool finite(const std::vector<T>& values) {
    return std::all_of(values.begin(), values.end(), [](T x) { return std::isfinite(x); });
}

}  // namespace briskmlp
