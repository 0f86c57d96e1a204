#include "train/plan.h"

#include <algorithm>

namespace briskmlp {
namespace {

// Rows of a tile. Each weight that is read serves this many rows, so a tile must be tall enough to
// hide where the weights come from: L2 for all but wide nets, whose weights come from beyond it.
constexpr index_t kTileRows = 32;
constexpr index_t kTallTileRows = 128;
constexpr index_t kTallTiles = 4;  // at least, so that threads have something to share
constexpr index_t kLargeParameterBytes = 1 << 20;

// Chunks of a chunked plan: enough for many cores, few enough that their gradients stay in cache.
constexpr index_t kChunks = 16;

// Shards of a sharded plan. More would occupy more cores, but each adds to what is exchanged, and
// makes the matmuls narrower.
constexpr index_t kShards = 2;
// A shard goes over its rows layer by layer: what they leave should stay in L2.
constexpr index_t kShardedRowBytes = 2 << 20;

// A pessimistic rate of useful arithmetic, for estimates only.
constexpr double kFlopsPerNanosecond = 50;

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

// Elements that a minibatch of `batch` rows keeps: inputs, and outputs and gradients of all layers.
template <class T>
double row_elements(const Network<T>& net, index_t batch) {
    index_t widths = net.inputs();
    for (const Layer& layer : net.layers()) {
        widths += 2 * layer.out;
    }
    return static_cast<double>(batch) * static_cast<double>(widths);
}

template <class T>
bool can_be_sharded(const Network<T>& net, index_t lanes, index_t batch) {
    const std::vector<Layer>& layers = net.layers();
    // Every shard gets a whole vector of every hidden layer's units.
    const bool wide_enough = std::all_of(layers.begin(), layers.end() - 1, [&](const Layer& l) {
        return l.out > (kShards - 1) * lanes;
    });
    return layers.size() >= 2 && wide_enough &&
           row_elements(net, batch) * sizeof(T) <= kShardedRowBytes;
}

// Elements that are written by one thread and read by another in each step, or might be.
template <class T>
double exchanged(const Network<T>& net, index_t batch, PlanKind kind) {
    const double parameters = static_cast<double>(net.num_parameters());
    switch (kind) {
        case PlanKind::kTwoPhase:  // weights, their transposes, and all that the rows leave
            return 2 * parameters + 2 * row_elements(net, batch);
        case PlanKind::kChunked:  // weights, their transposes, and the chunks' gradients
            return 2 * parameters + 2.0 * kChunks * parameters;
        case PlanKind::kSharded: break;
    }
    double widths = 0;  // each shard's partial sums, and the gradient
    for (std::size_t l = 1; l < net.layers().size(); ++l) {
        widths += (kShards + 1) * static_cast<double>(net.layers()[l].out);
    }
    return widths * static_cast<double>(batch);
}

template <class T>
PlanKind cheapest(const Network<T>& net, index_t lanes, index_t batch) {
    PlanKind best =
        exchanged(net, batch, PlanKind::kChunked) < exchanged(net, batch, PlanKind::kTwoPhase)
            ? PlanKind::kChunked
            : PlanKind::kTwoPhase;
    if (can_be_sharded(net, lanes, batch) &&
        exchanged(net, batch, PlanKind::kSharded) < exchanged(net, batch, best)) {
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
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch) {
    return make_plan(net, kernels, batch, cheapest(net, kernels.lanes, batch));
}

template <class T>
Plan make_plan(const Network<T>& net, const KernelTable<T>& kernels, index_t batch, PlanKind kind) {
    Plan plan{kind, kTileRows, {}, step_nanoseconds(net, batch), 0};
    const bool large = net.num_parameters() * index_t{sizeof(T)} > kLargeParameterBytes;
    if (kind == PlanKind::kChunked || (large && batch >= kTallTiles * kTallTileRows)) {
        plan.tile_rows = kTallTileRows;
    }
    if (kind == PlanKind::kSharded) {
        plan.tile_rows = batch;
        plan.shards = deal_out(net.layers(), kernels.lanes);
        plan.max_threads = kShards;
    } else {
        plan.max_threads = plan.cut(batch).chunks;
    }
    return plan;
}

RowCut Plan::cut(index_t rows) const {
    const index_t tiles = std::max<index_t>(1, ceil_div(rows, tile_rows));
    return {rows, tiles, kind == PlanKind::kChunked ? std::min(kChunks, tiles) : tiles};
}

#define BRISKMLP_INSTANTIATE(T)                                                 \
    template Plan make_plan(const Network<T>&, const KernelTable<T>&, index_t); \
    template Plan make_plan(const Network<T>&, const KernelTable<T>&, index_t, PlanKind);
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
