// The extension module: what Python's side of the package calls. Its functions expect arrays that
// _validate.py has prepared; they check what memory safety needs and no more.
#include "kernels/dispatch.h"
#include "bindings/pybind.h"

// pybind11's entry point, which in any interpreter but the main one would wait for ever. The macro
// renames it, so that the real one can look first.
#define PyInit__briskmlp_core init_in_main_interpreter

PYBIND11_MODULE(_briskmlp_core, m, pybind11::mod_gil_not_used(),
                pybind11::multiple_interpreters::not_supported()) {
    m.doc() = "The compiled core of briskmlp. Use it through the package briskmlp.";
    m.attr("__version__") = BRISKMLP_VERSION;

    briskmlp::kernels<float>();  // so that a wrong BRISKMLP_ISA is an error of the import

    briskmlp::bind_runtime(m);
    briskmlp::bind_network(m);
    briskmlp::bind_predict(m);
    briskmlp::bind_fit(m);
    briskmlp::bind_ufuncs(m);
    briskmlp::bind_losses(m);
}

#undef PyInit__briskmlp_core

extern "C" PYBIND11_EXPORT PyObject* PyInit__briskmlp_core() {
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError,
                        "briskmlp works in Python's main interpreter only, this is another one");
        return nullptr;
    }
    return init_in_main_interpreter();
}
