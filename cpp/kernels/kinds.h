// The kinds of activations and losses that kernels exist for, in the order of every table indexed
// by them.
#pragma once

#include "base/types.h"

namespace briskmlp {

enum class Activation {
    kIdentity,
    kRelu,
    kLeakyRelu,
    kElu,
    kSelu,
    kGelu,
    kGeluTanh,
    kSilu,
    kMish,
    kSoftplus,
    kSigmoid,
    kTanh
};
inline constexpr int kActivationCount = 12;

// The rules that optimizers update parameters by, in the order of the table of their kernels.
enum class UpdateRule {
    kSgd,
    kMomentum,
    kNesterov,
    kAdam,
    kNadam,
    kRmsprop,
    kRmspropMomentum,
    kAdagrad,
    kLion
};
inline constexpr int kUpdateRuleCount = 9;

// Constants of the definitions, with the values of the papers and of PyTorch.
inline constexpr double kLeakySlope = 0.01;
inline constexpr double kEluAlpha = 1.0;
inline constexpr double kSeluScale = 1.0507009873554804934193349852946;
inline constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
inline constexpr double kNormEpsilon = 1e-5;

// Whether f'(z) is computed from y = f(z), which the forward pass stores anyway. For the others the
// forward pass stores f'(z) beside y, where it shares the exponential with it.
constexpr bool derivative_from_output(Activation kind) {
    return kind != Activation::kGelu && kind != Activation::kGeluTanh &&
           kind != Activation::kSilu && kind != Activation::kMish;
}

enum class Loss {
    kMse,
    kMae,
    kHuber,
    kLogCosh,
    kQuantile,
    kCrossEntropy,
    kFocal,
    kBinaryCrossEntropy,
    kGaussianNll,
    kPoisson,
    kGamma,
    kTweedie
};
inline constexpr int kLossCount = 12;

// At most so many quantiles of one target; the middle one, the lower of two, is a raw output.
inline constexpr index_t kMaxQuantiles = 100;
constexpr index_t middle_quantile(index_t levels) { return (levels - 1) / 2; }

}  // namespace briskmlp
