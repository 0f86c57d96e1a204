// numpy.ufunc objects from inner loops. The only file that sees NumPy's C API is ufunc.cpp.
#pragma once

#include <string>
#include <vector>

#include "base/types.h"
#include "bindings/pybind.h"

namespace briskmlp {

// What NumPy calls, without the GIL, on aligned operands in native byte order. For a plain ufunc
// dims[0] elements lie steps[k] bytes apart in operand k. A generalised one is called for dims[0]
// sets of operands, steps[k] bytes apart; then dims has the core dimensions, and steps the strides
// of each operand's core dimensions. `data` is the loop's own.
using InnerLoop = void (*)(char** args, const index_t* dims, const index_t* steps, void* data);

struct UfuncLoop {
    std::string types;  // NumPy's type characters of the operands, the result's last: "ff"
    InnerLoop function;
    const void* data;  // lives as long as the ufunc
};

// A last input that callers may leave out or pass by name.
struct Parameter {
    const char* name;  // null for none
    double value;
};

struct UfuncSpec {
    std::string name;
    std::string doc;        // NumPy puts a line with the signature before it
    std::string signature;  // such as "(n)->()" of a generalised ufunc, or empty
    int inputs;
    std::vector<UfuncLoop> loops;  // NumPy takes the first that its casts allow; one result each
    Parameter parameter{nullptr, 0};
    bool separate_result = false;  // a result that is one of the operands is made elsewhere
};

// A numpy.ufunc; errors of NumPy's are thrown.
py::object make_ufunc(UfuncSpec spec);

}  // namespace briskmlp
