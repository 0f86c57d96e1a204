// The class Network: its construction, its parameters, and everything it computes except training.
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "nn/predict.h"
#include "train/evaluate.h"
#include "train/gradients.h"
#include "bindings/network_object.h"
#include "bindings/numpy_bridge.h"

namespace briskmlp {
namespace {

const NetworkSpec& spec_of(NetworkObject& self) {
    return self.visit([](auto& net) -> const NetworkSpec& { return net.spec(); });
}

const LossSpec& loss_of(NetworkObject& self) { return spec_of(self).loss; }

std::vector<std::string> activations(NetworkObject& self) {
    std::vector<std::string> names;
    for (const Activation kind : spec_of(self).activations) {
        names.emplace_back(activation_info(kind).name);
    }
    return names;
}

std::unique_ptr<NetworkObject> make_network(std::vector<index_t> sizes,
                                            const std::vector<std::string>& activations,
                                            const std::string& loss,
                                            std::vector<double> loss_settings,
                                            const std::string& dtype) {
    NetworkSpec spec{std::move(sizes), {}, {loss_from_name(loss), std::move(loss_settings)}};
    for (const std::string& name : activations) {
        spec.activations.push_back(activation_from_name(name));
    }
    const py::gil_scoped_release release;
    return std::make_unique<NetworkObject>(std::move(spec), dtype);
}

void initialize(NetworkObject& self, std::uint64_t seed, const std::string& initializer) {
    const Initializer kind = initializer_from_name(initializer);
    const py::gil_scoped_release release;
    self.visit([&](auto& net) { net.initialize(seed, kind); });
}

// A view that keeps its network alive.
py::array parameters(const py::object& self) {
    return self.cast<NetworkObject&>().visit([&](auto& net) -> py::array {
        return py::array_t<ElementOf<decltype(net)>>(net.num_parameters(), net.parameters(), self);
    });
}

void predict_rows(NetworkObject& self, const py::array& x, py::array out, bool raw) {
    self.visit([&](auto& net) {
        using T = ElementOf<decltype(net)>;
        const InputMatrix rows = input_matrix(x, net.inputs());
        T* const y = writable_elements<T>(out, {rows.rows, net.outputs()}, "out");
        std::optional<py::gil_scoped_release> release;
        if (predict_nanoseconds(net, rows.rows) > kHoldGilNanoseconds) {
            release.emplace();
        }
        predict(net, rows, raw ? Output::kRaw : Output::kTarget, y, num_threads());
    });
}

std::pair<double, double> evaluate_rows(NetworkObject& self, const DataArrays& data) {
    return self.visit([&](auto& net) {
        const auto rows = dataset(net, data);
        const py::gil_scoped_release release;
        const Evaluation evaluation = evaluate(net, rows, num_threads());
        return std::make_pair(evaluation.loss, evaluation.metric);
    });
}

std::pair<double, py::array> loss_and_gradient(NetworkObject& self, const DataArrays& data) {
    return self.visit([&](auto& net) -> std::pair<double, py::array> {
        using T = ElementOf<decltype(net)>;
        const auto rows = dataset(net, data);
        py::array_t<T> gradient(net.num_parameters());
        T* const d = gradient.mutable_data();
        double loss = 0;
        {
            const py::gil_scoped_release release;
            loss = gradients(net, rows, d, num_threads());
        }
        return {loss, std::move(gradient)};
    });
}

std::pair<py::array, py::array> pull_back(NetworkObject& self, const py::array& x,
                                          const py::array& d_y) {
    return self.visit([&](auto& net) -> std::pair<py::array, py::array> {
        using T = ElementOf<decltype(net)>;
        const InputMatrix rows = input_matrix(x, net.inputs());
        const T* const d_out = elements<T>(d_y, {rows.rows, net.outputs()}, "dY");
        py::array_t<T> gradient(net.num_parameters());
        py::array_t<T> d_x({rows.rows, net.inputs()});
        T* const d = gradient.mutable_data();
        T* const d_in = d_x.mutable_data();
        {
            const py::gil_scoped_release release;
            backward(net, rows, d_out, d, d_in, num_threads());
        }
        return {std::move(d_x), std::move(gradient)};
    });
}

std::optional<std::pair<index_t, index_t>> first_nonfinite(const py::array& x) {
    const InputMatrix matrix = input_matrix(x, x.ndim() == 2 ? x.shape(1) : 0);
    const py::gil_scoped_release release;
    const Position position = find_nonfinite(matrix);
    if (position.row < 0) {
        return std::nullopt;
    }
    return std::make_pair(position.row, position.col);
}

}  // namespace

void bind_network(py::module_& m) {
    m.def("find_nonfinite", &first_nonfinite, py::arg("x"), py::pos_only(),
          "Row and column of the first entry of a matrix that is NaN or infinite, or None.");

    py::class_<NetworkObject>(m, "Network", "Layers and one flat buffer of parameters.")
        .def(py::init(&make_network), py::arg("sizes"), py::arg("activations"), py::arg("loss"),
             py::arg("loss_settings"), py::arg("dtype"))
        .def("initialize", &initialize, py::arg("seed"), py::arg("initializer"))
        .def_property_readonly("parameters", &parameters)
        .def_property_readonly("sizes", [](NetworkObject& self) { return spec_of(self).sizes; })
        .def_property_readonly("activations", &activations)
        .def_property_readonly("loss",
                               [](NetworkObject& self) { return loss_of(self).info().name; })
        .def_property_readonly("loss_settings",
                               [](NetworkObject& self) { return loss_of(self).settings; })
        .def_property_readonly("inputs",
                               [](NetworkObject& self) { return spec_of(self).sizes.front(); })
        .def_property_readonly("outputs",
                               [](NetworkObject& self) { return spec_of(self).sizes.back(); })
        .def_property_readonly("dtype",
                               [](NetworkObject& self) {
                                   return self.get_if<float>() != nullptr ? py::dtype::of<float>()
                                                                          : py::dtype::of<double>();
                               })
        .def_property_readonly("target_cols",
                               [](NetworkObject& self) {
                                   return spec_of(self).sizes.back() /
                                          loss_of(self).outputs_per_target();
                               })
        .def_property_readonly(
            "metric", [](NetworkObject& self) { return metric_name(loss_of(self).info().metric); })
        .def("predict_rows", &predict_rows, py::arg("x"), py::arg("out"), py::arg("raw"),
             "Predictions for x (M, in) into out (M, out).")
        .def("evaluate", &evaluate_rows, py::arg("data"), "Mean loss, and metric.")
        .def("gradients", &loss_and_gradient, py::arg("data"), "Mean loss, and its gradient (P,).")
        .def("backward", &pull_back, py::arg("x"), py::arg("d_y"),
             "The gradient (M, in) by x, and (P,) by the parameters.");
}

}  // namespace briskmlp
