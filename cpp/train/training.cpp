#include "train/training.h"

namespace briskmlp {

template <class T>
Step<T>& Training<T>::step(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
                           const StepNeeds& needs, index_t rows, const Targets<T>& targets,
                           index_t workers) {
    const Shape shape{plan.kind,
                      needs,
                      rows,
                      workers,
                      targets.cols,
                      targets.labels != nullptr,
                      targets.weights != nullptr};
    if (step_ == nullptr || !(shape == shape_)) {
        step_.reset();  // before the next is made: there may not be room for both
        step_ = make_step(net, kernels, plan, needs, rows, targets, workers);
        shape_ = shape;
    }
    return *step_;
}

template <class T>
Team& Training<T>::team(const Plan& plan, index_t steps, index_t limit) {
    const Team team(plan, steps, limit);
    if (!team_.suits(team)) {
        team_ = team;
    }
    return team_;
}

template <class T>
T* Training<T>::spare_parameters(const Network<T>& net) {
    if (spare_.size() == 0) {
        spare_ = AlignedBuffer<T>(net.num_parameters());
    }
    return spare_.data();
}

template class Training<float>;
template class Training<double>;

}  // namespace briskmlp
