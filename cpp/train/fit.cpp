#include "train/fit.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernels/dispatch.h"
#include "train/evaluate.h"
#include "train/folding.h"
#include "train/interrupt.h"
#include "train/step.h"

namespace briskmlp {
namespace {

template <class T>
class Trainer {
  public:
    Trainer(Network<T>& net, Training<T>& training, const Dataset<T>& data,
            const FitOptions& options, FitObserver& observer, const TrainingState<const T>* resumed)
        : net_(net),
          kernels_(kernels<T>()),
          optimizer_(kernels_, options.optimizer, options.steps_before),
          dropout_{options.dropout, options.seed},
          noise_{&kernels_, {options.noise.begin(), options.noise.end()}, options.seed},
          data_(data),
          options_(options),
          batch_size_(std::min(options.batch_size, data.x.rows)),
          steps_(ceil_div(data.x.rows, batch_size_)),
          order_(static_cast<std::size_t>(data.x.rows)),
          interrupt_(observer) {
        StepNeeds needs{
            optimizer_needs(options.optimizer),
            !options.dropout.empty(),
            data.external != nullptr,
            options.penalty,
            options.batch_norm,
            options.noise.empty() && suits_sparse(kernels_, data.x, net.layers().front().out)};
        needs.optimizer.gradient = needs.optimizer.gradient || options.batches_per_step > 1;
        const Plan plan = needs.external_loss || needs.batch_norm
                              ? make_plan(net, kernels_, batch_size_, PlanKind::kTwoPhase)
                              : make_plan(net, kernels_, batch_size_, !needs.optimizer.gradient);
        team_ = &training.team(plan, steps_, options.threads);
        if (needs.batch_norm) {
            folding_.emplace(net, data, team_->most());
        }
        step_ = &training.step(net, kernels_, plan, needs, batch_size_, data.y, team_->most());
        step_->make_room(data.x);
        std::iota(order_.begin(), order_.end(), 0u);
        const bool unfolds = folding_.has_value() && options.folded && resumed == nullptr;
        const Network<T>& begin = unfolds ? folding_->unfolded(net) : net;
        parallel(threads_for_parameters(), [&](const Worker& worker) {
            step_->restart(worker);
            worker.barrier();  // shares of that are not shares of what follows
            resumed == nullptr ? step_->load(worker, begin) : step_->load_state(worker, *resumed);
        });
        step_->take_penalty();  // of a fit before
    }

    // One epoch over the rows in the order given, or null for the options'; with the learning rate
    // times a factor in each batch, or null for 1. Returns its mean loss; end() then says whether
    // and why training cannot go on. The losses of its batches go to `losses` unless that is null.
    double run_epoch(index_t epoch, const std::uint32_t* order, const double* rate_factors,
                     double* losses) {
        if (order == nullptr && options_.shuffle) {
            shuffle(epoch);
        }
        epoch_order_ = order == nullptr ? order_.data() : order;
        first_batch_ = (options_.first_epoch + epoch) * steps_;
        loss_sum_ = 0;
        end_ = StepEnd::kUpdated;
        steps_begun_ = steps_done_ = 0;
        losses_ = losses;
        while (end_ == StepEnd::kUpdated && steps_begun_ < steps_) {
            const index_t first = steps_begun_;
            const index_t count = std::min(team_->steps(), steps_ - first);
            const Clock::time_point start = Clock::now();
            parallel(team_->threads(), [&](const Worker& worker) {
                const FlushDenormals flush;
                run_steps(worker, first, count, rate_factors);
            });
            team_->measured(steps_begun_ - first, seconds_since(start));
        }
        return loss_sum_ / static_cast<double>(data_.x.rows);
    }

    FitEnd end() const {
        switch (end_) {
            case StepEnd::kStopped: return FitEnd::kInterrupted;
            case StepEnd::kDiverged: return FitEnd::kDiverged;
            case StepEnd::kUpdated: break;
        }
        return FitEnd::kDone;
    }
    // Of the epoch, when it is over.
    double penalty() {
        return step_->take_penalty() * options_.optimizer.row_decay / 2 /
               static_cast<double>(data_.x.rows);
    }
    index_t steps() const { return steps_; }       // in an epoch
    index_t step() const { return steps_begun_; }  // of the epoch, counted from 1: the last begun
    index_t steps_done() const { return steps_done_; }
    Interrupt& interrupt() { return interrupt_; }

