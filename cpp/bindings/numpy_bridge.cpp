#include "bindings/numpy_bridge.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "bindings/gil.h"

namespace briskmlp {
namespace {

std::string text(Shape shape) {
    std::string result = "(";
    for (const index_t size : shape) {
        result += std::to_string(size) + ",";
    }
    return result + ")";
}

bool is_aligned(const py::array& array) {
    return (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

struct DTypeRow {
    char kind;  // NumPy's: bool, int, unsigned, float
    index_t bytes;
    DType dtype;
};
constexpr DTypeRow kDTypes[] = {
    {'b', 1, DType::kBool},    {'i', 1, DType::kInt8},    {'u', 1, DType::kUint8},
    {'i', 2, DType::kInt16},   {'u', 2, DType::kUint16},  {'i', 4, DType::kInt32},
    {'u', 4, DType::kUint32},  {'i', 8, DType::kInt64},   {'u', 8, DType::kUint64},
    {'f', 4, DType::kFloat32}, {'f', 8, DType::kFloat64},
};

DType dtype_of(const py::array& array) {
    const py::dtype dtype = array.dtype();
    const bool native = dtype.byteorder() == '=' || dtype.byteorder() == '|';
    for (const DTypeRow& row : kDTypes) {
        if (native && row.kind == dtype.kind() && row.bytes == dtype.itemsize()) {
            return row.dtype;
        }
    }
    throw py::type_error("the core cannot read elements of type " + std::string(py::str(dtype)));
}

constexpr index_t kManyEntries = 10000;  // about 10 microseconds, see GilReleased

bool all_below(const std::vector<std::int32_t>& numbers, index_t limit) {
    return std::all_of(numbers.begin(), numbers.end(),
                       [&](std::int32_t number) { return number >= 0 && number < limit; });
}

// Whether the columns of each row of a sparse matrix do.
bool ascend(const Inputs& x) {
    for (std::size_t r = 0; r + 1 < x.starts.size(); ++r) {
        const auto end = x.columns.begin() + x.starts[r + 1];
        if (std::adjacent_find(x.columns.begin() + x.starts[r], end, std::greater_equal<>()) !=
            end) {
            return false;
        }
    }
    return true;
}

}  // namespace

InputMatrix input_matrix(const py::array& x, index_t cols) {
    if (x.ndim() != 2 || x.shape(1) != cols || !is_aligned(x)) {
        throw std::invalid_argument("expected an aligned matrix with " + std::to_string(cols) +
                                    " columns");
    }
    return {x.data(), dtype_of(x), x.shape(0), cols, x.strides(0), x.strides(1)};
}

Inputs inputs(const InputArrays& x, index_t cols) {
    if (const auto* const dense = std::get_if<py::array>(&x)) {
        return {input_matrix(*dense, cols), {}, {}};
    }
    const auto& [data, columns, starts] = std::get<SparseArrays>(x);
    const index_t entries = data.size(), rows = starts.size() - 1;
    require(
        rows >= 0 && data.ndim() == 1 && is_aligned(data) &&
            (entries <= 1 || data.strides(0) == data.itemsize()),
        "expected the entries of a sparse matrix in one contiguous array, and its rows' starts");
    const auto* const row_starts = elements<std::int64_t>(starts, {rows + 1}, "the rows' starts");
    const auto* const numbers = elements<std::int32_t>(columns, {entries}, "the entries' columns");
    Inputs result{{data.data(), dtype_of(data), rows, cols, 0, 0}, {}, {}};
    std::optional<GilReleased> release;
    if (entries + rows > kManyEntries) {
        release.emplace();
    }
    result.columns.assign(numbers, numbers + entries);
    result.starts.assign(row_starts, row_starts + rows + 1);
    require(result.starts.front() >= 0 && result.starts.back() <= entries &&
                std::is_sorted(result.starts.begin(), result.starts.end()) &&
                all_below(result.columns, cols),
            "a sparse matrix has entries beyond its rows or columns");
    result.matrix.starts = result.starts.data();
    result.matrix.columns = result.columns.data();
    result.matrix.ascending = ascend(result);
    return result;
}

template <class T>
const T* elements(const py::array& array, Shape shape, const char* name) {
    const bool fits =
        py::isinstance<py::array_t<T, py::array::c_style>>(array) && is_aligned(array) &&
        std::equal(shape.begin(), shape.end(), array.shape(), array.shape() + array.ndim());
    if (!fits) {
        throw std::invalid_argument(std::string(name) + " must be a C-contiguous array of shape " +
                                    text(shape) + " and type " +
                                    std::string(py::str(py::dtype::of<T>())));
    }
    return static_cast<const T*>(array.data());
}

template <class T>
T* writable_elements(py::array& array, Shape shape, const char* name) {
    elements<T>(array, shape, name);
    return static_cast<T*>(array.mutable_data());
}

template <class T>
void set_targets(Targets<T>& targets, Loss loss, index_t rows, index_t n, const py::array& y) {
    if (y.ndim() == 1) {
        targets.labels = elements<std::int32_t>(y, {rows}, "y");
        require(loss_info(loss).link == Link::kSoftmax &&
                    *std::min_element(targets.labels, targets.labels + rows) >= 0 &&
                    *std::max_element(targets.labels, targets.labels + rows) < n,
                "expected labels of classes, each below the number of outputs");
    } else {
        require(loss != Loss::kFocal, "expected labels of classes");
        targets.values = elements<T>(y, {rows, targets.cols}, "y");
    }
}

template <class T>
Rows<T> dataset(const Network<T>& net, const DataArrays& arrays, ExternalLoss<T>* external) {
    const auto& [x, y, weights] = arrays;
    Inputs all = inputs(x, net.inputs());
    const InputMatrix matrix = all.matrix;
    const index_t rows = matrix.rows;
    require(rows >= 1 && rows <= index_t{UINT32_MAX}, "expected from 1 to 2^32 - 1 rows");
    const LossSpec& loss = net.spec().loss;
    Targets<T> targets{};
    targets.cols = external != nullptr ? 0 : net.outputs() / loss.outputs_per_target();
    set_targets(targets, loss.kind, rows, net.outputs(), y);
    if (weights.has_value()) {
        targets.weights = elements<T>(*weights, {rows}, "sample_weight");
    }
    return {std::move(all), {matrix, targets, external}};
}

template const float* elements(const py::array&, Shape, const char*);
template const double* elements(const py::array&, Shape, const char*);
template const std::uint32_t* elements(const py::array&, Shape, const char*);
template float* writable_elements(py::array&, Shape, const char*);
template double* writable_elements(py::array&, Shape, const char*);
template void set_targets(Targets<float>&, Loss, index_t, index_t, const py::array&);
template void set_targets(Targets<double>&, Loss, index_t, index_t, const py::array&);
template Rows<float> dataset(const Network<float>&, const DataArrays&, ExternalLoss<float>*);
template Rows<double> dataset(const Network<double>&, const DataArrays&, ExternalLoss<double>*);

}  // namespace briskmlp
