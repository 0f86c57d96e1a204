// A training step of a sharded plan. A layer after the first is a sum over the shards s, with x_s
// the outputs of their units below:
//
//     x W + b = sum of x_s W_s        d_x_s = d_y W_s^T        d_W_s = x_s^T d_y
//
// (Shoeybi et al. 2019 split pairs of layers so.) Workers exchange these sums and d_y, and nothing
// else. The network's output, the loss and its gradient cost less than to wait for them would:
// every worker computes them for itself, with the same bits.
#pragma once

#include <vector>

#include "train/shard.h"
#include "train/step.h"

namespace briskmlp {

template <class T>
class ShardedStep final : public Step<T> {
  public:
    ShardedStep(const Network<T>& net, const KernelTable<T>& kernels, const Plan& plan,
                const StepNeeds& needs, index_t rows, const Targets<T>& targets, index_t workers);

    StepResult run(const Worker& worker, const Batch<T>& batch, const OptimizerStep<T>& optimizer,
                   Watch& watch) override;
    void make_room(const InputMatrix&) override {}  // all rows are gathered
    void load(const Worker& worker, const Network<T>& net) override;
    void store(const Worker& worker, Network<T>& net) const override;
    bool matches(const Worker& worker, const Network<T>& net) const override;
    double take_penalty() override;
    void restart(const Worker& worker) override;
    bool finite(const Worker& worker) const override;
    void load_state(const Worker& worker, const TrainingState<const T>& state) override;
    void store_state(const Worker& worker, const TrainingState<T>& state) const override;

  private:
    // What every worker has of its own.
    struct Replica {
        BatchRows<T> rows;
        PaddedMatrix<T> output, slope, d_output;
    };
    // What workers tell each other before a barrier of a step and read after it. With one hidden
    // layer there is but one: a worker may be in the next step while another still reads, so that
    // successive steps have one each.
    struct Exchange {
        std::vector<std::vector<PaddedMatrix<T>>> sums;  // [layer][shard] (rows, out); no layer 0
        bool stop = false;
    };

    // Calls body(shard) for each of this worker's shards.
    template <class Body>
    void for_each_shard(const Worker& worker, Body body) const {
        const index_t end = worker.end(static_cast<index_t>(shards_.size()));
        for (index_t s = worker.begin(static_cast<index_t>(shards_.size())); s < end; ++s) {
            body(static_cast<std::size_t>(s));
        }
    }
    template <class Question>
    bool all_of_shards(const Worker& worker, Question question) const {
        bool yes = true;
        for_each_shard(worker, [&](std::size_t s) { yes = yes && question(shards_[s].weights()); });
        return yes;
    }
    // The sums of all shards, in their order, from `columns` on.
    void add_up(Exchange& exchange, std::size_t layer, index_t first_column, MatrixView<T> sum);
    void forward(const Worker& worker, Exchange& exchange, const Batch<T>& batch);
    double output_loss(Replica& replica, Exchange& exchange, index_t rows);
    void backward(const Worker& worker, Replica& replica, const Batch<T>& batch,
                  const OptimizerStep<T>& step);

    const KernelTable<T>* kernels_;
    std::vector<Layer> layers_;
    LossSpec loss_;
    double nanoseconds_a_row_;
    std::vector<Shard<T>> shards_;
    std::vector<Replica> replicas_;   // one a worker
    Exchange exchanges_[2];           // of odd and even steps
    std::vector<PaddedMatrix<T>> d_;  // of each hidden layer but the first, (rows, units)
};

}  // namespace briskmlp
