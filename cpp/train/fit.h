// The training loop: epochs of shuffled minibatches, evaluation after each, stopping.
#pragma once

#include <vector>

#include "nn/network.h"
#include "nn/optimizer.h"
#include "train/dataset.h"
#include "train/training.h"

namespace briskmlp {

struct FitOptions {
    index_t epochs;      // >= 1
    index_t batch_size;  // >= 1; the last batch of an epoch may be smaller
    bool shuffle;
    std::uint64_t seed;   // of the shuffles
    index_t first_epoch;  // epochs this network was trained for before: they number the shuffles
    index_t batches_per_step;  // that make up one step of the optimizer; 1 with row_decay
    index_t steps_before;      // of the optimizer, in the training that this one goes on with
    OptimizerSpec optimizer;
    std::vector<double> dropout;  // as in train/dropout.h
    std::vector<double> noise;    // the deviations of train/input_noise.h
    index_t threads;              // at most this many
    double gradient_factor = 1;   // of the loss's gradient, in every step
    bool penalty = false;         // whether it is reported
    // Whether hidden layers pass on what train/batch_norm.h makes of their outputs; needs hidden
    // layers, no other norm, and batches of two rows or more. The network has the layers that do
    // without (train/folding.h): before the fit too if `folded`, else parameters to begin with.
    bool batch_norm = false, folded = true;
};

struct EpochReport {
    index_t epoch;                  // counted from 1 in this fit
    double loss;                    // mean over the epoch's rows, each as its batch saw it
    double eval_loss, eval_metric;  // after the epoch; NaN without evaluation data
    double seconds;                 // of training and evaluation
    // The mean, over the rows, of their batch's penalty row_decay / 2 times the sum of the squares
    // of the weights by the sum of the batch's, before its step; 0 unless asked for.
    double penalty;
};

enum class FitEnd { kDone, kStopped, kInterrupted, kDiverged };

struct FitResult {
    FitEnd end;
    index_t epoch, step;   // where it ended, counted from 1
    index_t batches_done;  // of that epoch, the interrupted one not among them
    std::vector<EpochReport> epochs;
};

// How the caller follows a fit. These are called on the calling thread, with the network's
// parameters up to date in epoch_done only. They may throw: the fit ends as if they had returned
// true and the exception passes on.
class FitObserver {
  public:
    virtual ~FitObserver() = default;
    virtual bool epoch_done(const EpochReport& report) = 0;  // true: stop after this epoch
    // What to multiply the learning rate by in each of the epoch's batches, valid until the next
    // call; null for 1. Called before every epoch.
    virtual const double* rate_factors(index_t epoch, index_t batches) = 0;
    // The numbers (rows), each below `rows`, of the rows that the epoch consists of, in their
    // order, valid until the next call; null for all as FitOptions says. Called before every epoch.
    virtual const std::uint32_t* order(index_t /*epoch*/, index_t /*rows*/) { return nullptr; }
    // Where to write the mean loss of each of the epoch's batches; null for nowhere. Called before
    // every epoch. Of an epoch that ends early the later entries stay as they are.
    virtual double* batch_losses(index_t /*epoch*/, index_t /*batches*/) { return nullptr; }
    // Whether epoch_done may change the network's parameters.
    virtual bool changes_parameters() const { return true; }
    virtual bool interrupted() = 0;  // polled about every 20 ms; true: stop after this step
};

// Trains in place. However it ends, the parameters are finite and whole: those of the last finished
// step after kDone, kStopped and kInterrupted; those with which the epoch of the lowest loss
// began (those before the fit, if no epoch was finished) after kDiverged. Preconditions: x.cols ==
// net.inputs(), inputs and targets finite, labels in range, at least one row, at most 2^32 - 1;
// `training` new, or from a fit of this same network. With `resumed`, which has all that the
// optimizer keeps, it goes on from there, with the bits of a fit that was never interrupted.
template <class T>
FitResult fit(Network<T>& net, Training<T>& training, const Dataset<T>& data,
              const Dataset<T>* eval, const FitOptions& options, FitObserver& observer,
              const TrainingState<const T>* resumed = nullptr);

}  // namespace briskmlp
