#include "nn/loss.h"

#include "nn/names.h"

namespace briskmlp {
namespace {

// In the order of the enumeration.
constexpr LossInfo kLosses[] = {
    {Loss::kMse, "mse", Link::kIdentity, Metric::kRmse, 1},
    {Loss::kCrossEntropy, "cross_entropy", Link::kSoftmax, Metric::kAccuracy, 1},
    {Loss::kBinaryCrossEntropy, "binary_cross_entropy", Link::kSigmoid, Metric::kAccuracy, 1},
    {Loss::kGaussianNll, "gaussian_nll", Link::kMeanVariance, Metric::kRmse, 2},
};

template <class T>
index_t index_of_max(index_t n, const T* x) {
    index_t best = 0;
    for (index_t j = 1; j < n; ++j) {
        best = x[j] > x[best] ? j : best;
    }
    return best;
}

// What the metric averages, for one row.
template <class T>
double row_metric(Loss loss, index_t n, const T* z, const Targets<T>& target, index_t r) {
    const T* const values = target.values == nullptr ? nullptr : target.values + r * target.cols;
    double sum = 0;
    switch (loss) {
        case Loss::kCrossEntropy: {
            const index_t truth = values == nullptr ? target.labels[r] : index_of_max(n, values);
            return index_of_max(n, z) == truth ? 1 : 0;
        }
        case Loss::kBinaryCrossEntropy:
            for (index_t j = 0; j < n; ++j) {
                sum += (z[j] > 0) == (values[j] > T(0.5)) ? 1 : 0;
            }
            return sum / static_cast<double>(n);
        case Loss::kMse:
        case Loss::kGaussianNll:
            for (index_t j = 0; j < target.cols; ++j) {
                const double error = static_cast<double>(z[j]) - static_cast<double>(values[j]);
                sum += error * error;
            }
            return sum / static_cast<double>(target.cols);
    }
    return sum;
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

template <class T>
double evaluate_loss(const KernelTable<T>& kernels, Loss loss, index_t rows, index_t n, const T* z,
                     index_t ldz, const Targets<T>& target, const T* scale, T* d, index_t ldd) {
    if (target.labels != nullptr) {
        return kernels.cross_entropy_labels(rows, n, z, ldz, target.labels, target.weights, scale,
                                            d, ldd);
    }
    const index_t cols = target.cols;
    switch (loss) {
        case Loss::kMse:
            return kernels.mse(rows, n, z, ldz, target.values, cols, target.weights, scale, d, ldd);
        case Loss::kCrossEntropy:
            return kernels.cross_entropy_rows(rows, n, z, ldz, target.values, cols, target.weights,
                                              scale, d, ldd);
        case Loss::kBinaryCrossEntropy:
            return kernels.binary_cross_entropy(rows, n, z, ldz, target.values, cols,
                                                target.weights, scale, d, ldd);
        case Loss::kGaussianNll:
            return kernels.gaussian_nll(rows, cols, z, ldz, target.values, cols, target.weights,
                                        scale, d, ldd);
    }
    return 0;
}

template <class T>
double metric_sum(Loss loss, index_t rows, index_t n, const T* z, index_t ldz,
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
void apply_link(const KernelTable<T>& kernels, Link link, index_t rows, index_t n, T* z,
                index_t ldz) {
    switch (link) {
        case Link::kIdentity: return;
        case Link::kSoftmax: return kernels.softmax(rows, n, z, ldz, z, ldz);
        case Link::kSigmoid:
            return kernels.activation_forward[static_cast<int>(Activation::kSigmoid)](
                rows, n, z, ldz, z, ldz, nullptr, 0);
        case Link::kMeanVariance: return kernels.exp(rows, n / 2, z + n / 2, ldz);
    }
}

template double evaluate_loss(const KernelTable<float>&, Loss, index_t, index_t, const float*,
                              index_t, const Targets<float>&, const float*, float*, index_t);
template double evaluate_loss(const KernelTable<double>&, Loss, index_t, index_t, const double*,
                              index_t, const Targets<double>&, const double*, double*, index_t);
template double metric_sum(Loss, index_t, index_t, const float*, index_t, const Targets<float>&);
template double metric_sum(Loss, index_t, index_t, const double*, index_t, const Targets<double>&);
template void apply_link(const KernelTable<float>&, Link, index_t, index_t, float*, index_t);
template void apply_link(const KernelTable<double>&, Link, index_t, index_t, double*, index_t);

}  // namespace briskmlp
