#include "train/folding.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/finite.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernels/dispatch.h"
#include "ops/dense.h"
#include "nn/passing.h"
#include "nn/predict.h"

namespace briskmlp {
namespace {

constexpr index_t kTileRows = 64;  // as prediction has them where weights stay in L2

// From 4096 rows a mean is off by 1.6 % of a deviation, of which batches of 128 miss it by 9 %.
// Fewer where that would be 4 GFLOP, about 40 ms: so long no fit may keep Ctrl-C waiting.
constexpr index_t kMostRows = 4096, kFewestRows = 512;
constexpr index_t kMostProducts = 2'000'000'000;

template <class T>
index_t rows_to_measure(const Network<T>& net, index_t all) {
    const index_t affordable = kMostProducts / net.num_parameters();
    return std::min(all, std::clamp(affordable, kFewestRows, kMostRows));
}

// Drawn, as rows at equal distances can be all alike where what they describe is periodic.
std::vector<std::uint32_t> draw_rows(index_t all, index_t count) {
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(all));
    std::iota(rows.begin(), rows.end(), 0u);
    const CounterRng rng(0, RandomStream::kMeasure, 0);
    for (index_t i = 0; i < count && count < all; ++i) {
        const auto at = static_cast<std::uint64_t>(i);
        std::swap(rows[static_cast<std::size_t>(i)],
                  rows[at + rng.below(at, static_cast<std::uint64_t>(all - i))]);
    }
    rows.resize(static_cast<std::size_t>(count));
    return rows;
}

}  // namespace

template <class T>
Folding<T>::Folding(const Network<T>& net, const Dataset<T>& data, index_t threads)
    : kernels_(&kernels<T>()),
      x_(&data.x),
      threads_(threads),
      net_(net.spec()),
      rows_(draw_rows(data.x.rows, rows_to_measure(net, data.x.rows))),
      cut_{static_cast<index_t>(rows_.size()),
           ceil_div(static_cast<index_t>(rows_.size()), kTileRows), 0},
      moments_(net, *kernels_, cut_.tiles, threads) {
    threads_ = useful_threads(predict_nanoseconds(net, cut_.rows), threads);
    const index_t lanes = kernels_->lanes;
    for (index_t i = 0; i < threads_; ++i) {
        inputs_.emplace_back(kTileRows, net.inputs(), lanes);
    }
    const std::vector<index_t>& sizes = net.spec().sizes;
    shifts_.resize(static_cast<std::size_t>(*std::max_element(sizes.begin(), sizes.end())));
    index_t widest[2] = {0, 0};
    for (std::size_t l = 0; l + 1 < net.layers().size(); ++l) {
        widest[l % 2] = std::max(widest[l % 2], net.layers()[l].out);
    }
    for (int i = 0; i < 2; ++i) {
        outputs_[i] =
            widest[i] == 0 ? PaddedMatrix<T>() : PaddedMatrix<T>(cut_.rows, widest[i], lanes);
    }
}

template <class T>
const Network<T>& Folding<T>::unfolded(const Network<T>& net) {
    std::copy_n(net.parameters(), net.num_parameters(), net_.parameters());
    change(Change::kUnfold);
    return net_;
}

template <class T>
void Folding<T>::give(Network<T>& net) const {
    std::copy_n(net_.parameters(), net.num_parameters(), net.parameters());
}

template <class T>
bool Folding<T>::matches(const Network<T>& net) const {
    const auto bytes = static_cast<std::size_t>(net.num_parameters()) * sizeof(T);
    return std::memcmp(net.parameters(), net_.parameters(), bytes) == 0;
}

template <class T>
bool Folding<T>::finite() const {
    return all_finite<T>(net_.num_parameters(), reinterpret_cast<const char*>(net_.parameters()),
                         sizeof(T));
}

// Either way the rows go through the layers that do without the norm: folded before they are used,
// or unfolded afterwards.
template <class T>
void Folding<T>::change(Change change) {
    const std::size_t hidden = net_.layers().size() - 1;
    parallel(threads_, [&](const Worker& worker) {
        for (std::size_t l = 0; l < hidden; ++l) {
            measure(worker, l);
            worker.barrier();
            moments_.combine(worker, l, cut_);
            if (change == Change::kFold || l > 0) {
                change_weights(worker, change == Change::kFold ? l + 1 : l, change);
            }
            // The next layer needs all of the weights, and has other columns for other workers.
            worker.barrier();
        }
        if (change == Change::kUnfold) {
            change_weights(worker, hidden, change);
        }
    });
}

template <class T>
void Folding<T>::measure(const Worker& worker, std::size_t l) {
    const Layer& layer = net_.layers()[l];
    const MatrixView<const T> w{net_.parameters() + layer.offset, layer.in + 1, layer.out,
                                layer.out};
    const T* const column = layer.out == 1 ? w.data : nullptr;  // its own transpose
    for (index_t tile = worker.begin(cut_.tiles); tile < worker.end(cut_.tiles); ++tile) {
        const index_t row = cut_.tile_begin(tile), count = cut_.tile_begin(tile + 1) - row;
        MatrixView<T> x = l == 0 ? inputs_[static_cast<std::size_t>(worker.index)].view(0, count)
                                 : outputs_[(l - 1) % 2].view(row, count);
        x.cols = layer.in;
        if (l == 0) {
            gather_rows(*x_, rows_.data() + row, count, x.data, x.stride);
        }
        MatrixView<T> y = outputs_[l % 2].view(row, count);
        y.cols = layer.out;
        dense_forward(*kernels_, layer.activation, x.constant(), w, {column, 1, layer.in, layer.in},
                      y, {});
        if (layer.residual) {
            pass_on<T>(*kernels_, layer, x.constant(), y, {}, nullptr);
        }
        moments_.measure(l, tile, y.constant());
    }
}

// With z = (x - mean) inverse: z W + b = x (inverse W) + (b - mean (inverse W)), and the same read
// from right to left.
template <class T>
void Folding<T>::change_weights(const Worker& worker, std::size_t l, Change change) {
    const Layer& layer = net_.layers()[l];
    const T* const means = moments_.means(worker, l - 1);
    const T* const inverse_deviations = moments_.inverse_deviations(worker, l - 1);
    T* const w = net_.parameters() + layer.offset;
    const index_t begin = worker.begin(layer.out), end = worker.end(layer.out);
    const auto shift = [&](index_t j) -> double& { return shifts_[static_cast<std::size_t>(j)]; };
    for (index_t j = begin; j < end; ++j) {
        shift(j) = 0;
    }
    for (index_t i = 0; i < layer.in; ++i) {
        const auto mean = static_cast<double>(means[i]);
        const auto inverse = static_cast<double>(inverse_deviations[i]);
        const double factor = change == Change::kFold ? inverse : 1 / inverse;
        for (index_t j = begin; j < end; ++j) {
            T& weight = w[i * layer.out + j];
            const auto before = static_cast<double>(weight);
            weight = static_cast<T>(before * factor);
            shift(j) +=
                change == Change::kFold ? -mean * static_cast<double>(weight) : mean * before;
        }
    }
    T* const biases = w + layer.in * layer.out;
    for (index_t j = begin; j < end; ++j) {
        biases[j] = static_cast<T>(static_cast<double>(biases[j]) + shift(j));
    }
}

template class Folding<float>;
template class Folding<double>;

}  // namespace briskmlp
