// A training step of a two-phase or a chunked plan: the minibatch's two phases (minibatch.h), the
// optimizer applied to each weight tile while its gradient is in cache; unless the optimizer needs
// the whole gradient first, which then is collected.
#pragma once

#include "train/minibatch.h"
#include "train/orthogonalizer.h"
#include "train/step.h"

namespace briskmlp {

template <class T>
class TiledStep final : public Step<T> {
  public:
    TiledStep(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
              const StepNeeds& needs, index_t rows, const Targets<T>& targets, index_t workers);

    StepResult run(const Worker& worker, const Batch<T>& batch, const OptimizerStep<T>& optimizer,
                   Watch& watch) override;
    void make_room(const InputMatrix& x) override { minibatch_.make_room(x); }
    void load(const Worker& worker, const Network<T>& net) override { weights_.load(worker, net); }
    void store(const Worker& worker, Network<T>& net) const override {
        weights_.store(worker, net);
    }
    bool matches(const Worker& worker, const Network<T>& net) const override {
        return weights_.matches(worker, net);
    }
    double take_penalty() override;
    void restart(const Worker& worker) override { weights_.restart(worker); }
    bool finite(const Worker& worker) const override { return weights_.finite(worker); }
    void load_state(const Worker& worker, const TrainingState<const T>& state) override {
        weights_.load_state(worker, state);
    }
    void store_state(const Worker& worker, const TrainingState<T>& state) const override {
        weights_.store_state(worker, state);
    }

  private:
    MatrixView<T> collected(const Block& tile) {
        const MatrixView<T> all = gradient_[tile.layer];
        return {all.row(tile.row) + tile.col, tile.rows, tile.cols, all.stride};
    }
    // Before the update of weight tile i.
    void add_penalty(const Batch<T>& batch, std::size_t i);
    // Phase A around the call of a loss that needs the outputs of all rows.
    void run_with_external_loss(const Worker& worker, const Batch<T>& batch, Watch& watch);
    // This worker's part of adding the batch's gradient to what is collected; what comes before the
    // update is done when the last batch of a step is in.
    void collect(const Worker& worker, const Batch<T>& batch, const OptimizerStep<T>& optimizer);
    // Its part of making Muon's directions of the gradients of matrices between hidden units.
    void orthogonalize(const Worker& worker, const OptimizerStep<T>& optimizer);
    // Its part of the update by it, after a barrier; false if the gradient is not finite.
    bool update(const Worker& worker, const Batch<T>& batch, const OptimizerStep<T>& optimizer);

    const KernelTable<T>* kernels_;
    Weights<T> weights_;
    Minibatch<T> minibatch_;
    std::unique_ptr<Orthogonalizer<T>> orthogonalizer_;  // null unless Muon needs it
    BlockMatrices<T> gradient_;            // empty unless the whole gradient is needed
    std::vector<double> squares_;          // of its entries, a sum for each weight tile
    std::vector<double> penalties_;        // a part of take_penalty for each; empty if not needed
    std::optional<double> external_loss_;  // of the batch, written by worker 0
};

}  // namespace briskmlp
