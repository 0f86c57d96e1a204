#include "nn/optimizer.h"

#include <algorithm>
#include <cmath>

#include "nn/names.h"

namespace briskmlp {
namespace {

bool is_decoupled(const OptimizerSpec& spec) {
    switch (spec.kind) {
        case OptimizerKind::kSgd: return spec.decoupled;
        case OptimizerKind::kAdamW:
        case OptimizerKind::kLion:
        case OptimizerKind::kMuon: return true;
        default: return false;
    }
}

UpdateRule rule_of(const OptimizerSpec& spec) {
    switch (spec.kind) {
        case OptimizerKind::kSgd:
            return spec.momentum == 0 ? UpdateRule::kSgd
                   : spec.nesterov    ? UpdateRule::kNesterov
                                      : UpdateRule::kMomentum;
        case OptimizerKind::kAdam:
        case OptimizerKind::kAdamW:
        case OptimizerKind::kMuon:
        case OptimizerKind::kRadam: return UpdateRule::kAdam;
        case OptimizerKind::kNadam: return UpdateRule::kNadam;
        case OptimizerKind::kRmsprop:
            return spec.momentum == 0 ? UpdateRule::kRmsprop : UpdateRule::kRmspropMomentum;
        case OptimizerKind::kAdagrad: return UpdateRule::kAdagrad;
        case OptimizerKind::kLion: break;
    }
    return UpdateRule::kLion;
}

// kNadam's momentum of step t, which rises to beta1 (Dozat 2016).
double nadam_momentum(const OptimizerSpec& spec, std::int64_t t) {
    return spec.beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * spec.momentum_decay));
}

}  // namespace

OptimizerKind optimizer_from_name(const std::string& name) {
    return static_cast<OptimizerKind>(find_name(
        "optimizer", name,
        {"sgd", "adam", "adamw", "nadam", "radam", "rmsprop", "adagrad", "lion", "muon"}));
}

OptimizerNeeds optimizer_needs(const OptimizerSpec& spec) {
    // In the order of the enumeration UpdateRule.
    constexpr int kStates[kUpdateRuleCount] = {0, 1, 1, 2, 2, 1, 2, 1, 1};
    return {kStates[static_cast<int>(rule_of(spec))], spec.average != 0,
            spec.clip_norm != OptimizerSpec::kNoLimit || spec.kind == OptimizerKind::kMuon,
            spec.kind == OptimizerKind::kMuon};
}

template <class T>
OptimizerStep<T>::OptimizerStep(const KernelTable<T>& kernels, const OptimizerSpec& spec,
                                std::int64_t number, double rate_factor, double batch_scale,
                                double momentum_product)
    : kernels_(&kernels),
      spec_(&spec),
      number_(number),
      update_(kernels.update[static_cast<int>(rule_of(spec))]),
      rate_(spec.learning_rate * rate_factor),
      row_decay_(spec.row_decay * batch_scale),
      epsilon_(spec.epsilon) {
    const auto t = static_cast<double>(number);
    switch (spec.kind) {
        case OptimizerKind::kAdam:
        case OptimizerKind::kAdamW:
        case OptimizerKind::kMuon:
            size_ = 1 / (1 - std::pow(spec.beta1, t));
            if (spec.plain_epsilon) {
                size_ *= std::sqrt(1 - std::pow(spec.beta2, t));
            } else {
                inv_sqrt_bias2_ = 1 / std::sqrt(1 - std::pow(spec.beta2, t));
            }
            break;
        case OptimizerKind::kNadam: set_nadam(momentum_product); break;
        case OptimizerKind::kRadam: set_radam(); break;
        default: break;
    }
    if (spec.average != 0) {
        // Until it has enough steps to average, the mean keeps less (as in TensorFlow's).
        average_rest_ = static_cast<T>(1 - std::min(spec.average, (1 + t) / (10 + t)));
    }
    common_ = scalars(1, true);
}

// momentum_product: of the momenta up to this step's.
template <class T>
void OptimizerStep<T>::set_nadam(double momentum_product) {
    const double now = nadam_momentum(*spec_, number_);
    const double next = nadam_momentum(*spec_, number_ + 1);
    size_ = next / (1 - momentum_product * next);
    gradient_size_ = (1 - now) / (1 - momentum_product);
    inv_sqrt_bias2_ = 1 / std::sqrt(1 - std::pow(spec_->beta2, static_cast<double>(number_)));
}

// Adam's rule with the step's length made up for the variance of v, or without v while that is
// without bounds (Liu et al. 2020); PyTorch adds epsilon before v's bias is taken away.
template <class T>
void OptimizerStep<T>::set_radam() {
    const auto t = static_cast<double>(number_);
    const double decay2 = std::pow(spec_->beta2, t), bias2 = 1 - decay2;
    const double most = 2 / (1 - spec_->beta2) - 1;
    const double length = most - 2 * t * decay2 / bias2;
    size_ = 1 / (1 - std::pow(spec_->beta1, t));
    if (length > 5) {
        size_ *= std::sqrt(bias2 * (length - 4) * (length - 2) * most /
                           ((most - 4) * (most - 2) * length));
    } else {
        inv_sqrt_bias2_ = 0;
        epsilon_ = 1;
    }
}

