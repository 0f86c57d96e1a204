// Normal noise on the inputs in training: other numbers for each row of each minibatch.
#pragma once

#include <vector>

#include "base/random.h"
#include "kernels/table.h"

namespace briskmlp {

template <class T>
struct InputNoise {
    const KernelTable<T>* kernels;
    std::vector<T> deviations;  // the standard deviation of each input's; empty for none
    std::uint64_t seed;

    // To rows of minibatch number `batch` of the network's life, from `first_row` on.
    void add(std::uint64_t batch, index_t first_row, MatrixView<T> x) const {
        const CounterRng rng(seed, RandomStream::kNoise, batch);
        kernels->add_noise({rng.key(), first_row, deviations.data()}, x.rows, x.cols, x.data,
                           x.stride);
    }
};

}  // namespace briskmlp
