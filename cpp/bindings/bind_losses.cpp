// Losses of arrays outside a network.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "nn/loss.h"
#include "bindings/gil.h"
#include "bindings/numpy_bridge.h"
#include "bindings/pybind.h"

namespace briskmlp {
namespace {

// Rows whose losses are added one after another; the sums of the chunks are added in their order,
// so that the number of threads does not matter.
constexpr index_t kChunkRows = 256;
constexpr double kNanosecondsPerElement = 1;

// The mean of the rows' losses. d (rows, n), unless null, receives its gradient by z (rows, n).
template <class T>
double mean_loss(const LossSpec& loss, index_t rows, index_t n, const T* z,
                 const Targets<T>& targets, T* d) {
    const index_t chunks = (rows + kChunkRows - 1) / kChunkRows;
    std::vector<double> sums(static_cast<std::size_t>(chunks));
    const std::vector<T> scale(static_cast<std::size_t>(kChunkRows),
                               static_cast<T>(1.0 / static_cast<double>(rows)));
    const double nanoseconds = kNanosecondsPerElement * static_cast<double>(rows * n);
    parallel(useful_threads(nanoseconds, num_threads()), [&](const Worker& worker) {
        for (index_t c = worker.begin(chunks); c < worker.end(chunks); ++c) {
            const index_t first = c * kChunkRows, count = std::min(kChunkRows, rows - first);
            Targets<T> part = targets;
            part.labels = part.labels == nullptr ? nullptr : part.labels + first;
            part.values = part.values == nullptr ? nullptr : part.values + first * part.cols;
            sums[static_cast<std::size_t>(c)] =
                evaluate_loss(kernels<T>(), loss, count, n, z + first * n, n, part, scale.data(),
                              d == nullptr ? nullptr : d + first * n, n);
        }
    });
    double total = 0;
    for (const double sum : sums) {
        total += sum;
    }
    return total / static_cast<double>(rows);
}

template <class T>
double checked_loss(const LossSpec& loss, const py::array& z, const py::array& y,
                    std::optional<py::array>& d) {
    const index_t rows = z.ndim() == 2 ? z.shape(0) : 0, n = z.ndim() == 2 ? z.shape(1) : 0;
    require(rows >= 1 && n >= 1 && loss.outputs_per_target() == 1,
            "expected a loss of one output a target, and a matrix that is not empty");
    const T* const outputs = elements<T>(z, {rows, n}, "z");
    T* const gradient = d.has_value() ? writable_elements<T>(*d, {rows, n}, "d") : nullptr;
    Targets<T> targets{};
    targets.cols = n;
    set_targets(targets, loss.kind, rows, n, y);
    const GilReleased release;
    return mean_loss(loss, rows, n, outputs, targets, gradient);
}

double loss_of(const std::string& name, const py::array& z, const py::array& y,
               std::optional<py::array> d) {
    const LossSpec loss(loss_from_name(name));
    return py::isinstance<py::array_t<double>>(z) ? checked_loss<double>(loss, z, y, d)
                                                  : checked_loss<float>(loss, z, y, d);
}

}  // namespace

void bind_losses(py::module_& m) {
    m.def("loss_of", &loss_of, py::arg("loss"), py::arg("z"), py::arg("y"), py::arg("d"),
          "The mean loss of raw outputs z (M, out); d, unless None, receives its gradient by z.");
}

}  // namespace briskmlp
