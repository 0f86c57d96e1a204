// Whether numbers are finite.
#pragma once

#include "base/types.h"

namespace briskmlp {

// Whether none of n numbers at p, p + stride bytes, ... is NaN or infinite. x - x is 0 for a finite
// x and NaN otherwise, so that sums without branches tell; several of them at once, as one would
// wait for its own additions.
template <class T>
bool all_finite(index_t n, const char* p, index_t stride) {
    constexpr index_t kSums = 16;
    T sums[kSums] = {};
    index_t i = 0;
    const auto add = [&](index_t s) {
        const T x = *reinterpret_cast<const T*>(p + (i + s) * stride);
        sums[s] += x - x;
    };
    for (; i + kSums <= n; i += kSums) {
        for (index_t s = 0; s < kSums; ++s) {
            add(s);
        }
    }
    for (; i < n; ++i) {
        add(0);
    }
    T sum = 0;
    for (const T s : sums) {
        sum += s;
    }
    return sum == 0;
}

}  // namespace briskmlp
