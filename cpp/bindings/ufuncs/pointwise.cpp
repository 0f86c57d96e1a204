// The elementwise functions as ufuncs: one row each.
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "bindings/ufuncs/pointwise_loop.h"
#include "bindings/ufuncs/ufunc.h"
#include "bindings/ufuncs/ufuncs.h"

namespace briskmlp {
namespace {

template <class T>
using Member = Pointwise<T> FunctionTable<T>::*;

struct Row {
    const char* name;
    int inputs;
    Member<float> single;
    Member<double> twice;
    ExceptionRule rule;
    Parameter parameter;
};

#define BRISKMLP_KERNELS(member) &FunctionTable<float>::member, &FunctionTable<double>::member

constexpr ExceptionRule kSilent{true, false, false, 0}, kPlain{false, false, false, 0},
    kUnderflows{false, true, false, 0}, kPoleAt0{false, false, true, 0},
    kPoleAtMinus1{false, false, true, -1};
constexpr Parameter kNone{nullptr, 0}, kSlope{"slope", kLeakySlope}, kAlpha{"alpha", kEluAlpha};

constexpr Row kRows[] = {
    {"exp", 1, BRISKMLP_KERNELS(exp), kUnderflows, kNone},
    {"expm1", 1, BRISKMLP_KERNELS(expm1), kPlain, kNone},
    {"log", 1, BRISKMLP_KERNELS(log), kPoleAt0, kNone},
    {"log1p", 1, BRISKMLP_KERNELS(log1p), kPoleAtMinus1, kNone},
    {"erf", 1, BRISKMLP_KERNELS(erf), kPlain, kNone},
    {"tanh", 1, BRISKMLP_KERNELS(tanh), kPlain, kNone},
    {"sigmoid", 1, BRISKMLP_KERNELS(sigmoid), kUnderflows, kNone},
    {"logsigmoid", 1, BRISKMLP_KERNELS(log_sigmoid), kUnderflows, kNone},
    {"softplus", 1, BRISKMLP_KERNELS(softplus), kUnderflows, kNone},
    {"relu", 1, BRISKMLP_KERNELS(relu), kSilent, kNone},
    {"leaky_relu", 2, BRISKMLP_KERNELS(leaky_relu), kUnderflows, kSlope},
    {"elu", 2, BRISKMLP_KERNELS(elu), kUnderflows, kAlpha},
    {"selu", 1, BRISKMLP_KERNELS(selu), kPlain, kNone},
    {"gelu", 1, BRISKMLP_KERNELS(gelu), kUnderflows, kNone},
    {"gelu_tanh", 1, BRISKMLP_KERNELS(gelu_tanh), kUnderflows, kNone},
    {"silu", 1, BRISKMLP_KERNELS(silu), kUnderflows, kNone},
    {"mish", 1, BRISKMLP_KERNELS(mish), kUnderflows, kNone},
    {"exp_backward", 2, BRISKMLP_KERNELS(d_exp), kPlain, kNone},
    {"expm1_backward", 2, BRISKMLP_KERNELS(d_expm1), kPlain, kNone},
    {"log_backward", 2, BRISKMLP_KERNELS(d_log), kPoleAt0, kNone},
    {"log1p_backward", 2, BRISKMLP_KERNELS(d_log1p), kPoleAtMinus1, kNone},
    {"erf_backward", 2, BRISKMLP_KERNELS(d_erf), kPlain, kNone},
    {"tanh_backward", 2, BRISKMLP_KERNELS(d_tanh), kPlain, kNone},
    {"sigmoid_backward", 2, BRISKMLP_KERNELS(d_sigmoid), kPlain, kNone},
    {"logsigmoid_backward", 2, BRISKMLP_KERNELS(d_log_sigmoid), kPlain, kNone},
    {"softplus_backward", 2, BRISKMLP_KERNELS(d_softplus), kPlain, kNone},
    {"relu_backward", 2, BRISKMLP_KERNELS(d_relu), kPlain, kNone},
    {"leaky_relu_backward", 3, BRISKMLP_KERNELS(d_leaky_relu), kPlain, kSlope},
    {"elu_backward", 3, BRISKMLP_KERNELS(d_elu), kPlain, kAlpha},
    {"selu_backward", 2, BRISKMLP_KERNELS(d_selu), kPlain, kNone},
    {"gelu_backward", 2, BRISKMLP_KERNELS(d_gelu), kPlain, kNone},
    {"gelu_tanh_backward", 2, BRISKMLP_KERNELS(d_gelu_tanh), kPlain, kNone},
    {"silu_backward", 2, BRISKMLP_KERNELS(d_silu), kPlain, kNone},
    {"mish_backward", 2, BRISKMLP_KERNELS(d_mish), kPlain, kNone},
};

#undef BRISKMLP_KERNELS

template <int kInputs>
std::vector<UfuncLoop> loops_of(const PointwiseLoop<float>* single,
                                const PointwiseLoop<double>* twice) {
    const auto types = [](char type) { return std::string(kInputs + 1, type); };
    return {
        {types('e'), pointwise_loop<Half, float, kInputs>, single},
        {types('f'), pointwise_loop<float, float, kInputs>, single},
        {types('d'), pointwise_loop<double, double, kInputs>, twice},
    };
}

std::vector<UfuncLoop> loops_of(const Row& row) {
    // Never freed: a ufunc may outlive all else.
    const auto* single = new PointwiseLoop<float>{kernels<float>().functions.*row.single, row.rule};
    const auto* twice = new PointwiseLoop<double>{kernels<double>().functions.*row.twice, row.rule};
    switch (row.inputs) {
        case 1: return loops_of<1>(single, twice);
        case 2: return loops_of<2>(single, twice);
        default: return loops_of<3>(single, twice);
    }
}

}  // namespace

void add_pointwise_ufuncs(const UfuncDocs& docs, py::dict& ufuncs) {
    for (const Row& row : kRows) {
        ufuncs[row.name] =
            make_ufunc({row.name, docs.at(row.name), "", row.inputs, loops_of(row), row.parameter});
    }
}

}  // namespace briskmlp
