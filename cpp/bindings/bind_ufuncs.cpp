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

}  // namespace

void bind_ufuncs(py::module_& m) {
    m.def("make_ufuncs", &make_ufuncs, py::arg("docs"),
          "The functions of arrays by name, with these docstrings.");
}

}  // namespace briskmlp
