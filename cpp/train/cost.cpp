#include "train/cost.h"

#include <algorithm>

#include "ops/dense.h"

namespace briskmlp {
namespace {

// A pessimistic rate of arithmetic, and of the optimizer's updates (Adam takes 0.28 ns).
constexpr double kFlopsPerNanosecond = 50;
constexpr double kNanosecondsAParameter = 1;

// What is expected: the matmuls' share of the peak, Adam's updates, which its divisions and square
// roots limit, a step's calls, and a barrier with the lines that it passes on.
constexpr double kMatmulShare = 0.95;
constexpr double kAdamNanoseconds = 0.28;
constexpr double kStepNanoseconds = 800;
constexpr double kBarrierNanoseconds = 250;

// A shard goes over its rows layer by layer: what they leave should stay in L2 (1 MiB), most of it.
constexpr double kShardedRowBytes = 2 << 20;

// Work in nanoseconds below which one thread does it alone: a whole epoch, as waking a thread costs
// up to 25 microseconds; and a step, for its barriers and the cache lines that they pass on. Those
// are few when the plan is sharded.
constexpr double kEpoch = 100e3;
constexpr double kShardedStep = 5e3;
constexpr double kTiledStep = 40e3;
// A longer tiled step has work for one thread more for each of these.
constexpr double kTiledShare = 20e3;

// Elements that a minibatch keeps: inputs, and outputs and gradients of all layers.
template <class T>
double row_elements(const Network<T>& net, index_t batch) {
    index_t widths = net.inputs();
    for (const Layer& layer : net.layers()) {
        widths += 2 * layer.out;
    }
    return static_cast<double>(batch) * static_cast<double>(widths);
}

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
    double widths = 0;  // each shard's sums, and the gradient
    for (std::size_t l = 1; l < net.layers().size(); ++l) {
        widths += (kShards + 1) * static_cast<double>(net.layers()[l].out);
    }
    return widths * static_cast<double>(batch);
}

}  // namespace

template <class T>
StepCost step_cost(const Network<T>& net, const KernelTable<T>& kernels, index_t batch,
                   PlanKind kind) {
    const std::vector<Layer>& layers = net.layers();
    const auto rows = static_cast<double>(batch);
    double flops = 0, padded = 0, products = 0;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        const double passes = l == 0 ? 2 : 3;  // the first layer needs no input gradient
        const auto in = static_cast<double>(layers[l].in);
        const index_t out = layers[l].out;
        const index_t whole = is_narrow(kernels, out) ? out : round_up(out, kernels.lanes);
        flops += 2 * passes * rows * in * static_cast<double>(out);
        padded += 2 * passes * rows * in * static_cast<double>(whole);
        products += in * static_cast<double>(out);
    }
    const auto depth = static_cast<index_t>(layers.size());
    const double nanoseconds =
        (6 * products * rows / kFlopsPerNanosecond + kNanosecondsAParameter * products) *
        (sizeof(T) / 4);
    return {flops, padded, exchanged(net, batch, kind),
            kind == PlanKind::kSharded ? std::max<index_t>(1, 2 * depth - 3) : 2, nanoseconds};
}

template <class T>
double expected_nanoseconds(const Network<T>& net, const StepCost& cost, double peak,
                            index_t threads) {
    const double updates =
        kAdamNanoseconds * static_cast<double>(net.num_parameters()) * (sizeof(T) / 4);
    const double work = cost.padded_flops / (kMatmulShare * peak) + updates + kStepNanoseconds;
    const double meetings = threads == 1 ? 0 : static_cast<double>(cost.barriers);
    return work / static_cast<double>(threads) + kBarrierNanoseconds * meetings;
}

template <class T>
bool suits_shards(const Network<T>& net, const KernelTable<T>& kernels, index_t batch) {
    const std::vector<Layer>& layers = net.layers();
    // Every shard gets a whole vector of every hidden layer's units, and no unit needs the others.
    const bool divisible = std::all_of(layers.begin(), layers.end() - 1, [&](const Layer& l) {
        return l.out > (kShards - 1) * kernels.lanes && l.passes_on_as_is();
    });
    return layers.size() >= 2 && divisible &&
           row_elements(net, batch) * sizeof(T) <= kShardedRowBytes;
}

index_t threads_worth_waking(PlanKind kind, double nanoseconds_a_step, index_t steps,
                             index_t most) {
    const bool sharded = kind == PlanKind::kSharded;
    if (nanoseconds_a_step < (sharded ? kShardedStep : kTiledStep) ||
        nanoseconds_a_step * static_cast<double>(steps) < kEpoch) {
        return 1;
    }
    return sharded ? most
                   : static_cast<index_t>(
                         std::min(nanoseconds_a_step / kTiledShare, static_cast<double>(most)));
}

#define BRISKMLP_INSTANTIATE(T)                                                                \
    template StepCost step_cost(const Network<T>&, const KernelTable<T>&, index_t, PlanKind);  \
    template double expected_nanoseconds(const Network<T>&, const StepCost&, double, index_t); \
    template bool suits_shards(const Network<T>&, const KernelTable<T>&, index_t);
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
