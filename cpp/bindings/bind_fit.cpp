// Training from Python: the whole fit is one call without the GIL, which is taken only to look for
// signals (Ctrl-C) and to call back after an epoch.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "train/fit.h"
#include "train/plan.h"
#include "train/team.h"
#include "bindings/fit_callbacks.h"
#include "bindings/gil.h"
#include "bindings/network_object.h"
#include "bindings/numpy_bridge.h"

namespace briskmlp {
namespace {

// How a fit ended: the core's account, and the exception that ended it, or None.
struct FitOutcome {
    FitResult result;
    py::object error;
};

using StateArrays = py::typing::Dict<py::str, py::array>;

// Calls body(name, member of TrainingState) for each array that training with an optimizer has.
template <class Body>
void for_each_state_array(const OptimizerNeeds& needs, Body body) {
    body(
        "weights", [](auto& state) -> auto& { return state.weights; });
    if (needs.state_arrays > 0) {
        body(
            "state1", [](auto& state) -> auto& { return state.optimizer[0]; });
    }
    if (needs.state_arrays > 1) {
        body(
            "state2", [](auto& state) -> auto& { return state.optimizer[1]; });
    }
    if (needs.average) {
        body(
            "average", [](auto& state) -> auto& { return state.average; });
    }
}

// The arrays' names, in order.
std::vector<std::string> state_names(const OptimizerSpec& optimizer) {
    std::vector<std::string> names;
    for_each_state_array(optimizer_needs(optimizer),
                         [&](const char* name, auto) { names.emplace_back(name); });
    return names;
}

// Copies of the arrays (P) by name, of the latest fit; for use between its steps or after it.
std::optional<StateArrays> training_state(NetworkObject& network) {
    return network.visit([&](auto& net) -> std::optional<StateArrays> {
        using T = ElementOf<decltype(net)>;
        auto& training = network.training(net);
        if (training.latest_step() == nullptr) {
            return std::nullopt;
        }
        StateArrays arrays;
        TrainingState<T> state;
        for_each_state_array(training.optimizer_needs(), [&](const char* name, auto member) {
            py::array_t<T> array(net.num_parameters());
            member(state) = array.mutable_data();
            arrays[name] = std::move(array);
        });
        training.latest_step()->store_state(kSoleWorker, state);
        return arrays;
    });
}

// Views of such arrays.
template <class T>
TrainingState<const T> state_views(const Network<T>& net, const OptimizerSpec& optimizer,
                                   const StateArrays& arrays) {
    TrainingState<const T> state;
    for_each_state_array(optimizer_needs(optimizer), [&](const char* name, auto member) {
        member(state) = elements<T>(arrays[name].cast<py::array>(), {net.num_parameters()}, name);
    });
    return state;
}

FitOutcome fit_network(NetworkObject& network, const DataArrays& data,
                       const std::optional<DataArrays>& eval, const FitOptions& options,
                       py::object on_epoch, py::object rates, std::optional<py::array> losses,
                       const std::optional<StateArrays>& resumed, const py::object& loss,
                       py::object order) {
    const NetworkObject::FitLock lock(network);
    double* batch_losses = nullptr;
    if (losses.has_value()) {
        const index_t rows = std::get<1>(data).shape(0);
        const index_t batches = ceil_div(rows, std::min(options.batch_size, rows));
        batch_losses = writable_elements<double>(*losses, {options.epochs, batches}, "the losses");
    }
    PythonObserver observer(std::move(on_epoch), std::move(rates), std::move(order), batch_losses);
    FitResult result = network.visit([&](auto& net) {
        require(!options.batch_norm || (net.layers().size() > 1 && net.spec().norm == Norm::kNone),
                "batch_norm needs hidden layers, and no other norm");
        auto& training = network.training(net);
        using T = ElementOf<decltype(net)>;
        PythonLoss<T> external(loss, observer);
        const auto rows = dataset<T>(net, data, loss.is_none() ? nullptr : &external);
        std::optional<Rows<T>> eval_rows;
        if (eval.has_value()) {
            eval_rows = dataset<T>(net, *eval);
        }
        TrainingState<const T> state;
        if (resumed.has_value()) {
            state = state_views(net, options.optimizer, *resumed);
        }
        const GilReleased release;
        return fit(net, training, rows.data, eval_rows ? &eval_rows->data : nullptr, options,
                   observer, resumed.has_value() ? &state : nullptr);
    });
    return {std::move(result), observer.take_error()};
}

OptimizerSpec make_optimizer(const std::string& kind, double learning_rate, double momentum,
                             bool nesterov, std::pair<double, double> betas, double eps,
                             double weight_decay, std::vector<double> layer_rates,
                             bool decay_biases, double l1, double clip_value, double clip_norm,
                             double average, bool decoupled, bool rate_in_velocity,
                             bool plain_epsilon, double row_decay) {
    OptimizerSpec spec;
    spec.kind = optimizer_from_name(kind);
    spec.learning_rate = learning_rate;
    spec.momentum = momentum;
    spec.nesterov = nesterov;
    spec.beta1 = betas.first;
    spec.beta2 = betas.second;
    spec.epsilon = eps;
    spec.weight_decay = weight_decay;
    spec.layer_rates = std::move(layer_rates);
    spec.decay_biases = decay_biases;
    spec.l1 = l1;
    spec.clip_value = clip_value;
    spec.clip_norm = clip_norm;
    spec.average = average;
    spec.decoupled = decoupled;
    spec.rate_in_velocity = rate_in_velocity;
    spec.plain_epsilon = plain_epsilon;
    spec.row_decay = row_decay;
    return spec;
}

FitOptions make_options(index_t epochs, index_t batch_size, bool shuffle, std::uint64_t seed,
                        index_t first_epoch, index_t batches_per_step, index_t steps_before,
                        const OptimizerSpec& optimizer, std::vector<double> dropout,
                        std::vector<double> noise, double gradient_factor, bool penalty,
                        std::optional<index_t> threads, bool batch_norm, bool folded) {
    require(optimizer.row_decay == 0 || batches_per_step == 1,
            "row_decay is of steps of one batch");
    return {epochs,
            batch_size,
            shuffle,
            seed,
            first_epoch,
            batches_per_step,
            steps_before,
            optimizer,
            std::move(dropout),
            std::move(noise),
            threads.value_or(num_threads()),
            gradient_factor,
            penalty,
            batch_norm,
            folded};
}

// How a network would be trained with batches of so many rows.
struct PlanReport {
    std::string kind, isa;
    index_t lanes;
    index_t tile_rows, tile_columns;  // of a register tile of the matmul
    index_t row_tile;                 // rows that go through the layers together
    index_t parts;                    // that are worked on side by side
    index_t threads;
    StepCost cost;
};

PlanReport plan_report(NetworkObject& network, index_t batch_size, index_t steps) {
    return network.visit([&](auto& net) {
        using T = ElementOf<decltype(net)>;
        const KernelTable<T>& table = kernels<T>();
        const Plan plan = make_plan(net, table, batch_size);
        return PlanReport{plan_name(plan.kind),
                          table.isa,
                          table.lanes,
                          table.tile_rows,
                          table.tile_vecs * table.lanes,
                          std::min(batch_size, plan.tile_rows * plan.stretch),
                          plan.max_threads,
                          Team(plan, steps, num_threads()).most(),
                          plan.cost};
    });
}

double expected_step_seconds(NetworkObject& network, index_t batch_size, double peak,
                             index_t threads) {
    return network.visit([&](auto& net) {
        using T = ElementOf<decltype(net)>;
        const Plan plan = make_plan(net, kernels<T>(), batch_size);
        return 1e-9 * expected_nanoseconds(net, plan.cost, peak, threads);
    });
}

}  // namespace

void bind_fit(py::module_& m) {
    const OptimizerSpec defaults;
    py::class_<OptimizerSpec>(m, "OptimizerSpec", "An optimizer's settings.")
        .def(py::init(&make_optimizer), py::arg("kind"), py::kw_only(), py::arg("learning_rate"),
             py::arg("momentum") = defaults.momentum, py::arg("nesterov") = defaults.nesterov,
             py::arg("betas") = std::make_pair(defaults.beta1, defaults.beta2),
             py::arg("eps") = defaults.epsilon, py::arg("weight_decay") = defaults.weight_decay,
             py::arg("layer_rates") = defaults.layer_rates,
             py::arg("decay_biases") = defaults.decay_biases, py::arg("l1") = defaults.l1,
             py::arg("clip_value") = defaults.clip_value, py::arg("clip_norm") = defaults.clip_norm,
             py::arg("average") = defaults.average, py::arg("decoupled") = defaults.decoupled,
             py::arg("rate_in_velocity") = defaults.rate_in_velocity,
             py::arg("plain_epsilon") = defaults.plain_epsilon,
             py::arg("row_decay") = defaults.row_decay)
        .def("state_names", &state_names, "The arrays of training with it, see training_state.");

    py::class_<FitOptions>(m, "FitOptions", "How to train.")
        .def(py::init(&make_options), py::kw_only(), py::arg("epochs"), py::arg("batch_size"),
             py::arg("shuffle"), py::arg("seed"), py::arg("first_epoch"),
             py::arg("batches_per_step"), py::arg("steps_before"), py::arg("optimizer"),
             py::arg("dropout"), py::arg("noise"), py::arg("gradient_factor") = 1.0,
             py::arg("penalty") = false, py::arg("threads") = py::none(),
             py::arg("batch_norm") = false, py::arg("folded") = true)
        .def_readonly("epochs", &FitOptions::epochs)
        .def_readonly("steps_before", &FitOptions::steps_before)
        .def_readonly("batch_norm", &FitOptions::batch_norm)
        .def(
            "steps",
            [](const FitOptions& options, index_t batches) {
                return ceil_div(batches, options.batches_per_step);
            },
            py::arg("batches"), "The optimizer's steps in an epoch of so many batches.")
        .def_property_readonly("learning_rate", [](const FitOptions& options) {
            return options.optimizer.learning_rate;
        });

    py::class_<EpochReport>(m, "EpochReport", "The figures of one epoch.")
        .def_readonly("epoch", &EpochReport::epoch)
        .def_readonly("loss", &EpochReport::loss)
        .def_readonly("eval_loss", &EpochReport::eval_loss)
        .def_readonly("eval_metric", &EpochReport::eval_metric)
        .def_readonly("seconds", &EpochReport::seconds)
        .def_readonly("penalty", &EpochReport::penalty);

    py::class_<FitOutcome>(m, "FitOutcome", "How a fit ended.")
        .def_property_readonly(
            "diverged",
            [](const FitOutcome& outcome) { return outcome.result.end == FitEnd::kDiverged; })
        .def_property_readonly("epoch",
                               [](const FitOutcome& outcome) { return outcome.result.epoch; })
        .def_property_readonly("step",
                               [](const FitOutcome& outcome) { return outcome.result.step; })
        .def_property_readonly(
            "batches_done", [](const FitOutcome& outcome) { return outcome.result.batches_done; })
        .def_property_readonly("epochs",
                               [](const FitOutcome& outcome) { return outcome.result.epochs; })
        .def_readonly("error", &FitOutcome::error);

    py::class_<PlanReport>(m, "PlanReport", "How a network would be trained.")
        .def_readonly("kind", &PlanReport::kind)
        .def_readonly("isa", &PlanReport::isa)
        .def_readonly("lanes", &PlanReport::lanes)
        .def_readonly("tile_rows", &PlanReport::tile_rows)
        .def_readonly("tile_columns", &PlanReport::tile_columns)
        .def_readonly("row_tile", &PlanReport::row_tile)
        .def_readonly("parts", &PlanReport::parts)
        .def_readonly("threads", &PlanReport::threads)
        .def_property_readonly("flops", [](const PlanReport& r) { return r.cost.flops; })
        .def_property_readonly("padded_flops",
                               [](const PlanReport& r) { return r.cost.padded_flops; })
        .def_property_readonly("exchanged", [](const PlanReport& r) { return r.cost.exchanged; })
        .def_property_readonly("barriers", [](const PlanReport& r) { return r.cost.barriers; });

    m.def("expected_seconds", &expected_step_seconds, py::arg("network"), py::arg("batch_size"),
          py::arg("peak"), py::arg("threads"),
          "How long a step should take on threads that can each do `peak` GFLOP/s.");
    m.def("plan", &plan_report, py::arg("network"), py::arg("batch_size"), py::arg("steps"),
          "How the network would be trained in epochs of so many steps.");
    m.def(
        "fit", &fit_network, py::arg("network"), py::arg("data"), py::arg("eval"),
        py::arg("options"), py::arg("on_epoch"), py::arg("rates"), py::arg("losses") = py::none(),
        py::arg("resumed") = py::none(), py::arg("loss") = py::none(),
        py::arg("order") = py::none(),
        "Trains in place. on_epoch(report), unless None, returns true to stop; rates(epoch, "
        "batches), unless None, gives factors of the learning rate, epochs counted from 0. The "
        "loss of each batch is written to `losses` (epochs, batches), float64, unless None. "
        "`resumed` is a training_state to go on from, after options.steps_before steps. loss("
        "numbers, raw), unless None, gives the loss of rows with these numbers and its gradient by "
        "their raw outputs, in place of the network's; the data's y then has no columns. order("
        "epoch, rows), unless None, gives the numbers of an epoch's rows, uint32 (rows), or None "
        "for all as the options say.");
    m.def("training_state", &training_state, py::arg("network"),
          "Where the latest fit stands, after it or in its on_epoch: copies of its arrays (P), by "
          "name. None if it diverged, or there was none.");
}

}  // namespace briskmlp
