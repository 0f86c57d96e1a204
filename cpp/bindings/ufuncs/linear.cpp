// The linear layer, f(x W + b): two generalised ufuncs for each activation f.
#include <array>
#include <string>
#include <utility>

#include "nn/activation.h"
#include "bindings/ufuncs/matmul_loop.h"
#include "bindings/ufuncs/ufunc.h"
#include "bindings/ufuncs/ufuncs.h"

namespace briskmlp {
namespace {

// Without a bias or with one.
py::object make_linear(Activation activation, bool biased) {
    static std::array<std::array<MatmulLoop, 2>, kActivationCount> loops;
    MatmulLoop& loop = loops[static_cast<std::size_t>(activation)][biased ? 1 : 0];
    loop = {biased ? MatmulKind::kLinearBias : MatmulKind::kLinear, activation};
    UfuncSpec spec{};
    spec.name = "linear";
    spec.signature = biased ? "(m?,k),(k,n),(n)->(m?,n)" : "(m?,k),(k,n)->(m?,n)";
    spec.inputs = biased ? 3 : 2;
    spec.separate_result = true;
    spec.loops = {{biased ? "ffff" : "fff", matmul_loop<float>, &loop},
                  {biased ? "dddd" : "ddd", matmul_loop<double>, &loop}};
    return make_ufunc(std::move(spec));
}

}  // namespace

void add_linear_ufuncs(py::dict& ufuncs) {
    for (const std::string& name : activation_names()) {
        const Activation activation = activation_from_name(name);
        ufuncs[name.c_str()] =
            py::make_tuple(make_linear(activation, false), make_linear(activation, true));
    }
}

}  // namespace briskmlp
