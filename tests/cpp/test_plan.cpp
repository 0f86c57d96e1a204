// train/plan: whatever the sizes, every parameter and every row is some worker's, once.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/dispatch.h"
#include "train/plan.h"
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

}  // namespace

TEST_CASE("weight tiles cover each parameter once") {
    for (const std::vector<index_t>& sizes : kSizes) {
        const auto net = make_network<float>(sizes, Activation::kRelu, Loss::kMse);
        const index_t lanes = kernels<float>().lanes;
        std::vector<int> covered(static_cast<std::size_t>(net.num_parameters()), 0);
        for (const WeightTile& tile : plan_for(sizes, 32, PlanKind::kCheapest).weight_tiles) {
            const Layer& layer = net.layers()[tile.layer];
            REQUIRE(tile.row >= 0);
            REQUIRE(tile.rows >= 1);
            REQUIRE(tile.row + tile.rows <= layer.in + 1);
            REQUIRE(tile.cols >= 1);
            REQUIRE(tile.col + tile.cols <= layer.out);
            // Kernels write whole vectors: no tile may begin inside another's last.
            REQUIRE(tile.col % lanes == 0);
            REQUIRE((tile.cols % lanes == 0 || tile.col + tile.cols == layer.out));
            for (index_t r = tile.row; r < tile.row + tile.rows; ++r) {
                for (index_t c = tile.col; c < tile.col + tile.cols; ++c) {
                    ++covered[static_cast<std::size_t>(layer.offset + r * layer.out + c)];
                }
            }
        }
        CHECK(std::all_of(covered.begin(), covered.end(), [](int times) { return times == 1; }));
    }
}

TEST_CASE("cuts cover all rows with tiles and chunks that are not empty") {
    for (const PlanKind kind : {PlanKind::kCheapest, PlanKind::kChunked}) {
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
                if (!plan.chunk_gradients) {
                    CHECK(cut.chunks == cut.tiles);
                }
            }
        }
    }
}

TEST_CASE("weight tiles are shared out evenly and completely") {
    for (const std::vector<index_t>& sizes : kSizes) {
        const Plan plan = plan_for(sizes, 32, PlanKind::kCheapest);
        index_t total = 0, largest = 0;
        for (const WeightTile& tile : plan.weight_tiles) {
            total += tile.rows * tile.cols;
            largest = std::max(largest, tile.rows * tile.cols);
        }
        for (const index_t parts : {1, 2, 3, 5, 64}) {
            CHECK(plan.first_weight_tile(0, parts) == 0);
            CHECK(plan.first_weight_tile(parts, parts) == plan.weight_tiles.size());
            for (index_t part = 0; part < parts; ++part) {
                const std::size_t begin = plan.first_weight_tile(part, parts);
                const std::size_t end = plan.first_weight_tile(part + 1, parts);
                REQUIRE(begin <= end);
                index_t area = 0;
                for (std::size_t i = begin; i < end; ++i) {
                    area += plan.weight_tiles[i].rows * plan.weight_tiles[i].cols;
                }
                // A part's ends are off by half a tile each at most.
                CHECK(area * parts <= total + largest * parts);
            }
        }
    }
}

TEST_CASE("the plan follows from the sizes") {
    CHECK_FALSE(plan_for({784, 256, 128, 10}, 128, PlanKind::kCheapest).chunk_gradients);
    CHECK(plan_for({4, 16, 16, 2}, 4096, PlanKind::kCheapest).chunk_gradients);
    CHECK(plan_for({784, 256, 128, 10}, 128, PlanKind::kChunked).chunk_gradients);
}

TEST_CASE("threads are woken for work that is worth it") {
    CHECK(useful_threads(0, 8) == 1);
    CHECK(useful_threads(1e3, 8) == 1);
    CHECK(useful_threads(1e9, 8) == 8);
    CHECK(useful_threads(1e300, 1) == 1);
    CHECK(useful_threads(1e6, 64) >= 2);
    CHECK(useful_threads(1e6, 64) <= 64);
}
