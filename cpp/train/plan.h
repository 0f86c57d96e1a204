// How training is cut into work. A plan follows from the sizes alone, never from the number of
// threads, so that the order of every sum, and with it every bit, is the same for any number.
//
// The plan is the one under which threads exchange the fewest elements (cost.h).
#pragma once

#include <vector>

#include "train/block.h"
#include "train/cost.h"

namespace briskmlp {

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
    index_t tile_rows;  // of a row tile, at most; all rows when sharded
    index_t stretch;    // consecutive tiles of one worker that go through the layers together, at
                        // most: changes no bits, and so may depend on who has which tiles
    std::vector<std::vector<Block>> shards;  // of each shard one block a layer; empty otherwise
    StepCost cost;                           // of one minibatch
    index_t max_threads;                     // that find work

    // Of the rows of a minibatch. A chunk is one tile unless the plan is chunked.
    RowCut cut(index_t rows) const;
};

// For minibatches of up to `batch` rows. Not of shards if their gradients are to be collected.
template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch,
               bool may_shard = true);

// The same, but of this kind whatever it costs. Sharding needs hidden layers, each of
// more units than a vector has lanes, with neither norms nor residual connections.
template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch, PlanKind kind);

}  // namespace briskmlp
