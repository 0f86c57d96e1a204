#include "train/evaluate.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "kernels/dispatch.h"
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
Evaluator<T>::Evaluator(const Network<T>& net, const Dataset<T>& data, index_t threads)
    : net_(net),
      kernels_(kernels<T>()),
      data_(data),
      tile_rows_(Inference<T>::tile_rows(net)),
      sums_(static_cast<std::size_t>(ceil_div(data.x.rows, tile_rows_))) {
    const index_t rows = data.x.rows;
    const index_t workers = std::min(static_cast<index_t>(sums_.size()),
                                     useful_threads(predict_nanoseconds(net, rows), threads));
    for (index_t i = 0; i < workers; ++i) {
        inferences_.emplace_back(net, kernels_, data.x, std::min(rows, tile_rows_));
    }
}

template <class T>
Evaluation Evaluator<T>::run(Watch* watch) {
    const LossSpec& loss = net_.spec().loss;
    const index_t rows = data_.x.rows, tiles = static_cast<index_t>(sums_.size());
    const auto stopped = [&] { return watch != nullptr && watch->stopped(); };
    parallel(static_cast<index_t>(inferences_.size()), [&](const Worker& worker) {
        const index_t end = worker.end(tiles);
        for (index_t tile = worker.begin(tiles); tile < end && !stopped(); ++tile) {
            const index_t first = tile * tile_rows_, count = std::min(tile_rows_, rows - first);
            const Targets<T> targets = targets_from(data_.y, first);
            const MatrixView<T> raw = inferences_[static_cast<std::size_t>(worker.index)].run(
                data_.x.rows_from(first, count));
            sums_[static_cast<std::size_t>(tile)] = {
                evaluate_loss<T>(kernels_, loss, count, raw.cols, raw.data, raw.stride, targets,
                                 nullptr, nullptr, 0),
                metric_sum(loss, count, raw.cols, raw.data, raw.stride, targets)};
            if (watch != nullptr && worker.index == 0) {
                watch->tile_done(predict_nanoseconds(net_, count));
            }
        }
    });
    return mean();
}

// The tiles' sums are added up in their order, whoever ran them.
template <class T>
Evaluation Evaluator<T>::mean() const {
    Evaluation total{0, 0};
    for (const Evaluation& sum : sums_) {
        total.loss += sum.loss;
        total.metric += sum.metric;
    }
    double weight = static_cast<double>(data_.x.rows);
    if (data_.y.weights != nullptr) {
        weight = 0;
        for (index_t r = 0; r < data_.x.rows; ++r) {
            weight += static_cast<double>(data_.y.weights[r]);
        }
    }
    const double metric = total.metric / weight;
    const bool is_rmse = net_.spec().loss.info().metric == Metric::kRmse;
    return {total.loss / weight, is_rmse ? std::sqrt(metric) : metric};
}

template <class T>
Evaluation evaluate(const Network<T>& net, const Dataset<T>& data, index_t threads) {
    return Evaluator<T>(net, data, threads).run(nullptr);
}

template class Evaluator<float>;
template class Evaluator<double>;
template Evaluation evaluate(const Network<float>&, const Dataset<float>&, index_t);
template Evaluation evaluate(const Network<double>&, const Dataset<double>&, index_t);

}  // namespace briskmlp
