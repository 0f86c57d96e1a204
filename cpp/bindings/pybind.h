// The one way to pybind11 and NumPy: every file here includes these headers in this order, so that
// all see the same type casters. Declares what module.cpp puts together.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

namespace briskmlp {

namespace py = pybind11;

void bind_runtime(py::module_& m);
void bind_network(py::module_& m);
void bind_predict(py::module_& m);  // after bind_network
void bind_fit(py::module_& m);
void bind_ufuncs(py::module_& m);
void bind_losses(py::module_& m);

}  // namespace briskmlp
