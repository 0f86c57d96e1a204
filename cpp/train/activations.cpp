#include "train/activations.h"

#include "nn/passing.h"

namespace briskmlp {

template <class T>
Activations<T>::Activations(const Network<T>& net, index_t lanes, index_t rows,
                            const Targets<T>& targets, bool changed)
    : rows_(net.inputs(), lanes, rows, targets) {
    for (const Layer& layer : net.layers()) {
        y_.push_back(PaddedMatrix<T>::with_ones(rows, layer.out, lanes));
        d_.push_back(PaddedMatrix<T>(rows, layer.out, lanes));
        const bool hidden = y_.size() < net.layers().size();
        const bool overwritten = (changed && hidden) || !layer.passes_on_as_is();
        slope_.push_back(derivative_from_output(layer.activation) && !overwritten
                             ? PaddedMatrix<T>()
                             : PaddedMatrix<T>(rows, layer.out, lanes));
        inverse_deviations_.push_back(layer.normalizes ? AlignedBuffer<T>(rows)
                                                       : AlignedBuffer<T>());
    }
    const index_t cols = stream_cols(net.layers());
    stream_ = cols > 0 ? PaddedMatrix<T>(rows, cols, lanes) : PaddedMatrix<T>();
}

template class Activations<float>;
template class Activations<double>;

}  // namespace briskmlp
