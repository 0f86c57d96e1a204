// The optimizers: their settings, and the scalars of each step. The update itself is a kernel.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "kernels/table.h"

namespace briskmlp {

enum class OptimizerKind { kSgd, kAdam, kAdamW, kNadam, kRadam, kRmsprop, kAdagrad, kLion, kMuon };

// Settings as in the papers and in PyTorch.
struct OptimizerSpec {
    OptimizerKind kind = OptimizerKind::kAdam;
    double learning_rate = 1e-3;
    double weight_decay =
        0;                  // kAdamW, kLion, kMuon: decoupled; the others: joins the gradient (L2)
    double momentum = 0;    // kSgd, kRmsprop, kMuon
    bool nesterov = false;  // kSgd
    double beta1 = 0.9, beta2 = 0.999;  // of the running means; kRmsprop has the second only
    double epsilon = 1e-8;
    double momentum_decay = 4e-3;  // kNadam

    // Other ways of the two oldest, which scikit-learn has.
    bool decoupled = false;         // kSgd: weight_decay as kAdamW's
    bool rate_in_velocity = false;  // kSgd: each gradient enters it with the rate of its own step
    bool plain_epsilon = false;     // kAdam, kAdamW: added before the bias of v is taken away

    // What all of them can do.
    std::vector<double> layer_rates;  // a factor of the learning rate for each layer, or empty
    bool decay_biases = true;         // whether weight decay and L1 take the biases too
    // This much of the weights, by the sum of the batch's weights, joins the gradient: the slope of
    // a penalty on the sum of the rows' losses instead of their mean. Not kMuon.
    double row_decay = 0;
    double l1 = 0;  // this much of the sign of the weights joins the gradient
    static constexpr double kNoLimit = std::numeric_limits<double>::infinity();
    double clip_value = kNoLimit;  // of each entry of the gradient
    double clip_norm = kNoLimit;   // of the whole gradient
    double average = 0;            // how much of the weights' running mean a step keeps; 0: no mean
};

// "sgd", "adam", "adamw", "nadam", "radam", "rmsprop", "adagrad", "lion", "muon"
OptimizerKind optimizer_from_name(const std::string& name);

// What an optimizer keeps beside the parameters.
struct OptimizerNeeds {
    int state_arrays;  // 0 to 2 numbers a parameter
    bool average;      // and one more for the running mean
    bool gradient;     // the whole gradient, before any parameter is changed
    bool directions;   // made of it as a whole for matrices between hidden units

    bool operator==(const OptimizerNeeds& other) const {
        return state_arrays == other.state_arrays && average == other.average &&
               gradient == other.gradient && directions == other.directions;
    }
};
OptimizerNeeds optimizer_needs(const OptimizerSpec& spec);

// One step of an optimizer, for any tile of parameters. Refers to its settings.
template <class T>
class OptimizerStep {
  public:
    std::int64_t number() const { return number_; }  // counted from 1

    // A tile of one layer's parameters, of (rows, cols), cols padded.
    struct Tile {
        index_t rows, cols;
        T *w, *state1, *state2, *average;  // with stride ldw; null where there is none
        index_t ldw;
        std::size_t layer;
        bool biases;
        // What multiplies Muon's step, whose direction is given; 0: Adam's step.
        double muon_length = 0;
    };
    // Whether the tile of a bias needs a call of its own.
    bool tells_biases_apart() const { return !spec_->decay_biases || is_muon(); }
    // Whether matrices between hidden units get a direction of their own instead of the gradient.
    bool is_muon() const { return spec_->kind == OptimizerKind::kMuon; }
    double momentum() const { return spec_->momentum; }

    // Limits the norm of a gradient, of which this is a tile.
    void shorten(double norm, index_t rows, index_t cols, T* g, index_t ldg) const;
    // Penalty and limit of the single entries, in place.
    void adjust(const Tile& tile, T* g, index_t ldg) const;
    // The update itself, and the running mean's.
    void apply(const Tile& tile, const T* g, index_t ldg) const;

  private:
    template <class>
    friend class Optimizer;
    OptimizerStep(const KernelTable<T>& kernels, const OptimizerSpec& spec, std::int64_t number,
                  double rate_factor, double batch_scale, double momentum_product);

    UpdateScalars<T> scalars(double rate_factor, bool decays) const;
    void apply_muon(const Tile& tile, const T* g, index_t ldg) const;
    void set_nadam(double momentum_product);
    void set_radam();

    const KernelTable<T>* kernels_;
    const OptimizerSpec* spec_;
    std::int64_t number_;
    Update<T> update_;
    double rate_;       // with the schedule's factor
    double row_decay_;  // by the sum of the batch's weights
    // Of Adam and its relatives, for a learning rate of 1.
    double size_ = 1, inv_sqrt_bias2_ = 1, epsilon_, gradient_size_ = 0;
    T average_rest_ = 0;
    UpdateScalars<T> common_;  // of all layers, if they have no rates of their own
};

// An optimizer at work: it counts the steps.
template <class T>
class Optimizer {
  public:
    // After so many steps.
    Optimizer(const KernelTable<T>& kernels, const OptimizerSpec& spec, std::int64_t steps = 0);

    // The next step, with the learning rate times a factor, by a batch the sum of whose weights is
    // 1 / batch_scale.
    OptimizerStep<T> next(double rate_factor, double batch_scale = 1);

  private:
    const KernelTable<T>* kernels_;
    const OptimizerSpec* spec_;
    void count();

    std::int64_t steps_ = 0;
    double momentum_product_ = 1;  // of kNadam's momenta until now
};

}  // namespace briskmlp
