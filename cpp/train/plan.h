// How training is cut into work. A plan follows from the sizes alone, never from the number of
// threads, so that the order of every sum, and with it every bit, is the same for any number.
//
// Threads are cheap to keep busy but dear to keep in touch: a cache line that one core rewrites and
// another reads costs 5 to 9 ns (25 to 40 when the two do not share a cache). So the plan is the
// one that exchanges the fewest lines, plan.cpp has the count.
#pragma once

#include <vector>

#include "train/block.h"

namespace briskmlp {

// kTwoPhase: row tiles through all layers and back, leaving their activations; then weight tiles,
//     each with its gradient summed over all rows. For networks larger than the caches.
// kChunked: a chunk of row tiles adds up its own gradient while its activations are in cache, and
//     they are never stored; the chunks' gradients are added in order. For many rows.
// kSharded: the hidden units are dealt out to shards, each with the weights into and out of its
//     units, which no one else ever reads; the shards exchange sums. For small and middle networks.
enum class PlanKind { kTwoPhase, kChunked, kSharded };

const char* plan_name(PlanKind kind);  // "two-phase", "chunked", "sharded"

// Rows cut into `tiles` row tiles, and these into `chunks` runs of consecutive tiles. A chunk is
// worked through by one thread.
struct RowCut {
    index_t rows, tiles, chunks;

    index_t tile_begin(index_t tile) const { return rows * tile / tiles; }
    index_t chunk_begin(index_t chunk) const { return tiles * chunk / chunks; }  // its first tile
};

struct Plan {
    PlanKind kind;
    index_t tile_rows;                       // of a row tile, at most; all rows when sharded
    std::vector<std::vector<Block>> shards;  // of each shard one block a layer; empty otherwise
    double nanoseconds;                      // an estimate of one minibatch on one thread
    index_t max_threads;                     // that find work

    // Of the rows of a minibatch. A chunk is one tile unless the plan is chunked.
    RowCut cut(index_t rows) const;
};

// For minibatches of up to `batch` rows.
template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch);

// The same, but of this kind whatever it costs. Sharding needs a hidden layer.
template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch, PlanKind kind);

}  // namespace briskmlp
