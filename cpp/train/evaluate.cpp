#include "train/evaluate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "nn/inference.h"
#include "nn/predict.h"

namespace briskmlp {
namespace {

// Targets of the rows from `first` on.
template <class T>
Targets<T> targets_from(const Targets<T>& y, index_t first) {
    return {y.labels == nullptr ? nullptr : y.labels + first,
            y.values == nullptr ? nullptr : y.values + first * y.cols, y.cols,
            y.weights == nullptr ? nullptr : y.weights + first};
}

}  // namespace

template <class T>
Evaluation evaluate(const Network<T>& net, const Dataset<T>& data, index_t threads, Watch* watch) {
    const KernelTable<T>& table = kernels<T>();
    const LossSpec& loss = net.spec().loss;
    const index_t tile_rows = Inference<T>::tile_rows(net);
    const index_t rows = data.x.rows, tiles = ceil_div(rows, tile_rows);
    const index_t workers =
        std::min(tiles, useful_threads(predict_nanoseconds(net, rows), threads));
    std::vector<Inference<T>> inferences;
    for (index_t i = 0; i < workers; ++i) {
        inferences.emplace_back(net, table, data.x, std::min(rows, tile_rows));
    }
    // One sum for each tile, added up in the order of the tiles whoever ran them.
    std::vector<Evaluation> sums(static_cast<std::size_t>(tiles));
    const auto stopped = [&] { return watch != nullptr && watch->stopped(); };
    parallel(workers, [&](const Worker& worker) {
        const index_t end = worker.end(tiles);
        for (index_t tile = worker.begin(tiles); tile < end && !stopped(); ++tile) {
            const index_t first = tile * tile_rows, count = std::min(tile_rows, rows - first);
            const Targets<T> targets = targets_from(data.y, first);
            const MatrixView<T> raw = inferences[static_cast<std::size_t>(worker.index)].run(
                data.x.rows_from(first, count));
            sums[static_cast<std::size_t>(tile)] = {
                evaluate_loss<T>(table, loss, count, raw.cols, raw.data, raw.stride, targets,
                                 nullptr, nullptr, 0),
                metric_sum(loss, count, raw.cols, raw.data, raw.stride, targets)};
            if (watch != nullptr && worker.index == 0) {
                watch->tile_done(predict_nanoseconds(net, count));
            }
        }
    });
    Evaluation total{0, 0};
    for (const Evaluation& sum : sums) {
        total.loss += sum.loss;
        total.metric += sum.metric;
    }
    double weight = static_cast<double>(rows);
    if (data.y.weights != nullptr) {
        weight = 0;
        for (index_t r = 0; r < rows; ++r) {
            weight += static_cast<double>(data.y.weights[r]);
        }
    }
    const double metric = total.metric / weight;
    return {total.loss / weight, loss.info().metric == Metric::kRmse ? std::sqrt(metric) : metric};
}

template Evaluation evaluate(const Network<float>&, const Dataset<float>&, index_t, Watch*);
template Evaluation evaluate(const Network<double>&, const Dataset<double>&, index_t, Watch*);

}  // namespace briskmlp
