#include "bindings/ufuncs/ufunc.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

namespace briskmlp {
namespace {

static_assert(std::is_same_v<npy_intp, index_t> &&
              std::is_same_v<InnerLoop, PyUFuncGenericFunction>);

// What NumPy's object only points at; it owns this as `obj`.
struct Storage {
    UfuncSpec spec;
    std::vector<PyUFuncGenericFunction> functions;
    std::vector<void*> data;
    std::string types;
    py::object keyword, value;      // of the parameter
    vectorcallfunc call = nullptr;  // NumPy's own

    explicit Storage(UfuncSpec given) : spec(std::move(given)) {
        for (const UfuncLoop& loop : spec.loops) {
            functions.push_back(loop.function);
            data.push_back(const_cast<void*>(loop.data));
            for (const char code : loop.types) {
                const py::object descr =
                    py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(
                        PyArray_DescrFromType(static_cast<unsigned char>(code))));
                if (!descr) {
                    throw py::error_already_set();
                }
                types += static_cast<char>(reinterpret_cast<PyArray_Descr*>(descr.ptr())->type_num);
            }
        }
        if (spec.parameter.name != nullptr) {
            keyword = py::str(spec.parameter.name);
            value = py::float_(spec.parameter.value);
        }
    }
};

// A call with its arguments in one row, those by name last, as the vectorcall protocol has them.
struct Call {
    PyObject* const* args;
    index_t positional;
    PyObject* names;  // tuple of str, or null

    index_t named() const { return names == nullptr ? 0 : PyTuple_GET_SIZE(names); }

    // The index among the named arguments, or -1 if there is none of that name or on an error.
    index_t find(PyObject* name) const {
        for (index_t i = 0; i < named(); ++i) {
            const int same = PyObject_RichCompareBool(PyTuple_GET_ITEM(names, i), name, Py_EQ);
            if (same != 0) {
                return same > 0 ? i : -1;
            }
        }
        return -1;
    }
};

py::object without(PyObject* names, index_t index) {
    py::list kept;
    for (index_t i = 0; i < PyTuple_GET_SIZE(names); ++i) {
        if (i != index) {
            kept.append(py::handle(PyTuple_GET_ITEM(names, i)));
        }
    }
    return py::tuple(kept);
}

// Completes a call from which the last input is missing, and lets NumPy go on.
PyObject* call_with_parameter(PyObject* self, PyObject* const* args, std::size_t count,
                              PyObject* names) {
    constexpr index_t kMost = 24;  // more than NumPy has arguments; beyond, NumPy complains itself
    const auto* ufunc = reinterpret_cast<PyUFuncObject*>(self);
    const auto* storage = static_cast<Storage*>(PyCapsule_GetPointer(ufunc->obj, nullptr));
    const Call call{args, PyVectorcall_NARGS(count), names};
    if (call.positional != ufunc->nin - 1 || call.positional + call.named() >= kMost) {
        return storage->call(self, args, count, names);
    }
    const index_t at = call.find(storage->keyword.ptr());
    if (at < 0 && PyErr_Occurred() != nullptr) {
        return nullptr;
    }
    PyObject* all[kMost];
    PyObject** end = std::copy_n(args, call.positional, all);
    PyObject* const* const named = args + call.positional;
    if (at < 0) {
        *end++ = storage->value.ptr();
        std::copy_n(named, call.named(), end);
        return storage->call(self, all, static_cast<std::size_t>(call.positional + 1), names);
    }
    *end++ = named[at];
    end = std::copy_n(named, at, end);
    std::copy(named + at + 1, named + call.named(), end);
    try {
        const py::object rest = without(names, at);
        return storage->call(self, all, static_cast<std::size_t>(call.positional + 1), rest.ptr());
    } catch (py::error_already_set& error) {
        error.restore();
        return nullptr;
    }
}

void import_numpy() {
    static const bool imported = PyArray_ImportNumPyAPI() == 0 && PyUFunc_ImportUFuncAPI() == 0;
    if (!imported) {
        throw py::error_already_set();
    }
}

}  // namespace

py::object make_ufunc(UfuncSpec spec) {
    import_numpy();
    auto storage = std::make_unique<Storage>(std::move(spec));
    const UfuncSpec& own = storage->spec;
    const py::object result = py::reinterpret_steal<py::object>(PyUFunc_FromFuncAndDataAndSignature(
        storage->functions.data(), storage->data.data(), storage->types.data(),
        static_cast<int>(own.loops.size()), own.inputs, 1, PyUFunc_None, own.name.c_str(),
        own.doc.c_str(), 0, own.signature.empty() ? nullptr : own.signature.c_str()));
    if (!result) {
        throw py::error_already_set();
    }
    auto* ufunc = reinterpret_cast<PyUFuncObject*>(result.ptr());
    storage->call = ufunc->vectorcall;
    if (own.parameter.name != nullptr) {
        ufunc->vectorcall = call_with_parameter;
    }
    if (own.separate_result) {
        ufunc->op_flags[own.inputs] = NPY_ITER_WRITEONLY | NPY_ITER_UPDATEIFCOPY |
                                      NPY_ITER_ALIGNED | NPY_ITER_ALLOCATE | NPY_ITER_NO_BROADCAST |
                                      NPY_ITER_NO_SUBTYPE;
    }
    Storage* const owned = storage.release();
    ufunc->obj = py::capsule(owned, [](void* pointer) { delete static_cast<Storage*>(pointer); })
                     .release()
                     .ptr();
    return result;
}

}  // namespace briskmlp
