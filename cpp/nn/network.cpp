#include "nn/network.h"

#include <algorithm>
#include <utility>

namespace briskmlp {
namespace {

// The layers and, in *parameters, the size of their buffer.
std::vector<Layer> lay_out(const NetworkSpec& spec, index_t* parameters) {
    require(spec.sizes.size() >= 2, "sizes has " + std::to_string(spec.sizes.size()) +
                                        " entries, expected at least 2: inputs and outputs");
    for (std::size_t i = 0; i < spec.sizes.size(); ++i) {
        require(spec.sizes[i] >= 1, "sizes[" + std::to_string(i) + "] is " +
                                        std::to_string(spec.sizes[i]) + ", expected at least 1");
    }
    require(spec.activations.size() == spec.sizes.size() - 1,
            "got " + std::to_string(spec.activations.size()) + " activations for " +
                std::to_string(spec.sizes.size() - 1) + " layers");
    std::vector<Layer> layers;
    index_t offset = 0;
    for (std::size_t l = 0; l + 1 < spec.sizes.size(); ++l) {
        const index_t in = spec.sizes[l], out = spec.sizes[l + 1];
        layers.push_back({in, out, spec.activations[l], offset});
        offset = checked_add(offset, checked_mul(checked_add(in, 1), out));
    }
    *parameters = offset;
    return layers;
}

void require_outputs(const LossSpec& loss, index_t outputs) {
    const std::string name = std::string("loss '") + loss.info().name + "'";
    const index_t per_target = loss.outputs_per_target();
    require(outputs % per_target == 0,
            name + " needs a multiple of " + std::to_string(per_target) + " outputs, " +
                (loss.kind == Loss::kQuantile ? "each quantile" : "a mean and a log-variance") +
                " for each target; the network has " + std::to_string(outputs));
    require(loss.info().link != Link::kSoftmax || outputs >= 2,
            name +
                " needs an output for each class, at least 2; for one yes-or-no output use "
                "'binary_cross_entropy'");
}

}  // namespace

template <class T>
Network<T>::Network(NetworkSpec spec) : spec_(std::move(spec)) {
    index_t size = 0;
    layers_ = lay_out(spec_, &size);
    require_outputs(spec_.loss, outputs());
    parameters_ = AlignedBuffer<T>(size);
}

template <class T>
void Network<T>::initialize(std::uint64_t seed, Initializer initializer) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        const Layer& layer = layers_[l];
        const Initializer kind = initializer == Initializer::kAuto
                                     ? activation_info(layer.activation).initializer
                                     : initializer;
        T* const w = parameters() + layer.offset;
        initialize_weights(kind, seed, static_cast<index_t>(l), layer.in, layer.out, w);
        std::fill_n(w + layer.in * layer.out, layer.out, T(0));
    }
}

template class Network<float>;
template class Network<double>;

}  // namespace briskmlp
