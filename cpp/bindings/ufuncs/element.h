// One element of a NumPy array that is stored as Stored and computed with as T.
#pragma once

#include <type_traits>

#include "base/half.h"

namespace briskmlp {

template <class Stored, class T>
T load_as(const char* p) {
    const Stored stored = *reinterpret_cast<const Stored*>(p);
    if constexpr (std::is_same_v<Stored, Half>) {
        return to_float(stored);
    } else {
        return stored;
    }
}

// Returns what has been stored.
template <class Stored, class T>
T store_as(T value, char* p) {
    if constexpr (std::is_same_v<Stored, Half>) {
        *reinterpret_cast<Half*>(p) = to_half(value);
        return to_float(*reinterpret_cast<Half*>(p));
    } else {
        *reinterpret_cast<T*>(p) = value;
        return value;
    }
}

}  // namespace briskmlp
