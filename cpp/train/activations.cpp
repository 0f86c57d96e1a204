#include "train/activations.h"

namespace briskmlp {

template <class T>
Activations<T>::Activations(const Network<T>& net, index_t lanes, index_t rows,
                            const Targets<T>& targets, bool dropout)
    : rows_(net.inputs(), lanes, rows, targets) {
    for (const Layer& layer : net.layers()) {
        y_.push_back(PaddedMatrix<T>::with_ones(rows, layer.out, lanes));
        d_.push_back(PaddedMatrix<T>(rows, layer.out, lanes));
        const bool dropped = dropout && y_.size() < net.layers().size();
        slope_.push_back(derivative_from_output(layer.activation) && !dropped
                             ? PaddedMatrix<T>()
                             : PaddedMatrix<T>(rows, layer.out, lanes));
    }
}

template class Activations<float>;
template class Activations<double>;

}  // namespace briskmlp
