// What Python is asked and told during a fit, under the GIL.
#pragma once

#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/cpu.h"
#include "train/fit.h"
#include "bindings/gil.h"
#include "bindings/numpy_bridge.h"

namespace briskmlp {

// Python's handlers of signals run on its main thread only.
inline bool on_main_thread() {
    const py::object main_thread = py::module_::import("threading").attr("main_thread")();
    return main_thread.attr("ident").cast<unsigned long>() == PyThread_get_thread_ident();
}

class PythonObserver final : public FitObserver {
  public:
    // on_epoch(EpochReport), or None, returns true to stop; rates(epoch, batches), or None, an
    // array of so many factors of the learning rate; order(epoch, rows), or None, the numbers of
    // the rows in their order, uint32 (rows), or None. The batches' losses go to `losses` unless
    // that is null.
    PythonObserver(py::object on_epoch, py::object rates, py::object order, double* losses)
        : on_epoch_(std::move(on_epoch)),
          rates_(std::move(rates)),
          order_(std::move(order)),
          losses_(losses),
          calls_back_(!on_epoch_.is_none()),
          main_thread_(on_main_thread()) {}

    bool epoch_done(const EpochReport& report) override {
        return calls_back_ &&
               stops([&] { return static_cast<bool>(py::bool_(on_epoch_(report))); });
    }

    const double* rate_factors(index_t epoch, index_t batches) override {
        if (rates_.is_none()) {
            return nullptr;
        }
        const GilTaken gil;
        factors_ = rates_(epoch, batches);
        return elements<double>(factors_, {batches}, "the factors of the learning rate");
    }

    const std::uint32_t* order(index_t epoch, index_t rows) override {
        if (order_.is_none()) {
            return nullptr;
        }
        const GilTaken gil;
        const py::object numbers = order_(epoch, rows);
        if (numbers.is_none()) {
            return nullptr;
        }
        numbers_ = py::reinterpret_borrow<py::array>(numbers);
        const auto* const first =
            elements<std::uint32_t>(numbers_, {rows}, "the order of the rows");
        if (static_cast<index_t>(*std::max_element(first, first + rows)) >= rows) {
            throw std::invalid_argument("the order has row " +
                                        std::to_string(*std::max_element(first, first + rows)) +
                                        ", there are " + std::to_string(rows) + " rows");
        }
        return first;
    }

    double* batch_losses(index_t epoch, index_t batches) override {
        return losses_ == nullptr ? nullptr : losses_ + epoch * batches;
    }

    bool changes_parameters() const override { return calls_back_; }

    bool interrupted() override {
        return main_thread_ && stops([] {
                   if (PyErr_CheckSignals() != 0) {
                       throw py::error_already_set();
                   }
                   return false;
               });
    }

    py::object take_error() { return std::move(error_); }

    // question() under the GIL; an exception is kept, and stops the fit.
    template <class Question>
    bool stops(Question question) {
        const GilTaken gil;
        try {
            return question();
        } catch (const py::error_already_set& error) {
            if (error.trace()) {
                PyException_SetTraceback(error.value().ptr(), error.trace().ptr());
            }
            error_ = error.value();
        } catch (const std::exception& error) {  // must not leave a parallel region
            error_ = py::module_::import("builtins").attr("RuntimeError")(error.what());
        }
        return true;
    }

  private:
    py::object on_epoch_, rates_, order_;
    py::array factors_, numbers_;  // of the epoch in hand
    double* losses_;
    py::object error_ = py::none();
    bool calls_back_, main_thread_;
};

// A function of the rows' numbers, uint32 (m,), and their raw outputs (m, outputs), a copy, that
// returns their loss and its gradient by the outputs.
template <class T>
class PythonLoss final : public ExternalLoss<T> {
  public:
    PythonLoss(py::object function, PythonObserver& observer)
        : function_(std::move(function)), observer_(&observer) {}

    std::optional<double> evaluate(const std::uint32_t* numbers, MatrixView<const T> z,
                                   MatrixView<T> d) override {
        const KeepDenormals keep;
        std::optional<double> loss;
        observer_->stops([&] {
            py::array_t<T> raw({z.rows, z.cols});
            for (index_t r = 0; r < z.rows; ++r) {
                std::copy_n(z.row(r), z.cols, raw.mutable_data(r, 0));
            }
            const py::tuple answer =
                function_(py::array_t<std::uint32_t>(z.rows, numbers), std::move(raw));
            const auto gradient = answer[1].template cast<py::array>();
            const T* const from = elements<T>(gradient, {z.rows, z.cols}, "the loss's gradient");
            for (index_t r = 0; r < z.rows; ++r) {
                std::copy_n(from + r * z.cols, z.cols, d.row(r));
            }
            loss = answer[0].template cast<double>();
            return false;
        });
        return loss;
    }

  private:
    py::object function_;
    PythonObserver* observer_;
};

}  // namespace briskmlp
