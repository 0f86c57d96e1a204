#include "train/fit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <utility>

#include "base/cpu.h"
#include "base/random.h"
#include "kernels/dispatch.h"
#include "train/evaluate.h"
#include "train/minibatch.h"

namespace briskmlp {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

// Asks the observer now and then whether to stop. Reading the clock costs about 25 ns, so it is
// read only after work enough to hide that.
class Interrupt final : public Watch {
  public:
    explicit Interrupt(FitObserver& observer) : observer_(&observer) {}

    void tile_done(double nanoseconds) override {
        worked_ += nanoseconds;
        if (worked_ < kClockEvery || stopped()) {
            return;
        }
        worked_ = 0;
        if (seconds_since(last_) >= kAskEvery) {
            ask();
        }
    }

    void ask() {
        const KeepDenormals keep;
        last_ = Clock::now();
        try {
            if (observer_->interrupted()) {
                stop_.raise();
            }
        } catch (...) {  // must not leave the parallel region
            error_ = std::current_exception();
            stop_.raise();
        }
    }

    bool stopped() const override { return stop_.raised(); }
    std::exception_ptr error() const { return error_; }

  private:
    static constexpr double kClockEvery = 20e3;  // nanoseconds of estimated work
    static constexpr double kAskEvery = 20e-3;   // seconds

    FitObserver* observer_;
    Clock::time_point last_ = Clock::now();
    double worked_ = 0;
    Flag stop_;
    std::exception_ptr error_;
};

template <class T>
class Trainer {
  public:
    Trainer(Network<T>& net, const Dataset<T>& data, const FitOptions& options,
            FitObserver& observer)
        : net_(net),
          data_(data),
          options_(options),
          batch_size_(std::min(options.batch_size, data.x.rows)),
          plan_(make_plan(net, kernels_, batch_size_, PlanKind::kCheapest)),
          threads_(useful_threads(plan_.nanoseconds, options.threads)),
          weights_(net, kernels_, false),
          minibatch_(net, kernels_, weights_, plan_, batch_size_, data.y, threads_),
          order_(static_cast<std::size_t>(data.x.rows)),
          interrupt_(observer) {
        for (int i = 0; i < optimizer_state_arrays(options.optimizer); ++i) {
            state_[i] = LayerMatrices<T>(net.layers(), kernels_.lanes);
        }
        std::iota(order_.begin(), order_.end(), 0u);
    }

    // One epoch. Returns its mean loss; end() then says whether and why training cannot go on.
    double run_epoch(index_t epoch) {
        if (options_.shuffle) {
            shuffle(epoch);
        }
        double loss_sum = 0;
        parallel(threads_, [&](const Worker& worker) {
            const FlushDenormals flush;
            run_steps(worker, &loss_sum);
        });
        return loss_sum / static_cast<double>(data_.x.rows);
    }

    FitEnd end() const { return end_; }
    index_t step() const { return step_; }  // of the epoch, counted from 1: the last one begun
    Interrupt& interrupt() { return interrupt_; }

    // Takes the network's parameters as the observer may have left them.
    void reload() { weights_.load(net_); }

    // Brings the network up to date unless that would make it non-finite: then returns false.
    bool write_back() const {
        if (!weights_.matrices().finite()) {
            return false;
        }
        weights_.matrices().store(net_.parameters());
        return true;
    }

  private:
    // Fisher and Yates, with the numbers of the epoch's own stream.
    void shuffle(index_t epoch) {
        const CounterRng rng(options_.seed, RandomStream::kShuffle,
                             static_cast<std::uint64_t>(options_.first_epoch + epoch));
        const std::size_t rows = order_.size();
        std::iota(order_.begin(), order_.end(), 0u);
        for (std::size_t i = 0; i + 1 < rows; ++i) {
            std::swap(order_[i], order_[i + rng.below(i, rows - i)]);
        }
    }

    void run_steps(const Worker& worker, double* loss_sum) {
        const std::size_t first_tile = plan_.first_weight_tile(worker.index, worker.count);
        const std::size_t end_tile = plan_.first_weight_tile(worker.index + 1, worker.count);
        const index_t rows = data_.x.rows;
        const index_t steps = ceil_div(rows, batch_size_);
        for (index_t step = 0; step < steps; ++step) {
            const index_t first = step * batch_size_;
            const Batch<T> batch(data_, order_.data() + first,
                                 plan_.cut(std::min(batch_size_, rows - first)));
            minibatch_.run_rows(worker, batch, &interrupt_);
            worker.barrier();
            const double loss = minibatch_.loss(batch);
            const bool finite = std::isfinite(loss);
            if (worker.index == 0) {
                step_ = step + 1;
                *loss_sum += loss * static_cast<double>(batch.cut.rows);
                end_ = interrupt_.stopped() ? FitEnd::kInterrupted
                       : finite             ? FitEnd::kDone
                                            : FitEnd::kDiverged;
            }
            // Only worker 0 stops the interrupt, and before the barrier: all see the same here.
            if (interrupt_.stopped() || !finite) {
                return;
            }
            update_weights(worker, batch, steps_done_ + step + 1, first_tile, end_tile);
            worker.barrier();
        }
        if (worker.index == 0) {
            steps_done_ += steps;
        }
    }

