// The elementary functions as kernels over arrays.
#pragma once

#include "kernels/elementary.inl.h"
#include "kernels/lanes.inl.h"
#include "kernels/table.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

template <class T, Vec<T> (*kFunction)(Vec<T>)>
void elementwise(index_t n, const T* x, T* y) {
    for_vectors<T>(n, [&](index_t j, int lanes) BRISKMLP_INLINE_LAMBDA {
        store_lanes(kFunction(load_lanes(x + j, lanes)), y + j, lanes);
    });
}

template <class T>
constexpr ElementaryTable<T> kElementary = {
    elementwise<T, exp<T>>,     elementwise<T, expm1<T>>,    elementwise<T, log<T>>,
    elementwise<T, log1p<T>>,   elementwise<T, erf<T>>,      elementwise<T, tanh<T>>,
    elementwise<T, sigmoid<T>>, elementwise<T, softplus<T>>, elementwise<T, log_sigmoid<T>>,
};

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
