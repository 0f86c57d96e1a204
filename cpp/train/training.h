// What training a network works on, kept from one fit to the next. A large network's is several
// times the size of its parameters; memory new from the system is slow at first, above all on a
// virtual machine: to take it anew for each fit cost a network of 8 million parameters 0.2 seconds.
#pragma once

#include <memory>

#include "base/aligned_buffer.h"
#include "train/step.h"
#include "train/team.h"

namespace briskmlp {

template <class T>
class Training {
  public:
    // The step of a fit: that of the fit before if it suits, else a new one. What it holds is to be
    // restarted and loaded. Throws std::bad_alloc, after which there is none.
    Step<T>& step(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
                  const StepNeeds& needs, index_t rows, const Targets<T>& targets, index_t workers);

    // The threads of a fit, as for Team: with what they learnt in the fit before if its work was
    // the same.
    Team& team(const Plan& plan, index_t steps, index_t limit);

    // Where the latest fit stands, between its steps or after it: null before the first, and after
    // a divergence; and what its optimizer keeps.
    const Step<T>* latest_step() const { return step_.get(); }
    const OptimizerNeeds& optimizer_needs() const { return shape_.needs.optimizer; }

    // Drops the step: after a divergence even the padding of its matrices may not be finite.
    void forget_step() { step_.reset(); }

    // Room for a copy of the network's parameters.
    T* spare_parameters(const Network<T>& net);

  private:
    // All that the memory of a step depends on, beside the network.
    struct Shape {
        PlanKind kind;
        StepNeeds needs;
        index_t rows, workers, target_cols;
        bool labels, weights;

        bool operator==(const Shape& other) const {
            return kind == other.kind && needs == other.needs && rows == other.rows &&
                   workers == other.workers && target_cols == other.target_cols &&
                   labels == other.labels && weights == other.weights;
        }
    };

    Shape shape_{};
    Team team_;
    std::unique_ptr<Step<T>> step_;
    AlignedBuffer<T> spare_;
};

}  // namespace briskmlp
