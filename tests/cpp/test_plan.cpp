// train/plan: whatever the sizes, every parameter and every row is some worker's, once.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/dispatch.h"
#include "train/plan.h"
#include "train/team.h"
#include "support.h"

using namespace briskmlp;

namespace {

const std::vector<std::vector<index_t>> kSizes = {
    {1, 1},          {1, 64, 64, 1},      {7, 33, 20, 3}, {15, 16},
    {16, 17, 48, 1}, {784, 256, 128, 10}, {3, 1000},
};

Plan plan_for(const std::vector<index_t>& sizes, index_t batch, PlanKind kind) {
    const auto net = make_network<float>(sizes, Activation::kRelu, Loss::kMse);
    return make_plan(net, kernels<float>(), batch, kind);
}

PlanKind cheapest(const std::vector<index_t>& sizes, index_t batch) {
    const auto net = make_network<float>(sizes, Activation::kRelu, Loss::kMse);
    return make_plan(net, kernels<float>(), batch).kind;
}

// How often each parameter is in a tile of blocks, where both must lie as kernels want it.
void count_covered(const Network<float>& net, const std::vector<Block>& blocks,
                   std::vector<int>& covered) {
    const index_t lanes = kernels<float>().lanes;
    for (const Block& tile : weight_tiles(blocks, lanes)) {
        const Block& block = blocks.at(tile.layer);
        const Layer& layer = net.layers().at(block.layer);
        REQUIRE(block.col % lanes == 0);
        REQUIRE(block.row + block.rows <= layer.in + 1);
        REQUIRE(block.col + block.cols <= layer.out);
        REQUIRE(tile.row >= 0);
        REQUIRE(tile.rows >= 1);
        REQUIRE(tile.row + tile.rows <= block.rows);
        REQUIRE(tile.cols >= 1);
        REQUIRE(tile.col + tile.cols <= block.cols);
        // Kernels write whole vectors: no tile may begin inside another's last.
        REQUIRE(tile.col % lanes == 0);
        REQUIRE((tile.cols % lanes == 0 || tile.col + tile.cols == block.cols));
        for (index_t r = tile.row; r < tile.row + tile.rows; ++r) {
            for (index_t c = tile.col; c < tile.col + tile.cols; ++c) {
                const index_t row = block.row + r, col = block.col + c;
                ++covered[static_cast<std::size_t>(layer.offset + row * layer.out + col)];
            }
        }
    }
}

bool all_once(const std::vector<int>& covered) {
    return std::all_of(covered.begin(), covered.end(), [](int times) { return times == 1; });
}

}  // namespace

TEST_CASE("weight tiles cover each parameter once") {
    for (const std::vector<index_t>& sizes : kSizes) {
        const auto net = make_network<float>(sizes, Activation::kRelu, Loss::kMse);
        std::vector<int> covered(static_cast<std::size_t>(net.num_parameters()), 0);
        count_covered(net, whole_layers(net.layers()), covered);
        CHECK(all_once(covered));
    }
}

TEST_CASE("shards hold each parameter once, and the last the biases") {
    for (const std::vector<index_t>& sizes : kSizes) {
        const auto net = make_network<float>(sizes, Activation::kRelu, Loss::kMse);
        const index_t narrowest =
            sizes.size() == 2 ? 0 : *std::min_element(sizes.begin() + 1, sizes.end() - 1);
        if (narrowest <= kernels<float>().lanes) {
            continue;
        }
        CAPTURE(sizes.size());
        const Plan plan = plan_for(sizes, 32, PlanKind::kSharded);
        REQUIRE(plan.shards.size() >= 2);
        CHECK(plan.max_threads == static_cast<index_t>(plan.shards.size()));
        std::vector<int> covered(static_cast<std::size_t>(net.num_parameters()), 0);
        for (const std::vector<Block>& blocks : plan.shards) {
            REQUIRE(blocks.size() == net.layers().size());
            count_covered(net, blocks, covered);
            CHECK(has_bias(net.layers(), blocks[0]));
            CHECK(has_bias(net.layers(), blocks[1]) == (&blocks == &plan.shards.back()));
        }
        CHECK(all_once(covered));
    }
}

