#include "train/plan.h"

#include <algorithm>

namespace briskmlp {
namespace {

// Rows of a tile: the loss is summed tile by tile, so that this much is fixed.
constexpr index_t kTileRows = 32;
constexpr index_t kChunkTileRows = 128;

// Rows that go through the layers together. Each weight that is read serves this many, which must
// hide where the weights come from: L2, L3, or memory (measured at 1024-2048-2048-1000, batch 512:
// 128 rows 86 % of the peak, 256 rows 88 %; at 512-512-512-10, batch 256: 128 rows do best).
constexpr index_t kStretchRows = 32, kStretchRowsL3 = 128, kStretchRowsMemory = 256;
constexpr index_t kBeyondL2 = 1 << 20, kBeyondL3 = 16 << 20;

// Rows and vectors of a weight tile: with its optimizer state it stays in L1. In a large layer,
// whose state comes from memory anyway, taller tiles save reading the batch (whole register tiles
// of 14 rows and transposes of 16: +1.5 % at width 2048).
constexpr index_t kWeightTileRows = 32, kWeightTileRowsLarge = 112;
constexpr index_t kWeightTileVectors = 4;

// Chunks of a chunked plan: enough for many cores, few enough that their gradients stay in cache.
constexpr index_t kChunks = 16;

// A pessimistic rate of useful arithmetic, for estimates only.
constexpr double kFlopsPerNanosecond = 50;

template <class T>
std::vector<WeightTile> cut_weights(const Network<T>& net, index_t lanes) {
    const index_t width = kWeightTileVectors * lanes;
    std::vector<WeightTile> tiles;
    for (std::size_t l = 0; l < net.layers().size(); ++l) {
        const Layer& layer = net.layers()[l];
        // Tiles start at multiples of `height`, which suits the transposes; a short rest (the bias
        // row, say) goes to the last.
        const bool large = layer.in * layer.out * index_t{sizeof(T)} >= kBeyondL2;
        const index_t height = large ? kWeightTileRowsLarge : kWeightTileRows;
        const index_t row_tiles = std::max<index_t>(1, (layer.in + height / 2) / height);
        for (index_t i = 0; i < row_tiles; ++i) {
            const index_t row = i * height;
            const index_t rows = i + 1 == row_tiles ? layer.in + 1 - row : height;
            for (index_t col = 0; col < layer.out; col += width) {
                tiles.push_back({l, row, rows, col, std::min(width, layer.out - col)});
            }
        }
    }
    return tiles;
}

template <class T>
double step_nanoseconds(const Network<T>& net, index_t batch) {
    double products = 0;
    for (const Layer& layer : net.layers()) {
        products += static_cast<double>(layer.in) * static_cast<double>(layer.out);
    }
    // Forward, input gradient and weight gradient; then a fixed cost for each parameter's update.
    const double flops = 6 * products * static_cast<double>(batch);
    return (flops / kFlopsPerNanosecond + products) * (sizeof(T) / 4);
}

// Elements of memory that the two plans pass through per minibatch, and whether chunks pass fewer.
template <class T>
bool chunks_are_cheaper(const Network<T>& net, index_t batch) {
    index_t widths = net.inputs();
    for (const Layer& layer : net.layers()) {
        widths += 2 * layer.out;  // activation and gradient
    }
    const double two_phase = 2.0 * static_cast<double>(batch) * static_cast<double>(widths);
    const double chunked = 4.0 * kChunks * static_cast<double>(net.num_parameters());
    return chunked < two_phase;
}

}  // namespace

template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch, PlanKind kind) {
    Plan plan{};
    plan.chunk_gradients = kind == PlanKind::kChunked || chunks_are_cheaper(net, batch);
    plan.weight_tiles = cut_weights(net, kernels.lanes);
    plan.tile_rows = plan.chunk_gradients ? kChunkTileRows : kTileRows;
    const index_t bytes = net.num_parameters() * index_t{sizeof(T)};
    const index_t rows = bytes > kBeyondL3   ? kStretchRowsMemory
                         : bytes > kBeyondL2 ? kStretchRowsL3
                                             : kStretchRows;
    plan.stretch = plan.chunk_gradients ? 1 : rows / kTileRows;
    plan.nanoseconds = step_nanoseconds(net, batch);
    return plan;
}

RowCut Plan::cut(index_t rows) const {
    const index_t tiles = std::max<index_t>(1, ceil_div(rows, tile_rows));
    return {rows, tiles, chunk_gradients ? std::min(kChunks, tiles) : tiles};
}

std::size_t Plan::first_weight_tile(index_t part, index_t parts) const {
    const auto area = [](const WeightTile& tile) { return tile.rows * tile.cols; };
    index_t total = 0;
    for (const WeightTile& tile : weight_tiles) {
        total += area(tile);
    }
    // A tile belongs to the part in which its middle lies.
    std::size_t i = 0;
    for (index_t before = 0; i < weight_tiles.size(); before += area(weight_tiles[i]), ++i) {
        if ((2 * before + area(weight_tiles[i])) * parts > 2 * total * part) {
            break;
        }
    }
    return i;
}

template Plan make_plan(const Network<float>&, const KernelTable<float>&, index_t, PlanKind);
template Plan make_plan(const Network<double>&, const KernelTable<double>&, index_t, PlanKind);

}  // namespace briskmlp
