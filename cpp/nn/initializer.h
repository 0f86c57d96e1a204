// The table of weight initialisers. Biases start at zero.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"

namespace briskmlp {

// He et al. 2015, Glorot and Bengio 2010, LeCun et al. 1998. kAuto: the one that suits the layer's
// activation (activation.h).
enum class Initializer {
    kAuto,
    kHeUniform,
    kHeNormal,
    kGlorotUniform,
    kGlorotNormal,
    kLecunUniform,
    kLecunNormal,
    kZeros
};

std::vector<std::string> initializer_names();
Initializer initializer_from_name(const std::string& name);  // throws std::invalid_argument

// Fills w, (K, N) row-major, with the numbers of `layer` under `seed`: a function of these alone.
template <class T>
void initialize_weights(Initializer kind, std::uint64_t seed, index_t layer, index_t in,
                        index_t out, T* w);

}  // namespace briskmlp
