// The GIL given up for a while, and taken back; in place of pybind11's guards. When the interpreter
// ends while a daemon thread computes, CPython before 3.14 ends the thread where it asks for the
// GIL, by unwinding its stack. That cannot pass C++ that is noexcept, as destructors and parallel
// regions are, and would end the process. Here such a thread stays where it is until the process is
// gone, as from CPython 3.14 on.
#pragma once

#include <exception>

#include "bindings/pybind.h"

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace briskmlp {

[[noreturn]] inline void stay() {
#if !defined(_WIN32)
    for (;;) {
        pause();
    }
#endif
    std::terminate();
}

// take(), which never returns when the interpreter has ended.
template <class Take>
auto take_or_stay(Take take) noexcept {
    try {
        return take();
    } catch (...) {  // nothing but that unwinding
        stay();
    }
}

class GilReleased {
  public:
    GilReleased() : state_(PyEval_SaveThread()) {}
    ~GilReleased() {
        take_or_stay([this] { PyEval_RestoreThread(state_); });
    }
    GilReleased(const GilReleased&) = delete;
    GilReleased& operator=(const GilReleased&) = delete;

  private:
    PyThreadState* state_;
};

// On a thread that came from Python.
class GilTaken {
  public:
    GilTaken() : state_(take_or_stay(ensure)) {}
    ~GilTaken() {
        if (PyGILState_Check() == 0) {  // Python code that was called is being unwound
            stay();
        }
        PyGILState_Release(state_);
    }
    GilTaken(const GilTaken&) = delete;
    GilTaken& operator=(const GilTaken&) = delete;

  private:
    static PyGILState_STATE ensure() {
        if (PyGILState_GetThisThreadState() == nullptr) {  // nor does anyone else have a state left
            stay();
        }
        return PyGILState_Ensure();
    }

    PyGILState_STATE state_;
};

}  // namespace briskmlp