TEST_CASE("cuts cover all rows with tiles and chunks that are not empty") {
    for (const PlanKind kind : {PlanKind::kTwoPhase, PlanKind::kChunked}) {
        for (const std::vector<index_t>& sizes : kSizes) {
            const Plan plan = plan_for(sizes, 1000, kind);
            for (index_t rows = 1; rows < 5000; rows = rows * 3 / 2 + 1) {
                const RowCut cut = plan.cut(rows);
                CHECK(cut.rows == rows);
                CHECK(cut.tile_begin(0) == 0);
                CHECK(cut.tile_begin(cut.tiles) == rows);
                CHECK(cut.chunk_begin(0) == 0);
                CHECK(cut.chunk_begin(cut.chunks) == cut.tiles);
                for (index_t tile = 0; tile < cut.tiles; ++tile) {
                    const index_t count = cut.tile_begin(tile + 1) - cut.tile_begin(tile);
                    REQUIRE(count >= 1);
                    REQUIRE(count <= plan.tile_rows);
                }
                for (index_t chunk = 0; chunk < cut.chunks; ++chunk) {
                    REQUIRE(cut.chunk_begin(chunk) < cut.chunk_begin(chunk + 1));
                }
                if (kind == PlanKind::kTwoPhase) {
                    CHECK(cut.chunks == cut.tiles);
                }
            }
        }
    }
}

TEST_CASE("the plan follows from the sizes") {
    CHECK(cheapest({784, 256, 128, 10}, 128) == PlanKind::kSharded);
    CHECK(cheapest({64, 64, 10}, 32) == PlanKind::kSharded);
    CHECK(cheapest({32, 64, 64, 64, 64, 3}, 16384) == PlanKind::kChunked);
    CHECK(cheapest({1024, 2048, 2048, 1000}, 512) == PlanKind::kTwoPhase);
    CHECK(cheapest({64, 10}, 32) == PlanKind::kTwoPhase);       // no hidden units to deal out
    CHECK(cheapest({2, 4, 1}, 16) == PlanKind::kTwoPhase);      // less than a vector of them
    CHECK(cheapest({2, 64, 4, 1}, 16) == PlanKind::kTwoPhase);  // the same
    for (const PlanKind kind : {PlanKind::kTwoPhase, PlanKind::kChunked, PlanKind::kSharded}) {
        CHECK(plan_for({784, 256, 128, 10}, 128, kind).kind == kind);
    }
}

TEST_CASE("layers whose units need each other are not dealt out") {
    NetworkSpec spec = make_network<float>({64, 64, 64, 10}, Activation::kRelu, Loss::kMse).spec();
    const auto kind = [&] { return make_plan(Network<float>(spec), kernels<float>(), 32).kind; };
    CHECK(kind() == PlanKind::kSharded);
    spec.residual = true;
    CHECK(kind() == PlanKind::kTwoPhase);
    spec.residual = false;
    spec.norm = Norm::kLayer;
    CHECK(kind() == PlanKind::kTwoPhase);
}

TEST_CASE("threads are woken for work that is worth it") {
    CHECK(useful_threads(0, 8) == 1);
    CHECK(useful_threads(1e3, 8) == 1);
    CHECK(useful_threads(1e9, 8) == 8);
    CHECK(useful_threads(1e300, 1) == 1);
    CHECK(useful_threads(1e6, 64) >= 2);
    CHECK(useful_threads(1e6, 64) <= 64);
}

TEST_CASE("a team has work for each, and is as large as it is fast") {
    const Plan small = plan_for({64, 64, 10}, 32, PlanKind::kSharded);
    CHECK(Team(small, 1000, 1).most() == 1);
    CHECK(Team(small, 1, 8).most() == 1);  // too short an epoch to wake anyone
    CHECK(Team(plan_for({2, 20, 1}, 4, PlanKind::kSharded), 1000000, 8).most() == 1);
    CHECK(Team(plan_for({1024, 2048, 2048, 1000}, 512, PlanKind::kTwoPhase), 1, 3).most() == 3);

    // Seconds that a step takes alone and on two threads; which are in use most of the time.
    const auto mostly = [&](double alone, double two) {
        Team team(small, 1000, 8);
        REQUIRE(team.most() == 2);
        CHECK(team.threads() == 2);  // at first
        double seconds[3] = {};
        for (int slice = 0; slice < 1000; ++slice) {
            const index_t threads = team.threads(), steps = team.steps();
            REQUIRE(steps >= 1);
            const double took = (threads == 1 ? alone : two) * static_cast<double>(steps);
            seconds[threads] += took;
            team.measured(steps, took);
        }
        const index_t result = seconds[1] > seconds[2] ? 1 : 2;
        CHECK(seconds[result] > 15 * seconds[3 - result]);
        return result;
    };
    CHECK(mostly(10e-6, 6e-6) == 2);
    CHECK(mostly(10e-6, 30e-6) == 1);
    CHECK(mostly(10e-6, 5e-3) == 1);  // waiting for a thread that waits for a processor
}
