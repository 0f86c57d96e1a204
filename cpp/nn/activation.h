// The table of activations: names and the initialiser that suits each. Their arithmetic is in
// kernels/activation.inl.h.
#pragma once

#include <string>
#include <vector>

#include "kernels/kinds.h"
#include "nn/initializer.h"

namespace briskmlp {

struct ActivationInfo {
    Activation kind;
    const char* name;
    Initializer initializer;  // of a layer that this activation follows
};

const ActivationInfo& activation_info(Activation kind);
std::vector<std::string> activation_names();
Activation activation_from_name(const std::string& name);  // throws std::invalid_argument

}  // namespace briskmlp
