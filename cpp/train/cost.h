// What a training step costs, from the sizes alone: the one place for the model by which plans are
// chosen and the threads of a fit are woken, and for the measurements behind it (on two cores of a
// Zen 4).
#pragma once

#include "nn/network.h"

namespace briskmlp {

// kTwoPhase: row tiles through all layers and back, leaving their activations; then weight tiles,
//     each with its gradient summed over all rows. For networks larger than the caches.
// kChunked: a chunk of row tiles adds up its own gradient while its activations are in cache, and
//     they are never stored; the chunks' gradients are added in order. For many rows.
// kSharded: the hidden units are dealt out to shards, each with the weights into and out of its
//     units, which no one else ever reads; the shards exchange sums. For small and middle networks.
enum class PlanKind { kTwoPhase, kChunked, kSharded };

// Chunks of a chunked plan, at most: enough for many cores, few enough that their gradients stay in
// cache.
inline constexpr index_t kChunks = 16;

// Shards of a sharded plan. More would occupy more cores, but each adds to what is exchanged, and
// makes the matmuls narrower.
inline constexpr index_t kShards = 2;

struct StepCost {
    double flops;         // of the matmuls: forward, input gradients, weight gradients
    double padded_flops;  // the same with outputs rounded up to whole vectors, as they are computed
    // Elements that one thread writes and another reads, or might. This is what tells plans apart:
    // a cache line that one core rewrites and another reads costs 5 to 9 ns (an early prototype
    // measured it), as much as 300 to 500 multiply-adds.
    double exchanged;
    index_t barriers;    // 55 ns each, or 250
    double nanoseconds;  // about, on one thread; rather too many
};

// How long a step should take on so many threads, each of which can do `peak` GFLOP/s, with Adam.
template <class T>
double expected_nanoseconds(const Network<T>& net, const StepCost& cost, double peak,
                            index_t threads);

template <class T>
StepCost step_cost(const Network<T>& net, const KernelTable<T>& kernels, index_t batch,
                   PlanKind kind);

// Whether a network can be sharded, and gains by it.
template <class T>
bool suits_shards(const Network<T>& net, const KernelTable<T>& kernels, index_t batch);

// How many threads a step is worth waking, when an epoch has so many and the plan occupies `most`.
index_t threads_worth_waking(PlanKind kind, double nanoseconds_a_step, index_t steps, index_t most);

}  // namespace briskmlp
