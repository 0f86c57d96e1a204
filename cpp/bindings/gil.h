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

// take(), which never returns when the interpreter has ended.
template <class Take>
auto take_or_stay(Take take) noexcept {
    try {
        return take();
    } catch (...) {  // nothing but that unwinding
#if !defined(_WIN32)
        for (;;) {
            pause();
        }
#endif
        std::terminate();
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

class GilTaken {
  public:
    GilTaken() : state_(take_or_stay([] { return PyGILState_Ensure(); })) {}
    ~GilTaken() { PyGILState_Release(state_); }
    GilTaken(const GilTaken&) = delete;
    GilTaken& operator=(const GilTaken&) = delete;

  private:
    PyGILState_STATE state_;
};

}  // namespace briskmlp
