// A training step: a minibatch's gradient and the optimizer's update by it. Each kind of plan has
// its own way: tiled_step.h, sharded_step.h.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "nn/optimizer.h"
#include "train/batch.h"
#include "train/plan.h"
#include "train/training_state.h"
#include "train/watch.h"

namespace briskmlp {

enum class StepEnd { kUpdated, kStopped, kDiverged };

struct StepResult {
    StepEnd end;  // only after kUpdated have the weights changed
    double loss;  // the batch's mean, for the weights before the step
};

// What a step has to have room for.
struct StepNeeds {
    OptimizerNeeds optimizer;
    bool dropout;
    bool external_loss;  // only in a two-phase plan
    bool penalty;        // take_penalty
    bool batch_norm;     // as external_loss, and only with hidden layers
    bool sparse;         // suits_sparse and there is no noise; sharded plans make nothing of it

    bool operator==(const StepNeeds& other) const {
        return optimizer == other.optimizer && dropout == other.dropout &&
               external_loss == other.external_loss && penalty == other.penalty &&
               batch_norm == other.batch_norm && sparse == other.sparse;
    }
};

// Holds the working copy of the weights and the optimizer's state, and nothing of a fit's settings.
template <class T>
class Step {
  public:
    virtual ~Step() = default;

    // Before a region that runs steps: makes room for rows of these inputs, so that run allocates
    // nothing, unless a batch has a row more than once.
    virtual void make_room(const InputMatrix& x) = 0;

    // Every worker of a region calls it with the same batch and optimizer step, and gets the same
    // result. Cut short when worker 0 finds that `watch` has stopped.
    virtual StepResult run(const Worker& worker, const Batch<T>& batch,
                           const OptimizerStep<T>& optimizer, Watch& watch) = 0;

    // After all workers are done: of the steps since the last call, the sum of the squares of the
    // weights, without biases, before each, by the mean weight of its batch's rows.
    virtual double take_penalty() = 0;

    // Between steps, each by every worker of a region for its share: takes the network's
    // parameters as they are now (before the first step too), brings the network up to date,
    // says whether it has changed since, and whether it would be finite.
    virtual void load(const Worker& worker, const Network<T>& net) = 0;
    virtual bool matches(const Worker& worker, const Network<T>& net) const = 0;
    virtual void restart(const Worker& worker) = 0;  // the optimizer's state: zeros
    virtual void store(const Worker& worker, Network<T>& net) const = 0;
    virtual bool finite(const Worker& worker) const = 0;
    // Takes, and puts, what both this and `state` have.
    virtual void load_state(const Worker& worker, const TrainingState<const T>& state) = 0;
    virtual void store_state(const Worker& worker, const TrainingState<T>& state) const = 0;
};

// For batches of up to `rows` rows with targets such as `targets` are, on up to `workers`.
template <class T>
std::unique_ptr<Step<T>> make_step(const Network<T>& net, const KernelTable<T>& kernels,
                                   const Plan& plan, const StepNeeds& needs, index_t rows,
                                   const Targets<T>& targets, index_t workers);

}  // namespace briskmlp
