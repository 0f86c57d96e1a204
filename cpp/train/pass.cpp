#include "train/pass.h"

#include <algorithm>

#include "ops/dense.h"
#include "nn/passing.h"

namespace briskmlp {

template <class T>
void Pass<T>::forward(Activations<T>& activations, index_t first, index_t count,
                      const Batch<T>& batch, index_t row) const {
    for (std::size_t l = 0; l < net_->layers().size(); ++l) {
        const Layer& layer = net_->layers()[l];
        forward_layer(activations, first, count, batch, row, l);
        if (!layer.passes_on_as_is()) {
            pass_on(*kernels_, layer, activations.x(l, first, count).constant(),
                    activations.x(l + 1, first, count), activations.stream(first, count),
                    activations.inverse_deviations(l, first));
        }
        activations.restore_ones(l + 1, first, count);
    }
}

template <class T>
void Pass<T>::forward_layer(Activations<T>& activations, index_t first, index_t count,
                            const Batch<T>& batch, index_t row, std::size_t l) const {
    const Layer& layer = net_->layers()[l];
    const MatrixView<T> y = activations.x(l + 1, first, count);
    const MatrixView<T> slope = activations.slope(l, first, count);
    dense_forward(*kernels_, layer.activation, activations.x(l, first, count).constant(),
                  weights_->w(l), weights_->transposed(l), y, slope);
    if (slope.data != nullptr) {
        dense_slope(*kernels_, layer.activation, y.constant(), slope);
    }
    if (batch.dropout != nullptr && batch.dropout->on(l)) {
        dense_drop(*kernels_, batch.dropout->template of<T>(l, layer.out, batch.number, row, 0), y,
                   slope);
    }
}

template <class T>
double Pass<T>::loss(Activations<T>& activations, index_t first, index_t count) const {
    const std::size_t last = net_->layers().size() - 1;
    const MatrixView<T> output = activations.x(last + 1, first, count);
    const MatrixView<T> d = activations.d(last, first, count);
    const Targets<T> targets = activations.rows().targets(first);
    double sum = 0;
    if (objective_ == Objective::kLinear) {
        for (index_t r = 0; r < count; ++r) {
            std::copy_n(targets.values + r * targets.cols, targets.cols, d.row(r));
        }
    } else if (objective_ == Objective::kLoss) {
        sum = evaluate_loss(*kernels_, net_->spec().loss, count, output.cols, output.data,
                            output.stride, targets, activations.rows().scale(first), d.data,
                            d.stride);
    }
    dense_backward_activation(*kernels_, net_->layers()[last].activation, output.constant(),
                              activations.slope(last, first, count).constant(), d);
    return sum;
}

template <class T>
void Pass<T>::backward(Activations<T>& activations, index_t first, index_t count) const {
    const std::vector<Layer>& layers = net_->layers();
    for (std::size_t l = layers.size() - 1; l > 0; --l) {
        const Layer& below = layers[l - 1];
        const MatrixView<const T> d_y = activations.d(l, first, count).constant();
        const MatrixView<const T> y = activations.x(l, first, count).constant();
        const MatrixView<const T> slope = activations.slope(l - 1, first, count).constant();
        const MatrixView<T> d = activations.d(l - 1, first, count);
        if (below.passes_on_as_is() && !layers[l].residual) {
            dense_backward_input(*kernels_, below.activation, d_y, weights_->transposed(l), y,
                                 slope, d);
            continue;
        }
        backward_through(activations, first, count, l);
        pass_back(*kernels_, below, layers[l], y, activations.inverse_deviations(l - 1, first), d,
                  activations.stream(first, count));
        backward_activation(activations, first, count, l - 1);
    }
}

template <class T>
void Pass<T>::backward_through(Activations<T>& activations, index_t first, index_t count,
                               std::size_t layer) const {
    dense_backward_input(*kernels_, Activation::kIdentity,
                         activations.d(layer, first, count).constant(), weights_->transposed(layer),
                         {}, {}, activations.d(layer - 1, first, count));
}

template <class T>
void Pass<T>::backward_activation(Activations<T>& activations, index_t first, index_t count,
                                  std::size_t layer) const {
    dense_backward_activation(*kernels_, net_->layers()[layer].activation,
                              activations.x(layer + 1, first, count).constant(),
                              activations.slope(layer, first, count).constant(),
                              activations.d(layer, first, count));
}

template <class T>
void Pass<T>::input_gradient(Activations<T>& activations, index_t first, index_t count) const {
    dense_backward_input(*kernels_, Activation::kIdentity,
                         activations.d(0, first, count).constant(), weights_->transposed(0), {}, {},
                         activations.x(0, first, count));
    activations.restore_ones(0, first, count);
}

template <class T>
void Pass<T>::weight_gradient(Activations<T>& activations, index_t first, index_t count,
                              std::size_t layer, index_t row, index_t col, GemmStart start,
                              MatrixView<T> d_w) const {
    dense_backward_weights(
        *kernels_, activations.x(layer, first, count).columns(row, d_w.rows).constant(),
        activations.d(layer, first, count).columns(col, d_w.cols).constant(), start, d_w);
}

template class Pass<float>;
template class Pass<double>;

}  // namespace briskmlp