    // Takes the network's parameters if they are not those that it last stored.
    void load_changes() {
        const bool matches =
            folding_.has_value()
                ? folding_->matches(net_)
                : by_all([&](const Worker& worker) { return step_->matches(worker, net_); });
        if (!matches) {
            const Network<T>& changed = folding_.has_value() ? folding_->unfolded(net_) : net_;
            parallel(threads_for_parameters(),
                     [&](const Worker& worker) { step_->load(worker, changed); });
        }
    }

    // Makes ready what the network is to have: whether that is finite, and all that leads to it.
    bool settle() {
        if (!by_all([&](const Worker& worker) { return step_->finite(worker); })) {
            return false;
        }
        return !folding_.has_value() || folding_->fold([&](Network<T>& net) {
            parallel(threads_for_parameters(),
                     [&](const Worker& worker) { step_->store(worker, net); });
        });
    }

    // Brings the network up to date, once that is settled. What it had before goes to `before`
    // unless that is null.
    void store(T* before) {
        const index_t size = net_.num_parameters();
        parallel(threads_for_parameters(), [&](const Worker& worker) {
            if (before != nullptr) {
                std::copy(net_.parameters() + worker.begin(size),
                          net_.parameters() + worker.end(size), before + worker.begin(size));
                worker.barrier();
            }
            if (!folding_.has_value()) {
                step_->store(worker, net_);
            }
        });
        if (folding_.has_value()) {
            folding_->give(net_);
        }
    }

  private:
    // Whether every worker says yes.
    template <class Question>
    bool by_all(Question question) const {
        Flag no;
        parallel(threads_for_parameters(), [&](const Worker& worker) {
            if (!question(worker)) {
                no.raise();
            }
        });
        return !no.raised();
    }

    // To go through the parameters takes about a nanosecond for each.
    index_t threads_for_parameters() const {
        return useful_threads(static_cast<double>(net_.num_parameters()), team_->most());
    }

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

    // Steps [first, first + count) of the epoch, as far as they can go on.
    void run_steps(const Worker& worker, index_t first, index_t count, const double* rate_factors) {
        Optimizer<T> optimizer = optimizer_;  // each worker counts for itself
        std::optional<OptimizerStep<T>> optimizer_step = optimizer_step_;
        for (index_t step = first; step < first + count; ++step) {
            const index_t row = step * batch_size_;
            const index_t rows = std::min(batch_size_, data_.x.rows - row);
            Batch<T> batch(data_, epoch_order_ + row, rows);
            const index_t part = step % options_.batches_per_step;
            const index_t parts = std::min(options_.batches_per_step, steps_ - (step - part));
            batch.begins = part == 0;
            batch.ends = part + 1 == parts;
            batch.share = options_.gradient_factor / static_cast<double>(parts);
            batch.dropout = dropout_.shares.empty() ? nullptr : &dropout_;
            batch.noise = noise_.deviations.empty() ? nullptr : &noise_;
            batch.number = static_cast<std::uint64_t>(first_batch_ + step);
            if (batch.begins) {
                const double factor = rate_factors == nullptr ? 1 : rate_factors[step];
                optimizer_step = optimizer.next(factor, batch.scale);
            }
            const StepResult result = step_->run(worker, batch, *optimizer_step, interrupt_);
            if (worker.index == 0) {
                end_ = result.end;
                steps_begun_ = step + 1;
                steps_done_ += result.end == StepEnd::kUpdated ? 1 : 0;
                loss_sum_ += result.loss * static_cast<double>(rows);
                if (losses_ != nullptr) {
                    losses_[step] = result.loss;
                }
            }
            if (result.end != StepEnd::kUpdated) {
                return;
            }
        }
        // All have their copies by now: every step has a barrier.
        if (worker.index == 0) {
            optimizer_ = optimizer;
            optimizer_step_ = optimizer_step;
        }
    }

