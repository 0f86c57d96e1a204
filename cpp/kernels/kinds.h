// What the kernels and all above them name alike: the kinds of activation that kernels exist for,
// in the order of every table indexed by them, and floating-point exceptions.
#pragma once

#include "base/types.h"

namespace briskmlp {

// The floating-point exceptions that the thread's vector unit has seen: 1 invalid, 4 division by
// zero, 8 overflow, 16 underflow. Null where only <cfenv> can tell, which takes ten times as long.
using ExceptionFlags = unsigned (*)();

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
