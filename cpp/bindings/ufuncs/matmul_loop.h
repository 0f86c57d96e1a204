// The inner loops of matmul, its relatives and the linear layer: NumPy's operands as a Matmul.
#pragma once

#include "base/types.h"
#include "ops/matmul.h"
#include "bindings/ufuncs/ufunc.h"

namespace briskmlp {

// The generalised ufuncs with a product in them, by their core dimensions.
enum class MatmulKind {
    kMatmul,      // (n?,k),(k,m?)->(n?,m?)
    kMatvec,      // (m,n),(n)->(m)
    kVecmat,      // (n),(n,m)->(m)
    kVecdot,      // (n),(n)->()
    kLinear,      // (m?,k),(k,n)->(m?,n)
    kLinearBias,  // (m?,k),(k,n),(n)->(m?,n)
};

// The data of a loop.
struct MatmulLoop {
    MatmulKind kind;
    Activation activation = Activation::kIdentity;
    InnerLoop instead = nullptr;  // does it when there is no memory for copies
    void* instead_data = nullptr;
};

// An InnerLoop whose data is a MatmulLoop.
template <class T>
void matmul_loop(char** args, const index_t* dims, const index_t* steps, void* data);

}  // namespace briskmlp
