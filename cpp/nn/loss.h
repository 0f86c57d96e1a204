// The table of losses. Each has a link, which takes raw outputs to the target's space, so that its
// gradient with respect to the raw outputs is fused and stable.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"
#include "kernels/table.h"

namespace briskmlp {

enum class Link { kIdentity, kSoftmax, kSigmoid, kExp, kMeanVariance, kQuantiles };
// Coverage is the share of targets that lie between the lowest and the highest quantile.
enum class Metric { kRmse, kAccuracy, kCoverage };

struct LossInfo {
    Loss kind;
    const char* name;
    Link link;
    Metric metric;
    index_t least_settings, most_settings;
};

const LossInfo& loss_info(Loss loss);
std::vector<std::string> loss_names();
Loss loss_from_name(const std::string& name);  // throws std::invalid_argument
const char* metric_name(Metric metric);

// A loss and its settings: Huber's delta, Tweedie's power, focal's gamma, the smoothing of
// cross_entropy (none if it is left out), the levels of the quantiles in ascending order. They must
// be within their ranges, which is the caller's business.
struct LossSpec {
    Loss kind;
    std::vector<double> settings;

    // Throws std::invalid_argument unless the loss has that many settings.
    LossSpec(Loss kind_, std::vector<double> settings_ = {});

    const LossInfo& info() const { return loss_info(kind); }
    // 2 for gaussian_nll, a mean and a log-variance; the number of quantiles; else 1.
    index_t outputs_per_target() const;
};

// What the rows of a data set should come out as.
template <class T>
struct Targets {
    const std::int32_t* labels;  // (rows) class numbers in [0, outputs), or null
    const T* values;             // (rows, cols) row-major, or null; null for focal
    index_t cols;                // of values: outputs / outputs_per_target
    const T* weights;            // (rows) non-negative, or null for all 1
};

// Loss of `rows` rows whose raw outputs are z (rows, n), targets contiguous from their first row;
// weights and scale as in LossRows. Returns the weighted sum; d may be null or z.
template <class T>
double evaluate_loss(const KernelTable<T>& kernels, const LossSpec& loss, index_t rows, index_t n,
                     const T* z, index_t ldz, const Targets<T>& target, const T* scale, T* d,
                     index_t ldd);

// The weighted sum over `rows` rows of what the metric averages: rows classified rightly, targets
// covered, or the mean squared error of the row's predictions (of its means, for gaussian_nll).
template <class T>
double metric_sum(const LossSpec& loss, index_t rows, index_t n, const T* z, index_t ldz,
                  const Targets<T>& target);

// From raw outputs to the target's space, in place.
template <class T>
void apply_link(const KernelTable<T>& kernels, const LossSpec& loss, index_t rows, index_t n, T* z,
                index_t ldz);

}  // namespace briskmlp
