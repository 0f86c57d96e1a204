// How a minibatch is cut into work. A plan follows from the sizes alone, never from the number of
// threads, so that the order of every sum, and with it every bit, is the same for any number.
#pragma once

#include <vector>

#include "nn/network.h"

namespace briskmlp {

// A block of one layer's (in + 1, out) matrix whose gradient and update are one piece of work.
struct WeightTile {
    std::size_t layer;
    index_t row, rows, col, cols;
};

// Rows cut into `tiles` row tiles, and these into `chunks` runs of consecutive tiles. A chunk is
// worked through by one thread.
struct RowCut {
    index_t rows, tiles, chunks;

    index_t tile_begin(index_t tile) const { return rows * tile / tiles; }
    index_t chunk_begin(index_t chunk) const { return tiles * chunk / chunks; }  // its first tile
};

// Two-phase (chunk_gradients false, a chunk is a tile): the activations of the whole batch are
// kept, and each weight tile sums its gradient over all rows. Chunked: a chunk adds up its own
// gradient while its activations are in cache, and they are never stored; the chunks' gradients are
// added in order.
struct Plan {
    index_t tile_rows;  // of a row tile, at most
    index_t stretch;    // consecutive tiles of one worker that go through the layers together, at
                        // most: changes no bits, and so may depend on who has which tiles
    bool chunk_gradients;
    std::vector<WeightTile> weight_tiles;
    double nanoseconds;  // an estimate of one minibatch on one thread

    RowCut cut(index_t rows) const;

    // Where part `part` of `parts` begins in weight_tiles, when they are shared out by area.
    std::size_t first_weight_tile(index_t part, index_t parts) const;
};

enum class PlanKind { kCheapest, kChunked };

// For minibatches of up to `batch` rows; kChunked asks for that plan whatever it costs.
template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch, PlanKind kind);

}  // namespace briskmlp
