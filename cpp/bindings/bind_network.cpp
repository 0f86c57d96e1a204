// The class Network: its construction, its parameters, and everything it computes except training.
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "nn/predict.h"
#include "train/evaluate.h"
#include "train/gradients.h"
#include "bindings/gil.h"
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
                                            const std::string& dtype,
                                            const std::optional<std::string>& norm, bool residual) {
    NetworkSpec spec{std::move(sizes),
                     {},
                     {loss_from_name(loss), std::move(loss_settings)},
                     norm.has_value() ? norm_from_name(*norm) : Norm::kNone,
                     residual};
    for (const std::string& name : activations) {
        spec.activations.push_back(activation_from_name(name));
    }
    const GilReleased release;
    return std::make_unique<NetworkObject>(std::move(spec), dtype);
}

void initialize(NetworkObject& self, std::uint64_t seed, const std::string& initializer) {
    const Initializer kind = initializer_from_name(initializer);
    const GilReleased release;
    self.visit([&](auto& net) { net.initialize(seed, kind); });
}

// What `flag` says of each layer.
std::vector<bool> of_layers(NetworkObject& self, bool Layer::*flag) {
    return self.visit([&](auto& net) {
        std::vector<bool> flags;
        for (const Layer& layer : net.layers()) {
            flags.push_back(layer.*flag);
        }
        return flags;
    });
}

// A view that keeps its network alive.
py::array parameters(const py::object& self) {
    return self.cast<NetworkObject&>().visit([&](auto& net) -> py::array {
        return py::array_t<ElementOf<decltype(net)>>(net.num_parameters(), net.parameters(), self);
    });
}

void predict_rows(NetworkObject& self, const InputArrays& x, py::array out, bool raw,
                  std::optional<index_t> threads) {
    self.visit([&](auto& net) {
        using T = ElementOf<decltype(net)>;
        const Inputs all = inputs(x, net.inputs());
        const InputMatrix& rows = all.matrix;
        T* const y = writable_elements<T>(out, {rows.rows, net.outputs()}, "out");
        std::optional<GilReleased> release;
        if (predict_nanoseconds(net, rows.rows) > kHoldGilNanoseconds) {
            release.emplace();
        }
        predict(net, rows, raw ? Output::kRaw : Output::kTarget, y,
                threads.value_or(num_threads()));
    });
}

std::pair<double, double> evaluate_rows(NetworkObject& self, const DataArrays& data) {
    return self.visit([&](auto& net) {
        const auto rows = dataset(net, data);
        const GilReleased release;
        const Evaluation evaluation = evaluate(net, rows.data, num_threads());
        return std::make_pair(evaluation.loss, evaluation.metric);
    });
}

std::pair<double, py::array> loss_and_gradient(NetworkObject& self, const DataArrays& data,
                                               std::optional<index_t> threads) {
    return self.visit([&](auto& net) -> std::pair<double, py::array> {
        using T = ElementOf<decltype(net)>;
        const auto rows = dataset(net, data);
        py::array_t<T> gradient(net.num_parameters());
        T* const d = gradient.mutable_data();
        double loss = 0;
        {
            const GilReleased release;
            loss = gradients(net, rows.data, d, threads.value_or(num_threads()));
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
            const GilReleased release;
            backward(net, rows, d_out, d, d_in, num_threads());
        }
        return {std::move(d_x), std::move(gradient)};
    });
}

template <class T>
void normalize(const py::array& x, py::array& y, std::optional<py::array>& d) {
    const index_t rows = x.ndim() == 2 ? x.shape(0) : 0, n = x.ndim() == 2 ? x.shape(1) : 0;
    const T* const from = elements<T>(x, {rows, n}, "x");
    T* const to = writable_elements<T>(y, {rows, n}, "y");
    T* const gradient = d ? writable_elements<T>(*d, {rows, n}, "d") : nullptr;
    const GilReleased release;
    std::vector<T> inverse_deviations(static_cast<std::size_t>(rows));
    kernels<T>().layer_norm(rows, n, from, n, to, n, inverse_deviations.data());
    if (gradient != nullptr) {
        kernels<T>().layer_norm_backward(rows, n, to, n, inverse_deviations.data(), gradient, n);
    }
}

void normalize_rows(const py::array& x, py::array y, std::optional<py::array> d) {
    py::isinstance<py::array_t<float>>(x) ? normalize<float>(x, y, d) : normalize<double>(x, y, d);
}

std::optional<std::pair<index_t, index_t>> first_nonfinite(const py::array& x) {
    const InputMatrix matrix = input_matrix(x, x.ndim() == 2 ? x.shape(1) : 0);
    const GilReleased release;
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

    m.def("layer_norm", &normalize_rows, py::arg("x"), py::arg("y"), py::arg("d") = py::none(),
          "The rows of x (M, N) normalised into y; d from the gradient by y to that by x.");
    m.def("norm_names", &norm_names, "The names of norms between layers.");

    py::class_<NetworkObject>(m, "Network", "Layers and one flat buffer of parameters.")
        .def(py::init(&make_network), py::arg("sizes"), py::arg("activations"), py::arg("loss"),
             py::arg("loss_settings"), py::arg("dtype"), py::arg("norm") = py::none(),
             py::arg("residual") = false)
        .def("initialize", &initialize, py::arg("seed"), py::arg("initializer"))
        .def_property_readonly("parameters", &parameters)
        .def_property_readonly("sizes", [](NetworkObject& self) { return spec_of(self).sizes; })
        .def_property_readonly("activations", &activations)
        .def_property_readonly("loss",
                               [](NetworkObject& self) { return loss_of(self).info().name; })
        .def_property_readonly("loss_settings",
                               [](NetworkObject& self) { return loss_of(self).settings; })
        .def_property_readonly("norm",
                               [](NetworkObject& self) { return norm_name(spec_of(self).norm); })
        .def_property_readonly("residual",
                               [](NetworkObject& self) { return spec_of(self).residual; })
        .def_property_readonly(
            "residual_layers",
            [](NetworkObject& self) { return of_layers(self, &Layer::residual); })
        .def_property_readonly(
            "normalized_layers",
            [](NetworkObject& self) { return of_layers(self, &Layer::normalizes); })
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
        .def(
            "predict_rows", &predict_rows, py::arg("x"), py::arg("out"), py::arg("raw"),
            py::arg("threads") = py::none(),
            "Predictions for x (M, in), dense or CSR's (data, columns, starts), into out (M, out).")
        .def("evaluate", &evaluate_rows, py::arg("data"), "Mean loss, and metric.")
        .def("gradients", &loss_and_gradient, py::arg("data"), py::arg("threads") = py::none(),
             "Mean loss, and its gradient (P,), on at most so many threads.")
        .def("backward", &pull_back, py::arg("x"), py::arg("d_y"),
             "The gradient (M, in) by x, and (P,) by the parameters.");
}

}  // namespace briskmlp
