#include "train/normalized_pass.h"

#include <algorithm>

#include "nn/passing.h"

namespace briskmlp {

template <class T>
NormalizedPass<T>::NormalizedPass(const Network<T>& net, const KernelTable<T>& kernels,
                                  const Pass<T>& pass, const Plan& plan, index_t rows,
                                  index_t workers)
    : layers_(&net.layers()),
      kernels_(&kernels),
      pass_(&pass),
      plan_(plan),
      nanoseconds_a_row_(
          plan.cost.nanoseconds /
          static_cast<double>(rows * (2 * static_cast<index_t>(net.layers().size()) - 1))),
      norm_(net, kernels, plan.cut(rows).tiles, workers) {}

template <class T>
template <class Body>
void NormalizedPass<T>::for_each_stretch(const Worker& worker, const RowCut& cut, Watch* watch,
                                         Body body) const {
    const index_t end = worker.end(cut.tiles);
    for (index_t tile = worker.begin(cut.tiles), next; tile < end; tile = next) {
        if (watch != nullptr && watch->stopped()) {
            return;
        }
        next = std::min(tile + plan_.stretch, end);
        body(tile, next);
        if (watch != nullptr && worker.index == 0) {
            const index_t count = cut.tile_begin(next) - cut.tile_begin(tile);
            watch->tile_done(nanoseconds_a_row_ * static_cast<double>(count));
        }
    }
}

template <class T>
MatrixView<T> NormalizedPass<T>::sums(Activations<T>& activations, std::size_t layer, index_t first,
                                      index_t count) const {
    return (*layers_)[layer].residual ? activations.stream(first, count)
                                      : activations.x(layer + 1, first, count);
}

template <class T>
MatrixView<T> NormalizedPass<T>::add_to_sums(Activations<T>& activations, std::size_t layer,
                                             index_t first, index_t count) const {
    return add_sums(*kernels_, (*layers_)[layer], activations.x(layer + 1, first, count),
                    activations.stream(first, count));
}

template <class T>
void NormalizedPass<T>::forward(const Worker& worker, Activations<T>& activations,
                                const Batch<T>& batch, Watch* watch) {
    const RowCut cut = plan_.cut(batch.rows);
    for (std::size_t l = 0; l < layers_->size(); ++l) {
        const bool hidden = l + 1 < layers_->size();
        for_each_stretch(worker, cut, watch, [&](index_t tile, index_t end) {
            const index_t row = cut.tile_begin(tile), count = cut.tile_begin(end) - row;
            if (l == 0) {
                activations.rows().load(batch, row, row, count);
            } else {
                norm_.apply(worker, l - 1, sums(activations, l - 1, row, count).constant(),
                            activations.x(l, row, count));
                activations.restore_ones(l, row, count);
            }
            pass_->forward_layer(activations, row, count, batch, row, l);
            if (!hidden) {
                activations.restore_ones(l + 1, row, count);
                return;
            }
            const MatrixView<T> added = add_to_sums(activations, l, row, count);
            for (index_t t = tile; t < end; ++t) {
                const index_t begin = cut.tile_begin(t);
                norm_.measure(l, t,
                              {added.row(begin - row), cut.tile_begin(t + 1) - begin, added.cols,
                               added.stride});
            }
        });
        if (hidden) {
            worker.barrier();
            norm_.combine(worker, l, cut);
        }
    }
}

template <class T>
void NormalizedPass<T>::finish_back(const Worker& worker, Activations<T>& activations,
                                    std::size_t layer, index_t first, index_t count) const {
    const MatrixView<T> d = activations.d(layer, first, count);
    norm_.apply_back(worker, layer, activations.x(layer + 1, first, count).constant(), d);
    add_sums_back(*kernels_, (*layers_)[layer], (*layers_)[layer + 1], d,
                  activations.stream(first, count));
    pass_->backward_activation(activations, first, count, layer);
}

template <class T>
void NormalizedPass<T>::backward(const Worker& worker, Activations<T>& activations,
                                 const Batch<T>& batch, Watch* watch) {
    const RowCut cut = plan_.cut(batch.rows);
    const std::size_t hidden = layers_->size() - 1;
    for (std::size_t l = hidden; l > 0; --l) {
        for_each_stretch(worker, cut, watch, [&](index_t tile, index_t end) {
            const index_t row = cut.tile_begin(tile), count = cut.tile_begin(end) - row;
            if (l < hidden) {
                finish_back(worker, activations, l, row, count);
            }
            pass_->backward_through(activations, row, count, l);
            for (index_t t = tile; t < end; ++t) {
                const index_t begin = cut.tile_begin(t), rows = cut.tile_begin(t + 1) - begin;
                norm_.measure_back(l - 1, t, activations.d(l - 1, begin, rows).constant(),
                                   activations.x(l, begin, rows).constant());
            }
        });
        worker.barrier();
        norm_.combine_back(worker, l - 1, cut);
    }
    for_each_stretch(worker, cut, nullptr, [&](index_t tile, index_t end) {
        const index_t row = cut.tile_begin(tile);
        finish_back(worker, activations, 0, row, cut.tile_begin(end) - row);
    });
}

template class NormalizedPass<float>;
template class NormalizedPass<double>;

}  // namespace briskmlp
