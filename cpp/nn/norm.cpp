#include "nn/norm.h"

#include "nn/names.h"

namespace briskmlp {

std::vector<std::string> norm_names() { return {"layer"}; }

Norm norm_from_name(const std::string& name) {
    return static_cast<Norm>(1 + find_name("norm", name, norm_names()));
}

const char* norm_name(Norm norm) { return norm == Norm::kLayer ? "layer" : nullptr; }

}  // namespace briskmlp
