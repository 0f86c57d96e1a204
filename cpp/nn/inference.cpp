#include "nn/inference.h"

#include <algorithm>

#include "ops/dense.h"

namespace briskmlp {
namespace {

template <class T>
MatrixView<const T> weights_in_place(const Network<T>& net, const Layer& layer) {
    return {net.parameters() + layer.offset, layer.in + 1, layer.out, layer.out};
}

// All layers, from x through the two scratch matrices in turn; returns the last.
template <class T>
MatrixView<T> through_layers(const Network<T>& net, const KernelTable<T>& kernels,
                             MatrixView<const T> x, MatrixView<T> scratch, MatrixView<T> other) {
    for (const Layer& layer : net.layers()) {
        scratch.cols = layer.out;
        dense_forward(kernels, layer.activation, x, weights_in_place(net, layer), {}, scratch, {});
        x = scratch.constant();
        std::swap(scratch, other);
    }
    return other;
}

}  // namespace

template <class T>
index_t widest_row(const Network<T>& net, index_t lanes) {
    const std::vector<index_t>& sizes = net.spec().sizes;
    return round_up(*std::max_element(sizes.begin(), sizes.end()), lanes);
}

template <class T>
Inference<T>::Inference(const Network<T>& net, const KernelTable<T>& kernels, index_t rows)
    : net_(&net),
      kernels_(&kernels),
      stride_(widest_row(net, kernels.lanes)),
      buffers_{AlignedBuffer<T>(checked_mul(rows, stride_)),
               AlignedBuffer<T>(checked_mul(rows, stride_))} {}

template <class T>
MatrixView<T> Inference<T>::run(const InputMatrix& x) {
    MatrixView<const T> input{nullptr, x.rows, x.cols, stride_};
    input.data = in_place<T>(x, &input.stride);
    if (input.data == nullptr) {
        gather_rows(x, nullptr, x.rows, buffers_[1].data(), stride_);
        input = {buffers_[1].data(), x.rows, x.cols, stride_};
    }
    return through_layers<T>(*net_, *kernels_, input, {buffers_[0].data(), x.rows, 0, stride_},
                             {buffers_[1].data(), x.rows, 0, stride_});
}

template <class T>
T* infer_row(const Network<T>& net, const KernelTable<T>& kernels, const T* x, T* scratch,
             index_t scratch_row) {
    return through_layers<T>(net, kernels, {x, 1, net.inputs(), net.inputs()},
                             {scratch, 1, 0, scratch_row},
                             {scratch + scratch_row, 1, 0, scratch_row})
        .data;
}

template class Inference<float>;
template class Inference<double>;
template index_t widest_row(const Network<float>&, index_t);
template index_t widest_row(const Network<double>&, index_t);
template float* infer_row(const Network<float>&, const KernelTable<float>&, const float*, float*,
                          index_t);
template double* infer_row(const Network<double>&, const KernelTable<double>&, const double*,
                           double*, index_t);

}  // namespace briskmlp
