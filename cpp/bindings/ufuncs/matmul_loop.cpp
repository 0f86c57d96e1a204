#include "bindings/ufuncs/matmul_loop.h"

#include <new>
#include <utility>

#include "kernels/dispatch.h"
#include "bindings/gil.h"

namespace briskmlp {
namespace {

// NumPy's strides, which count bytes, one after the other. Operands are aligned, so that they are
// whole elements.
template <class T>
class Strides {
  public:
    explicit Strides(const index_t* steps) : next_(steps) {}
    index_t take() { return *next_++ / index_t{sizeof(T)}; }

  private:
    const index_t* next_;
};

// Reads the distances of the products, then the strides of each operand's core dimensions.
template <class T>
Matmul<T> matmul_of(const MatmulLoop& loop, char** args, const index_t* dims,
                    const index_t* steps) {
    static_assert(alignof(T) == sizeof(T));
    const MatmulKind kind = loop.kind;
    const bool biased = kind == MatmulKind::kLinearBias;
    const bool row = kind == MatmulKind::kVecmat || kind == MatmulKind::kVecdot;  // a is (k)
    const bool column = kind == MatmulKind::kMatvec || kind == MatmulKind::kVecdot;
    Strides<T> strides(steps);
    Matmul<T> p;
    p.activation = loop.activation;
    p.count = dims[0];
    p.a_next = strides.take();
    p.b_next = strides.take();
    p.bias_next = biased ? strides.take() : 0;
    p.c_next = strides.take();
    const index_t* dim = dims + 1;
    const index_t m = row ? 1 : *dim++, k = *dim++, n = column ? 1 : *dim;
    p.a = {reinterpret_cast<const T*>(args[0]), m, k, row ? 0 : strides.take(), 0};
    p.a.col = strides.take();
    p.b = {reinterpret_cast<const T*>(args[1]), k, n, strides.take(), 0};
    p.b.col = column ? 0 : strides.take();
    p.bias = biased ? reinterpret_cast<const T*>(args[2]) : nullptr;
    p.bias_stride = biased ? strides.take() : 1;
    p.c = {reinterpret_cast<T*>(args[biased ? 3 : 2]), m, n, row ? 0 : strides.take(), 0};
    p.c.col = column ? 0 : strides.take();
    return p;
}

// Products that share B are one with more rows, if their rows are evenly spaced.
template <class T>
void join_rows(Matmul<T>& p) {
    if (p.b_next != 0 || p.bias_next != 0 || p.count == 1) {
        return;
    }
    if (p.c.rows == 1) {
        p.a.row = p.a_next;
        p.c.row = p.c_next;
    } else if (p.a_next != p.a.rows * p.a.row || p.c_next != p.c.rows * p.c.row) {
        return;
    }
    p.a.rows *= p.count;
    p.c.rows *= p.count;
    p.count = 1;
}

}  // namespace

template <class T>
void matmul_loop(char** args, const index_t* dims, const index_t* steps, void* data) {
    const auto& loop = *static_cast<const MatmulLoop*>(data);
    Matmul<T> p = matmul_of<T>(loop, args, dims, steps);
    if (loop.kind == MatmulKind::kVecdot && p.a_next == 0) {  // a dot product either way
        std::swap(p.a.data, p.b.data);
        std::swap(p.a.col, p.b.row);
        std::swap(p.a_next, p.b_next);
    }
    join_rows(p);
    try {
        matmul(kernels<T>(), p);
    } catch (const std::bad_alloc&) {
        if (loop.instead != nullptr) {
            loop.instead(args, dims, steps, loop.instead_data);
            return;
        }
        const GilTaken acquire;
        PyErr_NoMemory();
    }
}

template void matmul_loop<float>(char**, const index_t*, const index_t*, void*);
template void matmul_loop<double>(char**, const index_t*, const index_t*, void*);

}  // namespace briskmlp
