// How a row of any length is cut into vectors: whole ones, then one partial one.
#pragma once

#include "kernels/inline.h"

namespace briskmlp::BRISKMLP_ISA {
namespace {

// Calls body(j, lanes) for each vector of n columns; lanes < kLanes only for the last.
template <class T, class Body>
BRISKMLP_INLINE void for_vectors(index_t n, Body body) {
    constexpr index_t kLanes = Vec<T>::kLanes;
    index_t j = 0;
    for (; j + kLanes <= n; j += kLanes) {
        body(j, static_cast<int>(kLanes));
    }
    if (j < n) {
        body(j, static_cast<int>(n - j));
    }
}

template <class T>
BRISKMLP_INLINE Vec<T> load_lanes(const T* p, int lanes) {
    return lanes == Vec<T>::kLanes ? Vec<T>::load(p) : Vec<T>::load_partial(p, lanes);
}

template <class T>
BRISKMLP_INLINE void store_lanes(Vec<T> x, T* p, int lanes) {
    if (lanes == Vec<T>::kLanes) {
        x.store(p);
    } else {
        x.store_partial(p, lanes);
    }
}

}  // namespace
}  // namespace briskmlp::BRISKMLP_ISA
