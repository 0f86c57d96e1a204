#include "train/plan.h"

#include <algorithm>

namespace briskmlp {
namespace {

// Rows of a tile: the loss is summed tile by tile, so that this much is fixed.
constexpr index_t kTileRows = 32;
constexpr index_t kChunkTileRows = 128;

// Rows that go through the layers together. Each weight that is read serves this many, which must
// hide where the weights come from: L2, L3, or memory (measured at 1024-2048-2048-1000, batch 512:
// from 32 rows to 128 the step gains 3 %, beyond that less than the noise).
constexpr index_t kStretchRows = 32, kStretchRowsL3 = 128, kStretchRowsMemory = 256;
constexpr index_t kBeyondL2 = 1 << 20, kBeyondL3 = 16 << 20;

template <class T>
PlanKind cheapest(const Network<T>& net, const KernelTable<T>& kernels, index_t batch,
                  bool may_shard) {
    const auto exchanged = [&](PlanKind kind) {
        return step_cost(net, kernels, batch, kind).exchanged;
    };
    PlanKind best = exchanged(PlanKind::kChunked) < exchanged(PlanKind::kTwoPhase)
                        ? PlanKind::kChunked
                        : PlanKind::kTwoPhase;
    if (may_shard && suits_shards(net, kernels, batch) &&
        exchanged(PlanKind::kSharded) < exchanged(best)) {
        best = PlanKind::kSharded;
    }
    return best;
}

// Units of each hidden layer by whole vectors, so that no two shards write to one. Shard s has the
// columns of its units in the first layer, and in the others the rows of its units below; the last
// also has the biases there, as the row of an input that is always 1.
std::vector<std::vector<Block>> deal_out(const std::vector<Layer>& layers, index_t lanes) {
    const auto first_unit = [&](index_t units, index_t shard) {
        return shard == kShards ? units : ceil_div(units, lanes) * shard / kShards * lanes;
    };
    std::vector<std::vector<Block>> shards;
    for (index_t s = 0; s < kShards; ++s) {
        const index_t col = first_unit(layers[0].out, s);
        std::vector<Block> blocks{
            {0, 0, layers[0].in + 1, col, first_unit(layers[0].out, s + 1) - col}};
        for (std::size_t l = 1; l < layers.size(); ++l) {
            const index_t row = first_unit(layers[l].in, s);
            const index_t end = first_unit(layers[l].in, s + 1) + (s + 1 == kShards ? 1 : 0);
            blocks.push_back({l, row, end - row, 0, layers[l].out});
        }
        shards.push_back(blocks);
    }
    return shards;
}

}  // namespace

const char* plan_name(PlanKind kind) {
    constexpr const char* kNames[] = {"two-phase", "chunked", "sharded"};
    return kNames[static_cast<int>(kind)];
}

template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch,
               bool may_shard) {
    return make_plan(net, kernels, batch, cheapest(net, kernels, batch, may_shard));
}

template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch, PlanKind kind) {
    Plan plan{kind, kTileRows, 1, {}, step_cost(net, kernels, batch, kind), 0};
    if (kind == PlanKind::kSharded) {
        plan.tile_rows = batch;
        plan.shards = deal_out(net.layers(), kernels.lanes);
        plan.max_threads = kShards;
        return plan;
    }
    if (kind == PlanKind::kChunked) {
        plan.tile_rows = kChunkTileRows;
    } else {
        const index_t bytes = net.num_parameters() * index_t{sizeof(T)};
        const index_t rows = bytes > kBeyondL3   ? kStretchRowsMemory
                             : bytes > kBeyondL2 ? kStretchRowsL3
                                                 : kStretchRows;
        plan.stretch = rows / kTileRows;
    }
    plan.max_threads = plan.cut(batch).chunks;
    return plan;
}

RowCut Plan::cut(index_t rows) const {
    const index_t tiles = std::max<index_t>(1, ceil_div(rows, tile_rows));
    return {rows, tiles, kind == PlanKind::kChunked ? std::min(kChunks, tiles) : tiles};
}

#define BRISKMLP_INSTANTIATE(T)                                                       \
    template Plan make_plan(const Network<T>&, const KernelTable<T>&, index_t, bool); \
    template Plan make_plan(const Network<T>&, const KernelTable<T>&, index_t, PlanKind);
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