    void update_weights(const Worker& worker, const Batch<T>& batch, index_t t,
                        std::size_t first_tile, std::size_t end_tile) {
        const OptimizerStep<T> update(kernels_, options_.optimizer, t);
        for (std::size_t i = first_tile; i < end_tile; ++i) {
            const WeightTile& tile = plan_.weight_tiles[i];
            const MatrixView<const T> gradient = minibatch_.weight_tile(worker, batch, tile);
            const MatrixView<T> w = weights_.w(tile.layer);
            const auto corner = [&](LayerMatrices<T>& matrices) {
                return matrices.empty() ? nullptr : matrices[tile.layer].row(tile.row) + tile.col;
            };
            update.apply(tile.rows, round_up(tile.cols, kernels_.lanes), gradient.data,
                         gradient.stride, w.row(tile.row) + tile.col, corner(state_[0]),
                         corner(state_[1]), w.stride);
            weights_.refresh(tile.layer, tile.row, tile.rows, tile.col, tile.cols);
        }
    }

    const KernelTable<T>& kernels_ = kernels<T>();
    Network<T>& net_;
    const Dataset<T>& data_;
    const FitOptions& options_;
    const index_t batch_size_;
    const Plan plan_;
    const index_t threads_;
    Weights<T> weights_;
    Minibatch<T> minibatch_;
    LayerMatrices<T> state_[2];
    std::vector<std::uint32_t> order_;
    Interrupt interrupt_;
    index_t steps_done_ = 0;
    index_t step_ = 0;
    FitEnd end_ = FitEnd::kDone;
};

// The parameters to go back to: those that the epoch of the lowest loss began with. An epoch's loss
// is measured as it runs, so it speaks for the parameters before it.
template <class T>
class Best {
  public:
    explicit Best(const Network<T>& net)
        : parameters_(net.parameters(), net.parameters() + net.num_parameters()) {}

    // `net` still has the parameters from before the epoch.
    void epoch_done(double loss, const Network<T>& net) {
        if (loss < loss_) {
            loss_ = loss;
            std::copy_n(net.parameters(), net.num_parameters(), parameters_.begin());
        }
    }
    void restore(Network<T>& net) const {
        std::copy(parameters_.begin(), parameters_.end(), net.parameters());
    }

  private:
    std::vector<T> parameters_;
    double loss_ = std::numeric_limits<double>::infinity();
};

}  // namespace

template <class T>
FitResult fit(Network<T>& net, const Dataset<T>& data, const Dataset<T>* eval,
              const FitOptions& options, FitObserver& observer) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    Trainer<T> trainer(net, data, options, observer);
    Interrupt& interrupt = trainer.interrupt();
    Best<T> best(net);
    FitResult result{FitEnd::kDone, 0, 0, {}};
    while (result.end == FitEnd::kDone && result.epoch < options.epochs) {
        const Clock::time_point start = Clock::now();
        const double loss = trainer.run_epoch(result.epoch++);
        result.end = trainer.end();
        result.step = trainer.step();
        if (result.end == FitEnd::kDone) {
            best.epoch_done(loss, net);
        }
        if (result.end == FitEnd::kDiverged || !trainer.write_back()) {
            result.end = FitEnd::kDiverged;
            best.restore(net);
            break;
        }
        if (result.end == FitEnd::kInterrupted) {
            break;
        }
        EpochReport report{result.epoch, loss, kNone, kNone, 0};
        if (eval != nullptr) {
            const Evaluation evaluation = evaluate(net, *eval, options.threads, &interrupt);
            if (!interrupt.stopped()) {
                report.eval_loss = evaluation.loss;
                report.eval_metric = evaluation.metric;
            }
        }
        report.seconds = seconds_since(start);
        result.epochs.push_back(report);
        if (!interrupt.stopped() && observer.epoch_done(report)) {
            result.end = FitEnd::kStopped;
        }
        if (result.epoch == options.epochs && !interrupt.stopped()) {
            interrupt.ask();  // what came since the last time must not wait for the caller
        }
        if (interrupt.stopped()) {
            result.end = FitEnd::kInterrupted;
        }
        trainer.reload();
    }
    if (interrupt.error()) {
        std::rethrow_exception(interrupt.error());
    }
    return result;
}

template FitResult fit(Network<float>&, const Dataset<float>&, const Dataset<float>*,
                       const FitOptions&, FitObserver&);
template FitResult fit(Network<double>&, const Dataset<double>&, const Dataset<double>*,
                       const FitOptions&, FitObserver&);

}  // namespace briskmlp
