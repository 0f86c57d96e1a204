// Errors that callers see, and size arithmetic that cannot wrap around.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "base/types.h"

namespace briskmlp {

// Throws std::invalid_argument (ValueError in Python). The message says what, expected and got.
inline void require(bool condition, const std::string& message) {
    if (!condition) {
        throw std::invalid_argument(message);
    }
}

// Sizes beyond 64 bits are beyond any memory: they throw std::bad_alloc (MemoryError in Python).
inline index_t checked_mul(index_t a, index_t b) {
    if (a < 0 || b < 0 || (a != 0 && b > PTRDIFF_MAX / a)) {
        throw std::bad_alloc();
    }
    return a * b;
}

inline index_t checked_add(index_t a, index_t b) {
    if (a < 0 || b < 0 || b > PTRDIFF_MAX - a) {
        throw std::bad_alloc();
    }
    return a + b;
}

constexpr index_t ceil_div(index_t a, index_t b) { return (a + b - 1) / b; }
constexpr index_t round_up(index_t a, index_t b) { return ceil_div(a, b) * b; }

}  // namespace briskmlp
