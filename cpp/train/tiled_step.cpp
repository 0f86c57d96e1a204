#include "train/tiled_step.h"

#include <cmath>

namespace briskmlp {

template <class T>
TiledStep<T>::TiledStep(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
                        int state_arrays, index_t rows, const Targets<T>& targets, index_t workers)
    : kernels_(&kernels),
      weights_(net, kernels, whole_layers(net.layers()), false, state_arrays),
      minibatch_(net, kernels, weights_, plan, rows, targets, workers) {}

template <class T>
StepResult TiledStep<T>::run(const Worker& worker, const Batch<T>& batch,
                             const OptimizerStep<T>& optimizer, Watch& watch) {
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
    minibatch_.for_each_weight_tile(worker, batch,
                                    [&](const Block& tile, MatrixView<const T> gradient) {
                                        weights_.update(optimizer, tile, gradient);
                                    });
    worker.barrier();
    return {StepEnd::kUpdated, loss};
}

template class TiledStep<float>;
template class TiledStep<double>;

}  // namespace briskmlp
