// matmul, matvec, vecmat and vecdot: NumPy's own generalised ufuncs with other loops for float32
// and float64.
#define BRISKMLP_IMPORTS_NUMPY
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bindings/numpy_api.h"
#include "bindings/ufuncs/matmul_call.h"
#include "bindings/ufuncs/matmul_loop.h"
#include "bindings/ufuncs/ufunc.h"
#include "bindings/ufuncs/ufuncs.h"

namespace briskmlp {
namespace {

struct Relative {
    const char* name;
    MatmulKind kind;
};
constexpr Relative kRelatives[] = {{"matmul", MatmulKind::kMatmul},
                                   {"matvec", MatmulKind::kMatvec},
                                   {"vecmat", MatmulKind::kVecmat},
                                   {"vecdot", MatmulKind::kVecdot}};

// NumPy's ufunc, and ours in its likeness. What PyUFuncObject points at is never freed: a ufunc
// lives as long as the process.
struct Twin {
    MatmulKind kind;
    std::string name, doc, types;
    std::vector<PyUFuncGenericFunction> functions;
    std::vector<void*> data;
    std::array<MatmulLoop, 2> loops;
    py::object original;
    vectorcallfunc call = nullptr;  // NumPy's own, for ours
};

// By the order of MatmulKind.
std::array<Twin*, 4> twins{};

// Whether an operand has an __array_ufunc__ of its own, which may know only NumPy's ufuncs.
bool overrides(PyObject* operand, PyObject* usual) {
    if (PyArray_CheckExact(operand) || PyFloat_CheckExact(operand) || PyLong_CheckExact(operand) ||
        PyList_CheckExact(operand) || operand == Py_None || PyArray_CheckAnyScalarExact(operand)) {
        return false;
    }
    if (PyTuple_CheckExact(operand)) {  // of outs
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operand); ++i) {
            if (overrides(PyTuple_GET_ITEM(operand, i), usual)) {
                return true;
            }
        }
        return false;
    }
    auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(operand));
    PyObject* const found = PyObject_GetAttrString(type, "__array_ufunc__");
    if (found == nullptr) {
        PyErr_Clear();
        return false;
    }
    Py_DECREF(found);  // the type holds it
    return found != usual;
}

template <MatmulKind kind>
PyObject* call(PyObject* self, PyObject* const* args, std::size_t flagged, PyObject* names) {
    const Twin& twin = *twins[static_cast<std::size_t>(kind)];
    const index_t count = PyVectorcall_NARGS(flagged);
    PyObject* const result = matmul_plain(kind, twin.name.c_str(), args, count, names);
    if (result != nullptr || PyErr_Occurred() != nullptr) {
        return result;
    }
    static PyObject* const usual =
        PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyArray_Type), "__array_ufunc__");
    const index_t all = count + (names == nullptr ? 0 : PyTuple_GET_SIZE(names));
    for (index_t i = 0; i < all; ++i) {
        if (overrides(args[i], usual)) {
            return PyObject_Vectorcall(twin.original.ptr(), args, flagged, names);
        }
    }
    return twin.call(self, args, flagged, names);
}

constexpr vectorcallfunc kCalls[] = {call<MatmulKind::kMatmul>, call<MatmulKind::kMatvec>,
                                     call<MatmulKind::kVecmat>, call<MatmulKind::kVecdot>};

// Replaces the loops of three operands of type `number`.
template <class T>
void replace(Twin& twin, const PyUFuncObject& original, int number, MatmulLoop& loop) {
    const char types[3] = {static_cast<char>(number), static_cast<char>(number),
                           static_cast<char>(number)};
    for (int i = 0; i < original.ntypes; ++i) {
        if (std::memcmp(original.types + 3 * i, types, 3) == 0) {
            const auto at = static_cast<std::size_t>(i);
            loop = {twin.kind, Activation::kIdentity, original.functions[i], original.data[i]};
            twin.functions[at] = matmul_loop<T>;
            twin.data[at] = &loop;
        }
    }
}

py::object make_twin(const Relative& relative, py::object original, const std::string& doc) {
    const auto& numpys = *reinterpret_cast<PyUFuncObject*>(original.ptr());
    const auto types = static_cast<std::size_t>(numpys.ntypes);
    auto twin = std::make_unique<Twin>();
    twin->kind = relative.kind;
    twin->name = relative.name;
    twin->doc = doc;
    twin->types.assign(numpys.types, 3 * types);
    twin->functions.assign(numpys.functions, numpys.functions + types);
    twin->data.assign(numpys.data, numpys.data + types);
    twin->original = std::move(original);
    replace<float>(*twin, numpys, NPY_FLOAT, twin->loops[0]);
    replace<double>(*twin, numpys, NPY_DOUBLE, twin->loops[1]);
    const py::object result = py::reinterpret_steal<py::object>(PyUFunc_FromFuncAndDataAndSignature(
        twin->functions.data(), twin->data.data(), twin->types.data(), numpys.ntypes, 2, 1,
        numpys.identity, twin->name.c_str(), twin->doc.c_str(), 0, numpys.core_signature));
    if (!result) {
        throw py::error_already_set();
    }
    auto& ours = *reinterpret_cast<PyUFuncObject*>(result.ptr());
    ours.type_resolver = numpys.type_resolver;
    ours.iter_flags = numpys.iter_flags;
    std::copy_n(numpys.op_flags, numpys.nargs, ours.op_flags);  // a result over an operand: copy
    twin->call = ours.vectorcall;
    ours.vectorcall = kCalls[static_cast<std::size_t>(relative.kind)];
    twins[static_cast<std::size_t>(relative.kind)] = twin.release();
    return result;
}

const std::string& doc_of(const UfuncDocs& docs, const std::string& name) {
    static const std::string none;
    const auto found = docs.find(name);
    return found == docs.end() ? none : found->second;
}

}  // namespace

void add_matmul_ufuncs(const UfuncDocs& docs, py::dict& ufuncs) {
    if (PyArray_ImportNumPyAPI() < 0 || PyUFunc_ImportUFuncAPI() < 0) {
        throw py::error_already_set();
    }
    const py::module_ numpy = py::module_::import("numpy");
    for (const Relative& relative : kRelatives) {
        if (py::hasattr(numpy, relative.name)) {
            ufuncs[relative.name] =
                make_twin(relative, numpy.attr(relative.name), doc_of(docs, relative.name));
        }
    }
}

}  // namespace briskmlp
