#include "train/step.h"

#include "train/sharded_step.h"
#include "train/tiled_step.h"

namespace briskmlp {

template <class T>
std::unique_ptr<Step<T>> make_step(const Network<T>& net, const KernelTable<T>& kernels,
                                   const Plan& plan, const StepNeeds& needs, index_t rows,
                                   const Targets<T>& targets, index_t workers) {
    if (plan.kind == PlanKind::kSharded) {
        return std::make_unique<ShardedStep<T>>(net, kernels, plan, needs, rows, targets, workers);
    }
    return std::make_unique<TiledStep<T>>(net, kernels, plan, needs, rows, targets, workers);
}

template std::unique_ptr<Step<float>> make_step(const Network<float>&, const KernelTable<float>&,
                                                const Plan&, const StepNeeds&, index_t,
                                                const Targets<float>&, index_t);
template std::unique_ptr<Step<double>> make_step(const Network<double>&, const KernelTable<double>&,
                                                 const Plan&, const StepNeeds&, index_t,
                                                 const Targets<double>&, index_t);

}  // namespace briskmlp
