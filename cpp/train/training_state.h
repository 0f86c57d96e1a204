// Where a training stands between two steps, for going on elsewhere with the same bits: flat arrays
// (P), laid out as the network's parameters are.
#pragma once

namespace briskmlp {

// T is const where the arrays are read. Null: the optimizer has no such array.
template <class T>
struct TrainingState {
    T* weights = nullptr;                  // what steps work on: not their running mean
    T* optimizer[2] = {nullptr, nullptr};  // an Adam's running means of g and g^2, say
    T* average = nullptr;                  // the weights' running mean
};

}  // namespace briskmlp