    Network<T>& net_;
    const KernelTable<T>& kernels_;
    Optimizer<T> optimizer_;
    std::optional<OptimizerStep<T>> optimizer_step_;  // the latest
    const Dropout dropout_;
    const InputNoise<T> noise_;
    const Dataset<T>& data_;
    const FitOptions& options_;
    const index_t batch_size_, steps_;
    Step<T>* step_;
    std::optional<Folding<T>> folding_;  // with batch norm
    Team* team_;
    std::vector<std::uint32_t> order_;
    Interrupt interrupt_;
    index_t first_batch_ = 0;  // of this epoch: its number in the network's life
    const std::uint32_t* epoch_order_ = nullptr;
    // Of this epoch, written by worker 0.
    index_t steps_begun_ = 0, steps_done_ = 0;
    double loss_sum_ = 0;
    double* losses_ = nullptr;
    StepEnd end_ = StepEnd::kUpdated;
};

// The parameters to go back to: those that the epoch of the lowest loss began with. An epoch's loss
// is measured as it runs, so it speaks for the parameters before it, which the network has until
// they are overwritten.
template <class T>
class Best {
  public:
    // `room` for the network's parameters; null for a fit of one epoch, of which nothing is kept.
    explicit Best(T* room) : parameters_(room) {}

    void epoch_done(double loss) {
        in_network_ = loss < loss_;
        loss_ = std::min(loss, loss_);
    }
    // Where to keep what the network has before it is overwritten; null where there is no need.
    T* keep() { return std::exchange(in_network_, false) ? parameters_ : nullptr; }

    void restore(Network<T>& net) const {
        if (!in_network_) {
            std::copy_n(parameters_, net.num_parameters(), net.parameters());
        }
    }

  private:
    T* parameters_;
    double loss_ = std::numeric_limits<double>::infinity();
    bool in_network_ = true;
};

}  // namespace

template <class T>
FitResult fit(Network<T>& net, Training<T>& training, const Dataset<T>& data,
              const Dataset<T>* eval, const FitOptions& options, FitObserver& observer,
              const TrainingState<const T>* resumed) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    // Epochs whose reports have their memory before anything changes; who asks for more may well
    // mean to stop before.
    constexpr index_t kReports = 10'000;
    Trainer<T> trainer(net, training, data, options, observer, resumed);
    Interrupt& interrupt = trainer.interrupt();
    std::optional<Evaluator<T>> evaluator;  // its memory too is there before anything changes
    if (eval != nullptr) {
        evaluator.emplace(net, *eval, options.threads);
    }
    Best<T> best(options.epochs > 1 ? training.spare_parameters(net) : nullptr);
    FitResult result{FitEnd::kDone, 0, 0, 0, {}};
    result.epochs.reserve(static_cast<std::size_t>(std::min(options.epochs, kReports)));
    while (result.end == FitEnd::kDone && result.epoch < options.epochs) {
        const Clock::time_point start = Clock::now();
        const double* const rate_factors = observer.rate_factors(result.epoch, trainer.steps());
        const std::uint32_t* const order = observer.order(result.epoch, data.x.rows);
        double* const losses = observer.batch_losses(result.epoch, trainer.steps());
        const double loss = trainer.run_epoch(result.epoch++, order, rate_factors, losses);
        result.end = trainer.end();
        result.step = trainer.step();
        result.batches_done = trainer.steps_done();
        if (result.end == FitEnd::kDone) {
            best.epoch_done(loss);
        }
        if (result.end == FitEnd::kDiverged || !trainer.settle()) {
            result.end = FitEnd::kDiverged;
            best.restore(net);
            training.forget_step();
            break;
        }
        trainer.store(result.epoch < options.epochs ? best.keep() : nullptr);
        if (result.end == FitEnd::kInterrupted) {
            break;
        }
        EpochReport report{result.epoch, loss, kNone, kNone, 0, trainer.penalty()};
        if (evaluator.has_value()) {
            const Evaluation evaluation = evaluator->run(&interrupt);
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
        if (observer.changes_parameters()) {
            trainer.load_changes();
        }
    }
    if (interrupt.error()) {
        std::rethrow_exception(interrupt.error());
    }
    return result;
}

template FitResult fit(Network<float>&, Training<float>&, const Dataset<float>&,
                       const Dataset<float>*, const FitOptions&, FitObserver&,
                       const TrainingState<const float>*);
template FitResult fit(Network<double>&, Training<double>&, const Dataset<double>&,
                       const Dataset<double>*, const FitOptions&, FitObserver&,
                       const TrainingState<const double>*);

}  // namespace briskmlp
