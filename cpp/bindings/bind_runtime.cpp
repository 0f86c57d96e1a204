// What the process runs on: threads, instruction set, build.
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "ops/peak.h"
#include "nn/activation.h"
#include "nn/initializer.h"
#include "nn/loss.h"
#include "bindings/gil.h"
#include "bindings/pybind.h"

namespace briskmlp {
namespace {

std::string compiler() {
#if defined(__clang__)
    return "Clang " __clang_version__;
#elif defined(__GNUC__)
    return "GCC " __VERSION__;
#elif defined(_MSC_VER)
    return "MSVC " + std::to_string(_MSC_FULL_VER);
#else
    return "unknown";
#endif
}

py::typing::Dict<py::str, py::object> config() {
    const CpuInfo& cpu = cpu_info();
    std::vector<std::string> supported;
    for (const Isa isa : cpu.supported) {
        supported.emplace_back(isa_name(isa));
    }
    py::typing::Dict<py::str, py::object> result;
    result["version"] = BRISKMLP_VERSION;
    result["compiler"] = compiler();
    result["cpu"] = cpu.brand;
    result["isa"] = kernels<float>().isa;
    result["supported_isas"] = supported;
    result["l1d_bytes"] = cpu.l1d_bytes;
    result["l2_bytes"] = cpu.l2_bytes;
    result["l3_bytes"] = cpu.l3_bytes;
    result["threading"] = threading_backend();
    result["available_processors"] = available_processors();
    result["num_threads"] = num_threads();
    return result;
}

double measured_peak(const std::string& dtype, double seconds) {
    const GilReleased release;
    return dtype == "float64" ? peak_gflops(kernels<double>(), num_threads(), seconds)
                              : peak_gflops(kernels<float>(), num_threads(), seconds);
}

}  // namespace

void bind_runtime(py::module_& m) {
    m.def("config", &config, "What the library was built with and runs on.");
    m.def("num_threads", &num_threads, "Threads a computation may use.");
    m.def("set_num_threads", &set_num_threads, py::arg("n"), py::pos_only());
    m.def("peak_gflops", &measured_peak, py::arg("dtype"), py::arg("seconds"),
          "GFLOP/s of multiply-adds on each of the threads a computation may use, measured.");
    m.def("activation_names", &activation_names);
    m.def("initializer_names", &initializer_names);
    m.def("loss_names", &loss_names);
}

}  // namespace briskmlp
