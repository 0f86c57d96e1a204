// The functions of arrays, as numpy.ufunc objects.
#include "bindings/pybind.h"
#include "bindings/ufuncs/ufuncs.h"

namespace briskmlp {
namespace {

py::typing::Dict<py::str, py::object> make_ufuncs(const UfuncDocs& docs) {
    py::dict ufuncs;
    add_pointwise_ufuncs(docs, ufuncs);
    add_row_ufuncs(docs, ufuncs);
    return ufuncs;
}

py::typing::Dict<py::str, py::object> make_matmul_ufuncs(const UfuncDocs& docs) {
    py::dict ufuncs;
    add_matmul_ufuncs(docs, ufuncs);
    return ufuncs;
}

py::typing::Dict<py::str, py::object> make_linear_ufuncs() {
    py::dict ufuncs;
    add_linear_ufuncs(ufuncs);
    return ufuncs;
}

}  // namespace

void bind_ufuncs(py::module_& m) {
    m.def("make_ufuncs", &make_ufuncs, py::arg("docs"),
          "The functions of arrays by name, with these docstrings.");
    m.def("make_matmul_ufuncs", &make_matmul_ufuncs, py::arg("docs"),
          "matmul and those of its relatives that NumPy has, with these docstrings.");
    m.def("make_linear_ufuncs", &make_linear_ufuncs,
          "linear's ufuncs by the name of the activation: without a bias, and with one.");
}

}  // namespace briskmlp