template <class T>
UpdateScalars<T> OptimizerStep<T>::scalars(double rate_factor, bool decays) const {
    const auto narrow = [](double x) { return static_cast<T>(x); };
    const OptimizerSpec& spec = *spec_;
    const double rate = rate_ * rate_factor;
    const double decay = decays ? spec.weight_decay : 0, row_decay = decays ? row_decay_ : 0;
    const bool is_sgd = spec.kind == OptimizerKind::kSgd;
    const bool has_momentum = is_sgd || spec.kind == OptimizerKind::kRmsprop;
    const bool in_velocity = is_sgd && spec.momentum != 0 && spec.rate_in_velocity;
    UpdateScalars<T> result;
    result.rate = narrow(in_velocity ? 1 : rate * size_);
    result.l2 = narrow(is_decoupled(spec) ? row_decay : decay + row_decay);
    result.decay = narrow(is_decoupled(spec) ? 1 - rate * decay : 1);
    result.beta1 = narrow(has_momentum ? spec.momentum : spec.beta1);
    result.rest1 = narrow(1 - spec.beta1);
    result.beta2 = narrow(spec.beta2);
    result.rest2 = narrow(1 - spec.beta2);
    result.inv_sqrt_bias2 = narrow(inv_sqrt_bias2_);
    // An epsilon that vanished in T would leave 0 / 0 where a gradient is zero.
    result.epsilon = std::max(narrow(epsilon_), std::numeric_limits<T>::min());
    result.gradient_rate = narrow(!is_sgd ? rate * gradient_size_ : in_velocity ? rate : 1);
    return result;
}

// As PyTorch does it: a norm at the limit is shortened by a millionth, divided by the limit.
template <class T>
void OptimizerStep<T>::shorten(double norm, index_t rows, index_t cols, T* g, index_t ldg) const {
    const double factor = spec_->clip_norm / (norm + 1e-6);
    if (factor < 1) {
        kernels_->adjust_gradient(rows, cols, g, ldg, g, ldg, static_cast<T>(factor), T(0),
                                  std::numeric_limits<T>::infinity());
    }
}

template <class T>
void OptimizerStep<T>::adjust(const Tile& tile, T* g, index_t ldg) const {
    const double l1 = tile.biases && !spec_->decay_biases ? 0 : spec_->l1;
    if (l1 != 0 || spec_->clip_value != OptimizerSpec::kNoLimit) {
        kernels_->adjust_gradient(tile.rows, tile.cols, g, ldg, tile.w, tile.ldw, T(1),
                                  static_cast<T>(l1), static_cast<T>(spec_->clip_value));
    }
}

// w -= rate (length g + decay w)
template <class T>
void OptimizerStep<T>::apply_muon(const Tile& tile, const T* g, index_t ldg) const {
    const double factor = spec_->layer_rates.empty() ? 1 : spec_->layer_rates[tile.layer];
    UpdateScalars<T> s = common_;
    s.rate = static_cast<T>(rate_ * factor * tile.muon_length);
    s.l2 = static_cast<T>(spec_->weight_decay / tile.muon_length);
    s.decay = T(1);
    kernels_->update[static_cast<int>(UpdateRule::kSgd)](tile.rows, tile.cols, g, ldg, tile.w,
                                                         nullptr, nullptr, tile.ldw, s);
}

template <class T>
void OptimizerStep<T>::apply(const Tile& tile, const T* g, index_t ldg) const {
    const bool decays = !tile.biases || spec_->decay_biases;
    const auto step = [&](const UpdateScalars<T>& s) {
        update_(tile.rows, tile.cols, g, ldg, tile.w, tile.state1, tile.state2, tile.ldw, s);
    };
    if (is_muon() && tile.muon_length != 0) {
        apply_muon(tile, g, ldg);
    } else if (decays && spec_->layer_rates.empty()) {
        step(common_);
    } else {
        step(scalars(spec_->layer_rates.empty() ? 1 : spec_->layer_rates[tile.layer], decays));
    }
    if (tile.average != nullptr) {
        kernels_->average(tile.rows, tile.cols, tile.w, tile.average, tile.ldw, average_rest_);
    }
}

template <class T>
Optimizer<T>::Optimizer(const KernelTable<T>& kernels, const OptimizerSpec& spec,
                        std::int64_t steps)
    : kernels_(&kernels), spec_(&spec) {
    // The product of NAdam's momenta is 0 after some thousand of them.
    while (spec.kind == OptimizerKind::kNadam && steps_ < steps && momentum_product_ != 0) {
        count();
    }
    steps_ = steps;
}

template <class T>
void Optimizer<T>::count() {
    ++steps_;
    if (spec_->kind == OptimizerKind::kNadam) {
        momentum_product_ *= nadam_momentum(*spec_, steps_);
    }
}

template <class T>
OptimizerStep<T> Optimizer<T>::next(double rate_factor, double batch_scale) {
    count();
    return OptimizerStep<T>(*kernels_, *spec_, steps_, rate_factor, batch_scale, momentum_product_);
}

template class OptimizerStep<float>;
template class OptimizerStep<double>;
template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace briskmlp
