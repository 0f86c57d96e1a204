// NumPy's C API for files that share one import of it: matmul.cpp defines BRISKMLP_IMPORTS_NUMPY
// before it includes this, and does it.
#pragma once

#include "bindings/pybind.h"  // before NumPy's headers: it includes Python.h

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL briskmlp_numpy_array_api
#define PY_UFUNC_UNIQUE_SYMBOL briskmlp_numpy_ufunc_api
#if !defined(BRISKMLP_IMPORTS_NUMPY)
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>
