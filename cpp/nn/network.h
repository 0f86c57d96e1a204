// A network: its layers, and one flat buffer with all its parameters. It holds no activations and
// no training state.
#pragma once

#include <vector>

#include "base/aligned_buffer.h"
#include "nn/activation.h"
#include "nn/loss.h"

namespace briskmlp {

struct NetworkSpec {
    std::vector<index_t> sizes;           // inputs, hidden widths, outputs: at least two
    std::vector<Activation> activations;  // one a layer, the output layer's last
    LossSpec loss;
};

// Layer l computes f(x W + b). Its parameters lie at `offset` as (in + 1, out) row-major: the
// weights, then the bias as one more row. The bias is the weight of an input that is always 1.
struct Layer {
    index_t in, out;
    Activation activation;
    index_t offset;
};

template <class T>
class Network {
  public:
    // Throws std::invalid_argument when a size is below 1 or the loss does not fit the outputs, and
    // std::bad_alloc when the parameters do not fit in memory. Parameters start at zero.
    explicit Network(NetworkSpec spec);

    const NetworkSpec& spec() const { return spec_; }
    const std::vector<Layer>& layers() const { return layers_; }
    index_t inputs() const { return spec_.sizes.front(); }
    index_t outputs() const { return spec_.sizes.back(); }

    index_t num_parameters() const { return parameters_.size(); }
    T* parameters() { return parameters_.data(); }  // (P), readable kSlack past the end
    const T* parameters() const { return parameters_.data(); }

    void initialize(std::uint64_t seed, Initializer initializer);

  private:
    NetworkSpec spec_;
    std::vector<Layer> layers_;
    AlignedBuffer<T> parameters_;
};

}  // namespace briskmlp
