// One row predicted with as little around it as Python allows: functions of the bare C API, which
// look at the arrays' fields directly and allocate nothing but the result. Whatever is not one
// plain row of float32 or float64 gets None for an answer and takes the other way, predict_rows.
#include "bindings/pybind.h"  // before NumPy's headers: it includes Python.h

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <optional>
#include <type_traits>

#include "bindings/gil.h"
#include "bindings/network_object.h"

namespace briskmlp {
namespace {

template <class T>
constexpr int kTypeNumber = std::is_same_v<T, float> ? NPY_FLOAT : NPY_DOUBLE;

// The array, if it is exactly an ndarray with T's elements in native order, C-contiguous and
// aligned, of shape (size,) or (1, size). Otherwise null.
template <class T>
PyArrayObject* plain_row(PyObject* object, index_t size) {
    if (!PyArray_CheckExact(object)) {
        return nullptr;
    }
    auto* const array = reinterpret_cast<PyArrayObject*>(object);
    const int ndim = PyArray_NDIM(array);
    const npy_intp* const dims = PyArray_DIMS(array);
    const bool shaped =
        (ndim == 1 && dims[0] == size) || (ndim == 2 && dims[0] == 1 && dims[1] == size);
    const bool plain =
        shaped && PyArray_TYPE(array) == kTypeNumber<T> && PyArray_ISCARRAY_RO(array);
    return plain ? array : nullptr;
}

bool disjoint(PyArrayObject* a, PyArrayObject* b) {
    const auto first = reinterpret_cast<std::uintptr_t>(PyArray_DATA(a));
    const auto second = reinterpret_cast<std::uintptr_t>(PyArray_DATA(b));
    return first + static_cast<std::uintptr_t>(PyArray_NBYTES(a)) <= second ||
           second + static_cast<std::uintptr_t>(PyArray_NBYTES(b)) <= first;
}

// Where the result goes: a new array, or `out` if it suits. A new reference, or null.
template <class T>
PyObject* result_row(const Network<T>& net, PyArrayObject* x, PyObject* out) {
    const int ndim = PyArray_NDIM(x);
    if (out == Py_None) {
        const npy_intp dims[2] = {ndim == 1 ? net.outputs() : 1, net.outputs()};
        return PyArray_SimpleNew(ndim, dims, kTypeNumber<T>);
    }
    PyArrayObject* const row = plain_row<T>(out, net.outputs());
    if (row == nullptr || PyArray_NDIM(row) != ndim || !PyArray_ISWRITEABLE(row) ||
        !disjoint(x, row)) {
        return nullptr;
    }
    Py_INCREF(out);
    return out;
}

// Rows of the other floating type are converted here when they are no longer than this: NumPy's own
// type is float64, the network's often float32.
constexpr index_t kConvertedRow = 1024;

template <class T>
PyObject* predict_one(const Network<T>& net, bool slow, PyObject* x_object, PyObject* out,
                      Output output) {
    using Other = std::conditional_t<std::is_same_v<T, float>, double, float>;
    const index_t size = net.inputs();
    T converted[kConvertedRow];
    const T* row = converted;
    PyArrayObject* x = plain_row<T>(x_object, size);
    if (x != nullptr) {
        row = static_cast<const T*>(PyArray_DATA(x));
    } else if (size <= kConvertedRow && (x = plain_row<Other>(x_object, size)) != nullptr) {
        const Other* const source = static_cast<const Other*>(PyArray_DATA(x));
        std::transform(source, source + size, converted,
                       [](Other value) { return static_cast<T>(value); });
    }
    PyObject* const result = x == nullptr ? nullptr : result_row(net, x, out);
    if (result == nullptr) {
        if (PyErr_Occurred() != nullptr) {
            return nullptr;
        }
        Py_RETURN_NONE;
    }
    try {
        std::optional<GilReleased> release;
        if (slow) {
            release.emplace();
        }
        predict_row(net, row, output,
                    static_cast<T*>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(result))));
    } catch (const std::bad_alloc&) {  // the one error that predict_row can meet
        Py_DECREF(result);
        return PyErr_NoMemory();
    }
    return result;
}

// A method (x, out) of Network. PyDescr_NewMethod makes sure that self is one.
template <Output output>
PyObject* row_method(PyObject* self, PyObject* const* args, Py_ssize_t count) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "expected x and out");
        return nullptr;
    }
    auto* const network = reinterpret_cast<py::detail::instance*>(self)
                              ->get_value_and_holder()
                              .value_ptr<NetworkObject>();
    if (network == nullptr) {
        PyErr_SetString(PyExc_TypeError, "the network was never initialized");
        return nullptr;
    }
    const bool slow = network->slow_row();
    if (const auto* const net = network->get_if<float>()) {
        return predict_one(*net, slow, args[0], args[1], output);
    }
    return predict_one(*network->get_if<double>(), slow, args[0], args[1], output);
}

template <Output output>
void add_row_method(py::handle network, const char* name, const char* doc) {
    static PyMethodDef definition{
        name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&row_method<output>)),
        METH_FASTCALL, doc};
    auto* const type = reinterpret_cast<PyTypeObject*>(network.ptr());
    network.attr(name) = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &definition));
}

}  // namespace

void bind_predict(py::module_& m) {
    if (PyArray_ImportNumPyAPI() < 0) {
        throw py::error_already_set();
    }
    const py::object network = m.attr("Network");
    add_row_method<Output::kTarget>(
        network, "predict_row",
        "predict_row(self, x: object, out: object) -> numpy.ndarray | None\n\n"
        "The prediction for one plain row x, or None when x or out is not plain.");
    add_row_method<Output::kRaw>(
        network, "raw_row",
        "raw_row(self, x: object, out: object) -> numpy.ndarray | None\n\n"
        "The raw outputs for one plain row x, or None when x or out is not plain.");
}

}  // namespace briskmlp
