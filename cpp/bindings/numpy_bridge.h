// NumPy arrays as the core's views. No copies, but of where a sparse matrix has its entries: an
// array that the core cannot read as it lies is an error here, and _validate.py converts it before.
#pragma once

#include <initializer_list>
#include <optional>
#include <tuple>
#include <variant>
#include <vector>

#include "ops/gather.h"
#include "nn/network.h"
#include "train/dataset.h"
#include "bindings/pybind.h"

namespace briskmlp {

// The array as a matrix with `cols` columns. Its element type must be one of DType's, in native
// byte order and aligned; any strides.
InputMatrix input_matrix(const py::array& x, index_t cols);

// A sparse matrix in CSR: its entries (nnz), their columns (nnz) int32, and where each row begins
// and the last ends (rows + 1) int64.
using SparseArrays = std::tuple<py::array, py::array, py::array>;
using InputArrays = std::variant<py::array, SparseArrays>;

// A matrix of either kind. Other Python threads may write to a user's arrays while the core reads
// them, which must not lead it beyond them: of a sparse matrix it has columns and starts of its
// own.
struct Inputs {
    InputMatrix matrix;
    std::vector<std::int32_t> columns;  // with starts: empty if dense
    std::vector<std::int64_t> starts;

    Inputs() = default;
    Inputs(Inputs&&) = default;  // no copies: `matrix` refers to these vectors
    Inputs& operator=(Inputs&&) = default;
};

// Throws std::invalid_argument for entries beyond the matrix. Gives the GIL up over a large one.
Inputs inputs(const InputArrays& x, index_t cols);

using Shape = std::initializer_list<index_t>;

// The elements of a C-contiguous array of exactly this type and shape.
template <class T>
const T* elements(const py::array& array, Shape shape, const char* name);
template <class T>
T* writable_elements(py::array& array, Shape shape, const char* name);

// Rows to learn from as Python hands them over: x, y, and the weights of the rows. y is int32 class
// numbers (M,), or values (M, cols) of the network's type.
using DataArrays = std::tuple<InputArrays, py::array, std::optional<py::array>>;

// Sets labels or values of `targets`, whose cols are set, from y: int32 class numbers (rows,), each
// below n, or values (rows, cols).
template <class T>
void set_targets(Targets<T>& targets, Loss loss, index_t rows, index_t n, const py::array& y);

template <class T>
struct Rows {
    Inputs inputs;
    Dataset<T> data;
};

// Views of the arrays, which must fit the network; with an external loss y has no columns.
template <class T>
Rows<T> dataset(const Network<T>& net, const DataArrays& arrays,
                ExternalLoss<T>* external = nullptr);

}  // namespace briskmlp
