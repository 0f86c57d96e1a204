// Dropout in training: how large a share of each hidden layer's units is left out of a row, other
// units in each minibatch. Those that stay are scaled up to keep the layer's mean.
#pragma once

#include <vector>

#include "base/random.h"
#include "kernels/table.h"

namespace briskmlp {

struct Dropout {
    std::vector<double> shares;  // in [0, 1), one a hidden layer; empty for none
    std::uint64_t seed;

    bool on(std::size_t layer) const { return layer < shares.size() && shares[layer] > 0; }

    // In layer `layer` of so many units, in minibatch number `batch` of the network's life, from
    // row and unit on.
    template <class T>
    Dropped<T> of(std::size_t layer, index_t units, std::uint64_t batch, index_t first_row,
                  index_t first_unit) const {
        const CounterRng rng(seed, RandomStream::kDropout, batch * shares.size() + layer);
        return {rng.key(),
                static_cast<std::uint64_t>(shares[layer] * 0x1p32),
                static_cast<T>(1 / (1 - shares[layer])),
                units,
                first_row,
                first_unit};
    }
};

}  // namespace briskmlp
