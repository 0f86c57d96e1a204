// The kernels of one instruction set, gathered into the table that dispatch.cpp hands out.
#pragma once

#include "kernels/activation.inl.h"
#include "kernels/batch_norm.inl.h"
#include "kernels/class_loss.inl.h"
#include "kernels/dropout.inl.h"
#include "kernels/elementwise.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/layer_norm.inl.h"
#include "kernels/loss.inl.h"
#include "kernels/narrow.inl.h"
#include "kernels/noise.inl.h"
#include "kernels/optimizer.inl.h"
#include "kernels/pointwise.inl.h"
#include "kernels/quantile.inl.h"
#include "kernels/sparse.inl.h"
#include "kernels/table.h"
#include "kernels/transpose.inl.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// In the order of the enumeration Loss.
template <class T>
constexpr LossKernel<T> kLoss[kLossCount] = {
    mse<T>,          mae<T>,           huber<T>,          log_cosh<T>,
    quantile<T>,     cross_entropy<T>, focal<T>,          binary_cross_entropy<T>,
    gaussian_nll<T>, poisson<T>,       gamma_deviance<T>, tweedie<T>,
};

template <class T>
constexpr KernelTable<T> make_table() {
    KernelTable<T> table{};
    table.isa = kIsaName;
    table.lanes = Vec<T>::kLanes;
    table.tile_rows = kTileRows;
    table.tile_vecs = kTileVecs;
    table.gemm = gemm<T>;
    table.narrow = kNarrow<T>;
    table.narrow_forward = narrow_forward<T>;
    table.narrow_columns = narrow_columns<T>;
    table.narrow_gradient = narrow_gradient<T>;
    table.sparse_forward = sparse_forward<T>;
    table.add = add_rows<T>;
    table.drop = drop<T>;
    table.add_noise = add_noise<T>;
    table.layer_norm = layer_norm<T>;
    table.layer_norm_backward = layer_norm_backward<T>;
    table.column_moments = column_moments<T>;
    table.batch_norm = batch_norm<T>;
    table.column_products = column_products<T>;
    table.batch_norm_backward = batch_norm_backward<T>;
    for (int i = 0; i < kActivationCount; ++i) {
        table.activation_forward[i] = kActivationForward<T>[i];
        table.activation_backward[i] = kActivationBackward<T>[i];
    }
    table.functions = kFunctions<T>;
    for (int i = 0; i < kLossCount; ++i) {
        table.loss[i] = kLoss<T>[i];
    }
    table.softmax = softmax<T>;
    table.exp = exp_rows<T>;
    table.quantiles = quantile_rows<T>;
    table.log_softmax = log_softmax<T>;
    table.log_sum_exp = log_sum_exp<T>;
    for (int i = 0; i < kUpdateRuleCount; ++i) {
        table.update[i] = kUpdate<T>[i];
    }
    table.adjust_gradient = adjust_gradient<T>;
    table.sum_of_squares = sum_of_squares<T>;
    table.average = average<T>;
    table.transpose = transpose<T>;
    return table;
}

}  // namespace

extern const KernelTable<float> kFloatTable = make_table<float>();
extern const KernelTable<double> kDoubleTable = make_table<double>();

}  // namespace briskmlp::BRISKMLP_ISA
