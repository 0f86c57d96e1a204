// A call of matmul or one of its relatives with plain arrays, past NumPy's machinery, which costs
// more than a product of small matrices.
#pragma once

#include "bindings/pybind.h"
#include "bindings/ufuncs/matmul_loop.h"

namespace briskmlp {

// The result of ufunc(*args), or of ufunc(*args, out=...), if all operands are plain: exactly
// arrays of one or two dimensions, as many as `kind` wants, of one type that is float32 or float64;
// native, aligned, and an out that overlaps none of the others. A new reference; null with an error
// set, or null without one where an operand is not plain. Arguments as in the vectorcall protocol.
PyObject* matmul_plain(MatmulKind kind, const char* name, PyObject* const* args, index_t count,
                       PyObject* names);

}  // namespace briskmlp
