// The table of losses. Each has a link, which takes raw outputs to the target's space, so that its
// gradient with respect to the raw outputs is fused and stable.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"
#include "kernels/table.h"

namespace briskmlp {

enum class Loss { kMse, kCrossEntropy, kBinaryCrossEntropy, kGaussianNll };
enum class Link { kIdentity, kSoftmax, kSigmoid, kMeanVariance };
enum class Metric { kRmse, kAccuracy };

struct LossInfo {
    Loss kind;
    const char* name;
    Link link;
    Metric metric;
    index_t outputs_per_target;  // 2 for gaussian_nll: a mean and a log-variance
};

const LossInfo& loss_info(Loss loss);
std::vector<std::string> loss_names();
Loss loss_from_name(const std::string& name);  // throws std::invalid_argument

// What the rows of a data set should come out as.
template <class T>
struct Targets {
    const std::int32_t* labels;  // (rows) class numbers in [0, outputs), or null
    const T* values;             // (rows, cols) row-major, or null
    index_t cols;                // of values: outputs / outputs_per_target
    const T* weights;            // (rows) non-negative, or null for all 1
};

// Loss of `rows` rows whose raw outputs are z (rows, n), targets contiguous from their first row;
// weights and scale as in KernelTable. Returns the weighted sum; d may be null or z.
template <class T>
double evaluate_loss(const KernelTable<T>& kernels, Loss loss, index_t rows, index_t n, const T* z,
                     index_t ldz, const Targets<T>& target, const T* scale, T* d, index_t ldd);

// The weighted sum over `rows` rows of what the metric averages: rows classified rightly, or the
// mean squared error of the row (of its means, for gaussian_nll).
template <class T>
double metric_sum(Loss loss, index_t rows, index_t n, const T* z, index_t ldz,
                  const Targets<T>& target);

// From raw outputs to the target's space, in place.
template <class T>
void apply_link(const KernelTable<T>& kernels, Link link, index_t rows, index_t n, T* z,
                index_t ldz);

}  // namespace briskmlp
