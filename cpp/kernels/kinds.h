// The kinds of activation that kernels exist for, in the order of every table indexed by them.
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

// Constants of the definitions, with the values of the papers and of PyTorch.
inline constexpr double kLeakySlope = 0.01;
inline constexpr double kEluAlpha = 1.0;
inline constexpr double kSeluScale = 1.0507009873554804934193349852946;
inline constexpr double kSeluAlpha = 1.6732632423543772848170429916717;

// Whether f'(z) is computed from y = f(z), which the forward pass stores anyway. For the others the
// forward pass stores f'(z) beside y, where it shares the exponential with it.
constexpr bool derivative_from_output(Activation kind) {
    return kind != Activation::kGelu && kind != Activation::kGeluTanh &&
           kind != Activation::kSilu && kind != Activation::kMish;
}

}  // namespace briskmlp
