#include "nn/inference.h"

#include <algorithm>

#include "ops/dense.h"
#include "ops/gemm.h"
#include "nn/passing.h"

namespace briskmlp {
namespace {

// Rows of a tile where the weights stay in L2, and where they come from beyond it.
constexpr index_t kTileRows = 64, kTallTileRows = 512;
constexpr index_t kBeyondL2 = 1 << 20;

template <class T>
MatrixView<const T> weights_in_place(const Network<T>& net, const Layer& layer) {
    return {net.parameters() + layer.offset, layer.in + 1, layer.out, layer.out};
}

// All layers from `first` on, from x, which is not where that one's outputs go: those of even
// layers are in the matrix even, of odd ones in odd; returns the last. `stream` as pass_on needs
// it. Little is copied, as for dense_forward.
template <class T>
MatrixView<T> through_layers(const Network<T>& net, const KernelTable<T>& kernels,
                             std::size_t first, const MatrixView<const T>& x,
                             const MatrixView<T>& even, const MatrixView<T>& odd,
                             const MatrixView<T>& stream, T* scratch) {
    const T* input = x.data;
    index_t stride = x.stride;
    T* output = even.data;
    index_t cols = x.cols;
    for (std::size_t l = first; l < net.layers().size(); ++l) {
        const Layer& layer = net.layers()[l];
        const MatrixView<T>& buffer = l % 2 == 0 ? even : odd;
        const MatrixView<const T> in{input, x.rows, layer.in, stride};
        const MatrixView<T> out{buffer.data, x.rows, layer.out, buffer.stride};
        const MatrixView<const T> w = weights_in_place(net, layer);
        // With one output W is its own transpose.
        const T* const column = layer.out == 1 ? w.data : nullptr;
        dense_forward(kernels, layer.activation, in, w, {column, 1, layer.in, layer.in}, out, {},
                      scratch);
        if (!layer.passes_on_as_is()) {
            pass_on<T>(kernels, layer, in, out, stream, nullptr);
        }
        input = output = buffer.data;
        stride = buffer.stride;
        cols = layer.out;
    }
    return {output, x.rows, cols, stride};
}

}  // namespace

template <class T>
index_t widest_row(const Network<T>& net, index_t lanes) {
    const std::vector<index_t>& sizes = net.spec().sizes;
    return round_up(*std::max_element(sizes.begin(), sizes.end()), lanes);
}

template <class T>
index_t Inference<T>::tile_rows(const Network<T>& net) {
    return net.num_parameters() * index_t{sizeof(T)} > kBeyondL2 ? kTallTileRows : kTileRows;
}

template <class T>
typename Inference<T>::Buffer Inference<T>::buffer(index_t rows, index_t cols, index_t lanes) {
    const index_t stride = padded_stride<T>(cols, lanes);
    return {AlignedBuffer<T>(checked_mul(rows, stride)), stride};
}

template <class T>
Inference<T>::Inference(const Network<T>& net, const KernelTable<T>& kernels, const InputMatrix& x,
                        index_t rows)
    : net_(&net), kernels_(&kernels) {
    index_t widest[2] = {0, 0}, scratch = 0;
    for (std::size_t l = 0; l < net.layers().size(); ++l) {
        const Layer& layer = net.layers()[l];
        widest[l % 2] = std::max(widest[l % 2], layer.out);
        scratch = std::max(scratch, blocked_gemm_scratch(kernels, layer.in, layer.out));
    }
    index_t stride = 0;
    const bool readable = in_place<T>(x, &stride) != nullptr;
    // A copy of the input is cheap where a large layer reads it.
    const bool collide = scratch > 0 && rows_collide<T>(stride);
    const bool gathers = !reads_sparse(x) && (!readable || collide);
    input_ = buffer(gathers ? rows : 0, net.inputs(), kernels.lanes);
    even_ = buffer(rows, widest[0], kernels.lanes);
    odd_ = buffer(rows, widest[1], kernels.lanes);
    stream_cols_ = stream_cols(net.layers());
    if (stream_cols_ > 0) {
        stream_ = buffer(rows, stream_cols_, kernels.lanes);
    }
    scratch_ = AlignedBuffer<T>(scratch);
}

// A layer of one output has a kernel of its own, which adds up in another order.
template <class T>
bool Inference<T>::reads_sparse(const InputMatrix& x) const {
    const Layer& layer = net_->layers().front();
    return sparse_in_place<T>(x) != nullptr && layer.out > 1 && layer.passes_on_as_is();
}

template <class T>
void Inference<T>::first_layer(const InputMatrix& tile, MatrixView<T> y) const {
    const Layer& layer = net_->layers().front();
    const MatrixView<const T> w = weights_in_place(*net_, layer);
    kernels_->sparse_forward(y.rows, y.cols, tile.starts, tile.columns, sparse_in_place<T>(tile),
                             w.data, w.stride, w.row(layer.in), y.data, y.stride);
    dense_activate(*kernels_, layer.activation, y, MatrixView<T>{});
}

template <class T>
MatrixView<T> Inference<T>::run(const InputMatrix& tile) {
    const MatrixView<T> even{even_.data.data(), tile.rows, net_->layers().front().out,
                             even_.stride};
    const MatrixView<T> odd{odd_.data.data(), tile.rows, 0, odd_.stride};
    const MatrixView<T> stream{stream_.data.data(), tile.rows, stream_cols_, stream_.stride};
    T* const scratch = scratch_.size() == 0 ? nullptr : scratch_.data();
    if (reads_sparse(tile)) {
        first_layer(tile, even);
        return through_layers<T>(*net_, *kernels_, 1, even.constant(), even, odd, stream, scratch);
    }
    MatrixView<const T> x{input_.data.data(), tile.rows, tile.cols, input_.stride};
    if (input_.data.size() == 0) {
        x.data = in_place<T>(tile, &x.stride);
    } else {
        gather_rows(tile, nullptr, tile.rows, input_.data.data(), x.stride);
    }
    return through_layers<T>(*net_, *kernels_, 0, x, even, odd, stream, scratch);
}

template <class T>
T* infer_row(const Network<T>& net, const KernelTable<T>& kernels, const T* x, T* scratch,
             index_t scratch_row) {
    return through_layers<T>(
               net, kernels, 0, {x, 1, net.inputs(), net.inputs()}, {scratch, 1, 0, scratch_row},
               {scratch + scratch_row, 1, 0, scratch_row},
               {scratch + 2 * scratch_row, 1, net.spec().residual ? scratch_row : 0, scratch_row},
               nullptr)
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
