#include "train/block.h"

#include <algorithm>

namespace briskmlp {
namespace {

// Rows and vectors of a weight tile: with its optimizer state it stays in L1. In a large block,
// whose state comes from memory anyway, taller tiles save reading the batch. Whole register tiles
// of 14 rows and transposes of 16.
constexpr index_t kTileRows = 32, kLargeTileRows = 112;
constexpr index_t kTileVectors = 4;
constexpr index_t kLarge = 1 << 18;  // elements: 1 MiB of floats

}  // namespace

std::vector<Block> whole_layers(const std::vector<Layer>& layers) {
    std::vector<Block> blocks;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        blocks.push_back({l, 0, layers[l].in + 1, 0, layers[l].out});
    }
    return blocks;
}

bool has_bias(const std::vector<Layer>& layers, const Block& block) {
    return block.row + block.rows == layers[block.layer].in + 1;
}

std::vector<Block> weight_tiles(const std::vector<Block>& blocks, index_t lanes) {
    const index_t width = kTileVectors * lanes;
    std::vector<Block> tiles;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        // Tiles start at multiples of `height`, which suits the transposes; a short rest (the bias
        // row, say) goes to the last.
        const index_t rows = blocks[b].rows, cols = blocks[b].cols;
        const index_t height = rows * cols >= kLarge ? kLargeTileRows : kTileRows;
        const index_t row_tiles = std::max<index_t>(1, (rows - 1 + height / 2) / height);
        for (index_t i = 0; i < row_tiles; ++i) {
            const index_t row = i * height;
            const index_t end = i + 1 == row_tiles ? rows : row + height;
            for (index_t col = 0; col < cols; col += width) {
                tiles.push_back({b, row, end - row, col, std::min(width, cols - col)});
            }
        }
    }
    return tiles;
}

Block bounding_tile(const std::vector<Block>& tiles) {
    Block bounds{0, 0, 0, 0, 0};
    for (const Block& tile : tiles) {
        bounds.rows = std::max(bounds.rows, tile.rows);
        bounds.cols = std::max(bounds.cols, tile.cols);
    }
    return bounds;
}

}  // namespace briskmlp
