// A network of either element type, as Python holds it.
#pragma once

#include <atomic>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "nn/network.h"
#include "nn/predict.h"
#include "train/training.h"

namespace briskmlp {

// Computing for longer than this releases the GIL, which itself costs about 50 ns.
inline constexpr double kHoldGilNanoseconds = 10e3;

// The T of a Network<T>.
template <class Net>
using ElementOf = std::remove_reference_t<decltype(*std::declval<Net>().parameters())>;

class NetworkObject {
  public:
    // dtype is "float32" or "float64".
    NetworkObject(NetworkSpec spec, const std::string& dtype)
        : network_(make(std::move(spec), dtype)),
          slow_row_(std::visit([](const auto& net) { return predict_nanoseconds(net, 1); },
                               network_) > kHoldGilNanoseconds) {
        if (get_if<double>() != nullptr) {
            training_.emplace<Training<double>>();
        }
    }

    // function(Network<T>&) for the T that this network has.
    template <class Function>
    decltype(auto) visit(Function&& function) {
        return std::visit(std::forward<Function>(function), network_);
    }
    // The network if its elements are T, else null.
    template <class T>
    Network<T>* get_if() {
        return std::get_if<Network<T>>(&network_);
    }
    // What its fits work on; for the holder of a FitLock.
    template <class T>
    Training<T>& training(const Network<T>&) {
        return std::get<Training<T>>(training_);
    }
    // Whether predicting one row takes longer than the GIL may be held.
    bool slow_row() const { return slow_row_; }

    // Held by a fit; a second one at the same time is an error.
    class FitLock {
      public:
        explicit FitLock(NetworkObject& network) : fitting_(network.fitting_) {
            if (fitting_.exchange(true)) {
                throw std::runtime_error(
                    "this network is being fitted already; wait for that fit to end, or fit a "
                    "copy");
            }
        }
        ~FitLock() { fitting_ = false; }
        FitLock(const FitLock&) = delete;
        FitLock& operator=(const FitLock&) = delete;

      private:
        std::atomic<bool>& fitting_;
    };

  private:
    using AnyNetwork = std::variant<Network<float>, Network<double>>;

    static AnyNetwork make(NetworkSpec spec, const std::string& dtype) {
        if (dtype == "float64") {
            return Network<double>(std::move(spec));
        }
        return Network<float>(std::move(spec));
    }

    AnyNetwork network_;
    std::variant<Training<float>, Training<double>> training_;
    std::atomic<bool> fitting_{false};
    bool slow_row_;
};

}  // namespace briskmlp
