#include "bindings/ufuncs/matmul_call.h"

#include <cfenv>
#include <cstdint>
#include <new>
#include <optional>
#include <type_traits>

#include "kernels/dispatch.h"
#include "bindings/gil.h"
#include "bindings/network_object.h"
#include "bindings/numpy_api.h"

namespace briskmlp {
namespace {

constexpr int kReported = FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID;

// Which of a kind's operands have a second core dimension.
struct Ranks {
    bool a, b;      // whether it must be a matrix
    bool optional;  // vectors will do too
};
constexpr Ranks ranks_of(MatmulKind kind) {
    return {kind == MatmulKind::kMatmul || kind == MatmulKind::kMatvec,
            kind == MatmulKind::kMatmul || kind == MatmulKind::kVecmat,
            kind == MatmulKind::kMatmul};
}

PyArrayObject* as_array(PyObject* object) {
    return PyArray_CheckExact(object) ? reinterpret_cast<PyArrayObject*>(object) : nullptr;
}

bool fits(PyArrayObject* array, int type, bool matrix, bool optional) {
    const int ndim = PyArray_NDIM(array);
    return PyArray_TYPE(array) == type && PyArray_ISBEHAVED_RO(array) &&
           (ndim == (matrix ? 2 : 1) || (optional && ndim == 1));
}

// The bytes that an array's elements lie in.
struct Extent {
    std::intptr_t first, end;

    explicit Extent(PyArrayObject* array)
        : first(reinterpret_cast<std::intptr_t>(PyArray_DATA(array))),
          end(first + PyArray_ITEMSIZE(array)) {
        for (int i = 0; i < PyArray_NDIM(array); ++i) {
            const npy_intp span = (PyArray_DIM(array, i) - 1) * PyArray_STRIDE(array, i);
            (span < 0 ? first : end) += span;
        }
    }
    bool overlaps(const Extent& other) const { return first < other.end && other.first < end; }
};

// A vector is a row on the left of a product and a column on its right.
template <class T>
StridedMatrix<const T> left(PyArrayObject* x) {
    constexpr index_t kSize = sizeof(T);
    const auto* data = static_cast<const T*>(PyArray_DATA(x));
    if (PyArray_NDIM(x) == 1) {
        return {data, 1, PyArray_DIM(x, 0), 0, PyArray_STRIDE(x, 0) / kSize};
    }
    return {data, PyArray_DIM(x, 0), PyArray_DIM(x, 1), PyArray_STRIDE(x, 0) / kSize,
            PyArray_STRIDE(x, 1) / kSize};
}

// Raises what numpy.errstate says of the exceptions met; false on an error.
bool report(const char* name, int raised) {
    const int status = ((raised & FE_DIVBYZERO) != 0 ? NPY_FPE_DIVIDEBYZERO : 0) |
                       ((raised & FE_OVERFLOW) != 0 ? NPY_FPE_OVERFLOW : 0) |
                       ((raised & FE_UNDERFLOW) != 0 ? NPY_FPE_UNDERFLOW : 0) |
                       ((raised & FE_INVALID) != 0 ? NPY_FPE_INVALID : 0);
    return status == 0 || PyUFunc_GiveFloatingpointErrors(name, status) == 0;
}

// Whether it went well; otherwise an error is set.
template <class T>
bool compute(const Matmul<T>& product, const char* name) {
    const KernelTable<T>& table = kernels<T>();
    if (std::fetestexcept(kReported) != 0) {
        std::feclearexcept(kReported);
    }
    try {
        std::optional<GilReleased> release;
        if (matmul_nanoseconds(table, product) > kHoldGilNanoseconds) {
            release.emplace();
        }
        matmul(table, product);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
    return report(name, std::fetestexcept(kReported));
}

// Where the result goes: a new array, or `out`. A new reference, or null.
PyArrayObject* result_array(int type, int ndim, const npy_intp* dims, PyArrayObject* a,
                            PyArrayObject* b, PyObject* out) {
    if (out == nullptr) {
        return reinterpret_cast<PyArrayObject*>(PyArray_SimpleNew(ndim, dims, type));
    }
    PyArrayObject* const array = as_array(out);
    const bool suits = array != nullptr && PyArray_TYPE(array) == type &&
                       PyArray_ISBEHAVED(array) && PyArray_NDIM(array) == ndim &&
                       PyArray_CompareLists(PyArray_DIMS(array), dims, ndim) &&
                       !Extent(array).overlaps(Extent(a)) && !Extent(array).overlaps(Extent(b));
    if (suits) {
        Py_INCREF(out);
    }
    return suits ? array : nullptr;
}

template <class T>
PyObject* multiply(int type, const char* name, PyArrayObject* a, PyArrayObject* b, PyObject* out) {
    Matmul<T> product;
    product.a = left<T>(a);
    product.b = PyArray_NDIM(b) == 1 ? left<T>(b).transposed() : left<T>(b);
    const index_t m = product.a.rows, n = product.b.cols;
    if (product.a.cols != product.b.rows) {
        return nullptr;
    }
    npy_intp dims[2];
    int ndim = 0;
    if (PyArray_NDIM(a) == 2) {
        dims[ndim++] = m;
    }
    if (PyArray_NDIM(b) == 2) {
        dims[ndim++] = n;
    }
    PyArrayObject* const result = result_array(type, ndim, dims, a, b, out);
    if (result == nullptr) {
        return nullptr;
    }
    constexpr index_t kSize = sizeof(T);
    const npy_intp* const strides = PyArray_STRIDES(result);
    product.c = {static_cast<T*>(PyArray_DATA(result)), m, n, 0, 0};
    product.c.row = PyArray_NDIM(a) == 2 ? strides[0] / kSize : 0;
    product.c.col = PyArray_NDIM(b) == 2 ? strides[ndim - 1] / kSize : 0;
    if (!compute(product, name)) {
        Py_DECREF(result);
        return nullptr;
    }
    // As NumPy has it: without dimensions a new result is a scalar, and an out itself.
    return out == nullptr ? PyArray_Return(result) : reinterpret_cast<PyObject*>(result);
}

}  // namespace

PyObject* matmul_plain(MatmulKind kind, const char* name, PyObject* const* args, index_t count,
                       PyObject* names) {
    const index_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    if (count < 2 || count + named > 3 ||
        (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "out") != 0)) {
        return nullptr;
    }
    PyArrayObject* const a = as_array(args[0]);
    PyArrayObject* const b = as_array(args[1]);
    if (a == nullptr || b == nullptr) {
        return nullptr;
    }
    const int type = PyArray_TYPE(a);
    const Ranks ranks = ranks_of(kind);
    if (!fits(a, type, ranks.a, ranks.optional) || !fits(b, type, ranks.b, ranks.optional)) {
        return nullptr;
    }
    PyObject* const out = count + named == 3 && args[2] != Py_None ? args[2] : nullptr;
    return type == NPY_FLOAT    ? multiply<float>(type, name, a, b, out)
           : type == NPY_DOUBLE ? multiply<double>(type, name, a, b, out)
                                : nullptr;
}

}  // namespace briskmlp
