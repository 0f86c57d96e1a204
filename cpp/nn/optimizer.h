// The optimizers: their settings, and the scalars of one step. The update itself is a kernel.
#pragma once

#include <string>

#include "kernels/table.h"

namespace briskmlp {

enum class OptimizerKind { kSgd, kAdam, kAdamW };

// Settings as in the papers and in PyTorch (Kingma and Ba 2015; Loshchilov and Hutter 2019).
struct OptimizerSpec {
    OptimizerKind kind = OptimizerKind::kAdam;
    double learning_rate = 1e-3;
    double weight_decay = 0;  // kSgd, kAdam: added to the gradient (L2); kAdamW: decoupled
    double momentum = 0;      // kSgd
    bool nesterov = false;    // kSgd
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // kAdam, kAdamW
};

OptimizerKind optimizer_from_name(const std::string& name);  // "sgd", "adam", "adamw"

// Arrays of state beside each parameter: 0 (plain SGD), 1 (momentum) or 2 (Adam).
int optimizer_state_arrays(const OptimizerSpec& spec);

// One optimizer's step number t (1-based): the scalars, computed once, and the kernel applied to
// any tile of parameters.
template <class T>
class OptimizerStep {
  public:
    OptimizerStep(const KernelTable<T>& kernels, const OptimizerSpec& spec, std::int64_t t);
    std::int64_t number() const { return number_; }
    // Tile of (rows, cols), cols padded; state arrays share w's stride, unused ones are null.
    void apply(index_t rows, index_t cols, const T* g, index_t ldg, T* w, T* state1, T* state2,
               index_t ldw) const;

  private:
    const KernelTable<T>* kernels_;
    std::int64_t number_;
    bool adam_;
    SgdStep<T> sgd_{};
    AdamStep<T> adam_step_{};
};

}  // namespace briskmlp
