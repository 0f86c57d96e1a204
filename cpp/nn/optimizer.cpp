#include "nn/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nn/names.h"

namespace briskmlp {

OptimizerKind optimizer_from_name(const std::string& name) {
    return static_cast<OptimizerKind>(find_name("optimizer", name, {"sgd", "adam", "adamw"}));
}

int optimizer_state_arrays(const OptimizerSpec& spec) {
    if (spec.kind == OptimizerKind::kSgd) {
        return spec.momentum == 0 ? 0 : 1;
    }
    return 2;
}

template <class T>
OptimizerStep<T>::OptimizerStep(const KernelTable<T>& kernels, const OptimizerSpec& spec,
                                std::int64_t t)
    : kernels_(&kernels), number_(t), adam_(spec.kind != OptimizerKind::kSgd) {
    const auto narrow = [](double x) { return static_cast<T>(x); };
    if (!adam_) {
        sgd_ = {narrow(spec.learning_rate), narrow(spec.momentum), narrow(spec.weight_decay),
                spec.nesterov};
        return;
    }
    const auto steps = static_cast<double>(t);
    const bool decoupled = spec.kind == OptimizerKind::kAdamW;
    adam_step_.rest1 = narrow(1 - spec.beta1);
    adam_step_.beta2 = narrow(spec.beta2);
    adam_step_.rest2 = narrow(1 - spec.beta2);
    adam_step_.step_size = narrow(spec.learning_rate / (1 - std::pow(spec.beta1, steps)));
    adam_step_.inv_sqrt_bias2 = narrow(1 / std::sqrt(1 - std::pow(spec.beta2, steps)));
    // An epsilon that vanished in T would leave 0 / 0 where a gradient is zero.
    adam_step_.epsilon = std::max(narrow(spec.epsilon), std::numeric_limits<T>::min());
    adam_step_.l2 = narrow(decoupled ? 0 : spec.weight_decay);
    adam_step_.decay = narrow(decoupled ? 1 - spec.learning_rate * spec.weight_decay : 1);
}

template <class T>
void OptimizerStep<T>::apply(index_t rows, index_t cols, const T* g, index_t ldg, T* w, T* state1,
                             T* state2, index_t ldw) const {
    if (adam_) {
        kernels_->adam(rows, cols, g, ldg, w, state1, state2, ldw, adam_step_);
    } else {
        kernels_->sgd(rows, cols, g, ldg, w, state1, ldw, sgd_);
    }
}

template class OptimizerStep<float>;
template class OptimizerStep<double>;

}  // namespace briskmlp
