#include "train/tiled_step.h"

#include <cmath>

namespace briskmlp {

template <class T>
TiledStep<T>::TiledStep(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
                        const OptimizerSpec& optimizer, index_t rows, const Targets<T>& targets,
                        index_t workers)
    : kernels_(&kernels),
      optimizer_(optimizer),
      weights_(net, kernels, whole_layers(net.layers()), false, &optimizer_),
      minibatch_(net, kernels, weights_, plan, rows, targets, workers) {}

template <class T>
StepResult TiledStep<T>::run(const Worker& worker, const Batch<T>& batch, std::int64_t t,
                             Watch& watch) {
    minibatch_.run_rows(worker, batch, &watch);
    worker.barrier();
    const double loss = minibatch_.loss(batch);
    // Only worker 0 stops the watch, and before the barrier: all see the same here.
    if (watch.stopped()) {
        return {StepEnd::kStopped, loss};
    }
    if (!std::isfinite(loss)) {
        return {StepEnd::kDiverged, loss};
    }
    const OptimizerStep<T> update(*kernels_, optimizer_, t);
    minibatch_.for_each_weight_tile(worker, batch,
                                    [&](const Block& tile, MatrixView<const T> gradient) {
                                        weights_.update(update, tile, gradient);
                                    });
    worker.barrier();
    return {StepEnd::kUpdated, loss};
}

template class TiledStep<float>;
template class TiledStep<double>;

}  // namespace briskmlp
