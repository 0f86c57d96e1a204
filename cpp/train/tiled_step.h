// A training step of a two-phase or a chunked plan: the minibatch's two phases (minibatch.h), the
// optimizer applied to each weight tile while its gradient is in cache.
#pragma once

#include "train/minibatch.h"
#include "train/step.h"

namespace briskmlp {

template <class T>
class TiledStep final : public Step<T> {
  public:
    TiledStep(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
              int state_arrays, index_t rows, const Targets<T>& targets, index_t workers);

    StepResult run(const Worker& worker, const Batch<T>& batch, const OptimizerStep<T>& optimizer,
                   Watch& watch) override;
    void load(const Worker& worker, const Network<T>& net) override { weights_.load(worker, net); }
    void store(const Worker& worker, Network<T>& net) const override {
        weights_.store(worker, net);
    }
    void restart(const Worker& worker) override { weights_.restart(worker); }
    bool finite(const Worker& worker) const override { return weights_.finite(worker); }

  private:
    const KernelTable<T>* kernels_;
    Weights<T> weights_;
    Minibatch<T> minibatch_;
};

}  // namespace briskmlp
