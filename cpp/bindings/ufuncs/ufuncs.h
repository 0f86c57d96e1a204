// What bind_ufuncs.cpp puts together: each adds ufuncs under their names, with the docstrings that
// Python's side of the package holds.
#pragma once

#include <map>
#include <string>

#include "bindings/pybind.h"

namespace briskmlp {

using UfuncDocs = std::map<std::string, std::string>;

void add_pointwise_ufuncs(const UfuncDocs& docs, py::dict& ufuncs);
void add_matmul_ufuncs(const UfuncDocs& docs, py::dict& ufuncs);  // those that NumPy has itself
// By the name of the activation: one without and one with a bias.
void add_linear_ufuncs(py::dict& ufuncs);
void add_row_ufuncs(const UfuncDocs& docs, py::dict& ufuncs);

}  // namespace briskmlp
