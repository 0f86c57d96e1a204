// Rectangles of parameters: what of a layer someone holds, and what is updated in one go.
#pragma once

#include <vector>

#include "nn/network.h"

namespace briskmlp {

// Rows and columns of one layer's (in + 1, out) matrix, whose last row is the bias.
struct Block {
    std::size_t layer;
    index_t row, rows, col, cols;
};

// All of each layer.
std::vector<Block> whole_layers(const std::vector<Layer>& layers);

// Whether the block's last row is its layer's bias.
bool has_bias(const std::vector<Layer>& layers, const Block& block);

// The blocks cut into tiles whose gradient is updated from while it is in cache, for vectors of
// `lanes`.
// A tile's `layer` is the position of its block, its row and col are counted from the block's.
std::vector<Block> weight_tiles(const std::vector<Block>& blocks, index_t lanes);

// Rows and columns that hold each of the tiles.
Block bounding_tile(const std::vector<Block>& tiles);

}  // namespace briskmlp
