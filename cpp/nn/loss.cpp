#include "nn/loss.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "nn/names.h"

namespace briskmlp {
namespace {

// In the order of the enumeration.
constexpr LossInfo kLosses[] = {
    {Loss::kMse, "mse", Link::kIdentity, Metric::kRmse, 0, 0},
    {Loss::kMae, "mae", Link::kIdentity, Metric::kRmse, 0, 0},
    {Loss::kHuber, "huber", Link::kIdentity, Metric::kRmse, 1, 1},
    {Loss::kLogCosh, "log_cosh", Link::kIdentity, Metric::kRmse, 0, 0},
    {Loss::kQuantile, "quantile", Link::kQuantiles, Metric::kCoverage, 1, kMaxQuantiles},
    {Loss::kCrossEntropy, "cross_entropy", Link::kSoftmax, Metric::kAccuracy, 0, 1},
    {Loss::kFocal, "focal", Link::kSoftmax, Metric::kAccuracy, 1, 1},
    {Loss::kBinaryCrossEntropy, "binary_cross_entropy", Link::kSigmoid, Metric::kAccuracy, 0, 0},
    {Loss::kGaussianNll, "gaussian_nll", Link::kMeanVariance, Metric::kRmse, 0, 0},
    {Loss::kPoisson, "poisson", Link::kExp, Metric::kRmse, 0, 0},
    {Loss::kGamma, "gamma", Link::kExp, Metric::kRmse, 0, 0},
    {Loss::kTweedie, "tweedie", Link::kExp, Metric::kRmse, 1, 1},
};
static_assert(std::size(kLosses) == kLossCount);

template <class T>
index_t index_of_max(index_t n, const T* x) {
    index_t best = 0;
    for (index_t j = 1; j < n; ++j) {
        best = x[j] > x[best] ? j : best;
    }
    return best;
}

template <class T>
double softplus(T z) {
    const auto x = static_cast<double>(z);
    return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

// Whether y lies between the lowest and the highest quantile, whose raw outputs are `cols` apart;
// of one alone, whether it lies below that.
template <class T>
bool covered(index_t levels, index_t cols, const T* z, T y) {
    const index_t middle = middle_quantile(levels);
    double highest = static_cast<double>(z[middle * cols]), lowest = highest;
    for (index_t k = 0; k < middle; ++k) {
        lowest -= softplus(z[k * cols]);
    }
    for (index_t k = middle + 1; k < levels; ++k) {
        highest += softplus(z[k * cols]);
    }
    const auto value = static_cast<double>(y);
    return value <= highest && (levels == 1 || value >= lowest);
}

// What the metric averages over the targets, for target j of a row.
template <class T>
double target_metric(const LossSpec& loss, index_t cols, const T* z, const T* values, index_t j) {
    switch (loss.info().metric) {
        case Metric::kAccuracy: return (z[j] > 0) == (values[j] > T(0.5)) ? 1 : 0;
        case Metric::kCoverage:
            return covered(loss.outputs_per_target(), cols, z + j, values[j]) ? 1 : 0;
        case Metric::kRmse: break;
    }
    const auto raw = static_cast<double>(z[j]);
    const double prediction = loss.info().link == Link::kExp ? std::exp(raw) : raw;
    const double error = prediction - static_cast<double>(values[j]);
    return error * error;
}

// What the metric averages, for one row.
template <class T>
double row_metric(const LossSpec& loss, index_t n, const T* z, const Targets<T>& target,
                  index_t r) {
    const T* const values = target.values == nullptr ? nullptr : target.values + r * target.cols;
    if (loss.info().link == Link::kSoftmax) {
        const index_t truth = values == nullptr ? target.labels[r] : index_of_max(n, values);
        return index_of_max(n, z) == truth ? 1 : 0;
    }
    double sum = 0;
    for (index_t j = 0; j < target.cols; ++j) {
        sum += target_metric(loss, target.cols, z, values, j);
    }
    return sum / static_cast<double>(target.cols);
}

}  // namespace

const LossInfo& loss_info(Loss loss) { return kLosses[static_cast<int>(loss)]; }

std::vector<std::string> loss_names() {
    std::vector<std::string> names;
    for (const LossInfo& info : kLosses) {
        names.emplace_back(info.name);
    }
    return names;
}

Loss loss_from_name(const std::string& name) {
    return kLosses[find_name("loss", name, loss_names())].kind;
}

const char* metric_name(Metric metric) {
    switch (metric) {
        case Metric::kAccuracy: return "accuracy";
        case Metric::kCoverage: return "coverage";
        case Metric::kRmse: break;
    }
    return "rmse";
}

LossSpec::LossSpec(Loss kind_, std::vector<double> settings_)
    : kind(kind_), settings(std::move(settings_)) {
    const auto count = static_cast<index_t>(settings.size());
    require(count >= info().least_settings && count <= info().most_settings,
            std::string("loss '") + info().name + "' takes from " +
                std::to_string(info().least_settings) + " to " +
                std::to_string(info().most_settings) + " settings, got " + std::to_string(count));
}

index_t LossSpec::outputs_per_target() const {
    switch (kind) {
        case Loss::kGaussianNll: return 2;
        case Loss::kQuantile: return static_cast<index_t>(settings.size());
        default: return 1;
    }
}

template <class T>
double evaluate_loss(const KernelTable<T>& kernels, const LossSpec& loss, index_t rows, index_t n,
                     const T* z, index_t ldz, const Targets<T>& target, const T* scale, T* d,
                     index_t ldd) {
    const index_t cols = target.labels != nullptr ? n : target.cols;
    return kernels.loss[static_cast<int>(loss.kind)](
        {rows, cols, z, ldz, target.values, cols, target.labels, target.weights, scale,
         loss.settings.data(), static_cast<index_t>(loss.settings.size()), d, ldd});
}

template <class T>
double metric_sum(const LossSpec& loss, index_t rows, index_t n, const T* z, index_t ldz,
                  const Targets<T>& target) {
    double sum = 0;
    for (index_t r = 0; r < rows; ++r) {
        const double weight =
            target.weights == nullptr ? 1 : static_cast<double>(target.weights[r]);
        sum += weight * row_metric(loss, n, z + r * ldz, target, r);
    }
    return sum;
}

template <class T>
void apply_link(const KernelTable<T>& kernels, const LossSpec& loss, index_t rows, index_t n, T* z,
                index_t ldz) {
    switch (loss.info().link) {
        case Link::kIdentity: return;
        case Link::kSoftmax: return kernels.softmax(rows, n, z, ldz, z, ldz);
        case Link::kSigmoid:
            return kernels.activation_forward[static_cast<int>(Activation::kSigmoid)](
                rows, n, z, ldz, z, ldz, nullptr, 0);
        case Link::kExp: return kernels.exp(rows, n, z, ldz);
        case Link::kMeanVariance: return kernels.exp(rows, n / 2, z + n / 2, ldz);
        case Link::kQuantiles: {
            const index_t levels = loss.outputs_per_target();
            return kernels.quantiles(rows, n / levels, levels, z, ldz);
        }
    }
}

#define BRISKMLP_INSTANTIATE(T)                                                                 \
    template double evaluate_loss(const KernelTable<T>&, const LossSpec&, index_t, index_t,     \
                                  const T*, index_t, const Targets<T>&, const T*, T*, index_t); \
    template double metric_sum(const LossSpec&, index_t, index_t, const T*, index_t,            \
                               const Targets<T>&);                                              \
    template void apply_link(const KernelTable<T>&, const LossSpec&, index_t, index_t, T*, index_t);
BRISKMLP_INSTANTIATE(float)
BRISKMLP_INSTANTIATE(double)
#undef BRISKMLP_INSTANTIATE

}  // namespace briskmlp
