#include "nn/activation.h"

#include "nn/names.h"

namespace briskmlp {
namespace {

// In the order of the enumeration.
constexpr ActivationInfo kActivations[kActivationCount] = {
    {Activation::kIdentity, "identity", Initializer::kGlorotUniform},
    {Activation::kRelu, "relu", Initializer::kHeUniform},
    {Activation::kLeakyRelu, "leaky_relu", Initializer::kHeUniform},
    {Activation::kElu, "elu", Initializer::kHeUniform},
    {Activation::kSelu, "selu", Initializer::kLecunUniform},
    {Activation::kGelu, "gelu", Initializer::kHeUniform},
    {Activation::kGeluTanh, "gelu_tanh", Initializer::kHeUniform},
    {Activation::kSilu, "silu", Initializer::kHeUniform},
    {Activation::kMish, "mish", Initializer::kHeUniform},
    {Activation::kSoftplus, "softplus", Initializer::kGlorotUniform},
    {Activation::kSigmoid, "sigmoid", Initializer::kGlorotUniform},
    {Activation::kTanh, "tanh", Initializer::kGlorotUniform},
};

}  // namespace

const ActivationInfo& activation_info(Activation kind) {
    return kActivations[static_cast<int>(kind)];
}

std::vector<std::string> activation_names() {
    std::vector<std::string> names;
    for (const ActivationInfo& info : kActivations) {
        names.emplace_back(info.name);
    }
    return names;
}

Activation activation_from_name(const std::string& name) {
    return kActivations[find_name("activation", name, activation_names())].kind;
}

}  // namespace briskmlp
