#include "train/gradients.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/cpu.h"
#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "train/minibatch.h"

namespace briskmlp {
namespace {

// Copies a weight tile's gradient to its place in the flat layout of the parameters.
template <class T>
void store_tile(const Network<T>& net, const Block& tile, MatrixView<const T> gradient, T* flat) {
    const Layer& layer = net.layers()[tile.layer];
    T* const corner = flat + layer.offset + tile.row * layer.out + tile.col;
    for (index_t r = 0; r < gradient.rows; ++r) {
        std::copy_n(gradient.row(r), gradient.cols, corner + r * layer.out);
    }
}

// The gradient of an objective over all rows as one batch; returns their mean loss.
template <class T>
double differentiate(const Network<T>& net, const Dataset<T>& data, Objective objective,
                     T* gradient, T* d_x, index_t threads) {
    const KernelTable<T>& table = kernels<T>();
    const index_t rows = data.x.rows;
    const Plan plan = make_plan(net, table, rows, PlanKind::kChunked);
    threads = useful_threads(plan.cost.nanoseconds, threads);
    Weights<T> weights(net, table, whole_layers(net.layers()), d_x != nullptr, OptimizerNeeds{});
    Minibatch<T> minibatch(
        net, table, weights, plan, rows, data.y, threads,
        {false, false, d_x == nullptr && suits_sparse(table, data.x, net.layers().front().out),
         objective});
    std::vector<std::uint32_t> order(static_cast<std::size_t>(rows));
    std::iota(order.begin(), order.end(), 0u);
    const Batch<T> batch(data, order.data(), rows);
    minibatch.make_room(data.x);
    minibatch.want_input_gradient(d_x);
    parallel(threads, [&](const Worker& worker) {
        const FlushDenormals flush;
        weights.load(worker, net);
        worker.barrier();
        minibatch.run_rows(worker, batch, nullptr);
        worker.barrier();
        minibatch.for_each_weight_tile(
            worker, batch, [&](const Block& tile, MatrixView<T> tile_gradient) {
                store_tile(net, tile, tile_gradient.constant(), gradient);
            });
    });
    return minibatch.loss(batch);
}

}  // namespace

template <class T>
double gradients(const Network<T>& net, const Dataset<T>& data, T* gradient, index_t threads) {
    return differentiate<T>(net, data, Objective::kLoss, gradient, nullptr, threads);
}

template <class T>
void backward(const Network<T>& net, const InputMatrix& x, const T* d_y, T* gradient, T* d_x,
              index_t threads) {
    const Dataset<T> data{x, {nullptr, d_y, net.outputs(), nullptr}};
    differentiate(net, data, Objective::kLinear, gradient, d_x, threads);
}

template double gradients(const Network<float>&, const Dataset<float>&, float*, index_t);
template double gradients(const Network<double>&, const Dataset<double>&, double*, index_t);

template void backward(const Network<float>&, const InputMatrix&, const float*, float*, float*,
                       index_t);
template void backward(const Network<double>&, const InputMatrix&, const double*, double*, double*,
                       index_t);

}  // namespace briskmlp
