// The contract between the kernels and everything above them: one table of function pointers for
// each element type and instruction set. Kernels never allocate, throw, lock or call each other's
// tables, and check nothing: their preconditions stand here.
//
// Shape letters: M rows (batch), K in, N out. "Padded" means rounded up to whole vectors (`lanes`).
#pragma once

#include "kernels/kinds.h"

namespace briskmlp {

// y = f(z) on (rows, cols). y may be z. `slope`, unless null, receives f'(z), (rows, cols).
template <class T>
using ActivationForward = void (*)(index_t rows, index_t cols, const T* z, index_t ldz, T* y,
                                   index_t ldy, T* slope, index_t ldslope);

// d *= f' in place on (rows, cols). `source` is y where derivative_from_output(kind), else f'(z).
template <class T>
using ActivationBackward = void (*)(index_t rows, index_t cols, const T* source, index_t ldsource,
                                    T* d, index_t ldd);

// out = f(in[0], in[1], ...) for n elements of each. out may be any of the operands.
template <class T>
using Pointwise = void (*)(index_t n, const T* const* in, T* out);

// Functions of arrays. Those of one operand, x; elementary.inl.h and activation.inl.h state their
// accuracy. Then two with a parameter, of x and the parameter, element by element. Then d_x for a
// given d_y = in[0], from in[1], which is x or y as derivative.inl.h says, and the parameter.
template <class T>
struct FunctionTable {
    Pointwise<T> exp, expm1, log, log1p, erf, tanh, sigmoid, softplus, log_sigmoid;
    Pointwise<T> relu, selu, gelu, gelu_tanh, silu, mish;
    Pointwise<T> leaky_relu, elu;
    Pointwise<T> d_exp, d_expm1, d_log, d_log1p, d_erf, d_tanh, d_sigmoid, d_softplus,
        d_log_sigmoid;
    Pointwise<T> d_relu, d_selu, d_gelu, d_gelu_tanh, d_silu, d_mish;
    Pointwise<T> d_leaky_relu, d_elu;
};

// How a matmul's sums begin ...
enum class GemmStart { kZero, kBias, kContinue };
// ... and what happens to each finished column panel while it is in L1.
enum class GemmFinish { kStore, kRelu, kReluGrad, kForward, kBackward };

// C = finish(start + A B), each element one chain of multiply-adds in ascending order of k.
template <class T>
struct Gemm {
    index_t m, n, k;
    const T* a;            // (m, k), element (i, p) at a[i * a_row + p * a_col]
    index_t a_row, a_col;  // one of the two is 1
    const T* b;            // (k, n) row-major; whole vectors are read: readable to n padded
    index_t ldb;
    T* c;  // (m, n) row-major; whole vectors are written: ldc >= n padded
    index_t ldc;
    GemmStart start = GemmStart::kZero;
    const T* bias = nullptr;  // (n) readable to n padded, for kBias
    GemmFinish finish = GemmFinish::kStore;
    T* slope = nullptr;  // (m, n): receives f' from kForward unless null
    index_t ldslope = 0;
    const T* source = nullptr;  // (m, n), readable to n padded: what kBackward takes f' from, and
    index_t ldsource = 0;       // kReluGrad, which zeroes c wherever source is not above 0
    ActivationForward<T> forward = nullptr;
    ActivationBackward<T> backward = nullptr;
    // For arrays of others: nothing is read or written beyond column n, whatever "padded" says
    // above, and no product is left out, not even one with zero, which may be NaN.
    bool strict = false;
};

// Rows of raw outputs, what they should come out as, and where their gradient goes. n is the number
// of targets or of classes; z and d are (rows, n), except that gaussian_nll has n means and then n
// log-variances, and quantile n outputs for each of its levels.
template <class T>
struct LossRows {
    index_t rows, n;
    const T* z;
    index_t ldz;
    const T* target;  // (rows, n), or null where there are labels
    index_t ldtarget;
    const std::int32_t* label;  // (rows) class numbers below n: focal needs them, cross_entropy may
    const T* weight;            // (rows), or null for all 1: multiplies each row's loss ...
    const T* scale;             // (rows): ... and this each row's gradient; unread if d is null
    const double* settings;     // those of LossInfo
    index_t num_settings;
    T* d;  // receives scale * d loss / d z unless null; may be z
    index_t ldd;
};

// Returns the weighted sum of the rows' losses. It has the rows by value: through a reference they
// would be read anew after every store of a vector, which for all the compiler knows changed them.
template <class T>
using LossKernel = double (*)(LossRows<T>);

// Scalars of one optimizer step, the same for all parameters of a group. optimizer.inl.h says what
// each rule makes of them.
template <class T>
struct UpdateScalars {
    T rate;                        // multiplies the direction
    T l2;                          // this much of the weight is added to the gradient
    T decay;                       // multiplies the weight before the update
    T beta1, rest1, beta2, rest2;  // rest = 1 - beta, subtracted in double: in T it loses digits
    T inv_sqrt_bias2;              // 1 / sqrt(1 - beta2^t)
    T epsilon;
    T gradient_rate;  // as rate, of the gradient beside its mean, or on its way into the velocity
};

// One optimizer step on a tile of (rows, cols), cols padded: gradient g (ldg), parameters w and
// state (all with stride ldw; null where a rule has less).
template <class T>
using Update = void (*)(index_t rows, index_t cols, const T* g, index_t ldg, T* w, T* state1,
                        T* state2, index_t ldw, const UpdateScalars<T>&);

// Which units of a layer are left out of which rows of a minibatch. Of row r and unit j, those
// where the upper 32 bits of CounterRng::bits(r units + j) with this key are below the threshold.
template <class T>
struct Dropped {
    std::uint64_t key, threshold;
    T scale;                        // of those that stay
    index_t units;                  // of the layer
    index_t first_row, first_unit;  // which those in hand are
};

// Normal noise on the inputs of a minibatch: row r and column j get the quantile of the upper 24
// bits of CounterRng::bits(r columns + j) with this key, times the column's standard deviation.
template <class T>
struct Noise {
    std::uint64_t key;
    index_t first_row;    // of those in hand
    const T* deviations;  // (columns)
};

template <class T>
struct KernelTable {
    const char* isa;
    index_t lanes;                 // elements in a vector
    index_t tile_rows, tile_vecs;  // register tile of the matmul: rows x vectors of columns

    void (*gemm)(const Gemm<T>&);

    // Matmuls of layers of at most `narrow` outputs n; the first also of 1 where `narrow` is 0.
    // y (m, n) = bias + x wt^T with x (m, k) and wt (n, k); bias (n) or null for none.
    index_t narrow;
    void (*narrow_forward)(index_t m, index_t n, index_t k, const T* x, index_t ldx, const T* wt,
                           index_t ldwt, const T* bias, T* y, index_t ldy);
    // The same for n = 1 with x in columns, element (i, p) at x[i + p * ldx], and w (k).
    void (*narrow_columns)(index_t m, index_t k, const T* x, index_t ldx, const T* w, const T* bias,
                           T* y, index_t ldy);
    // d_w (k, n) = x^T d, or is increased by it if `add`; x (m, k), d (m, n). Writes whole vectors,
    // with zeros after column n.
    void (*narrow_gradient)(index_t m, index_t n, index_t k, const T* x, index_t ldx, const T* d,
                            index_t ldd, bool add, T* d_w, index_t lddw);

    // y (m, n) = bias + x w with w (k, n) and x sparse in CSR, of whose row r the entries
    // [starts[r], starts[r + 1]) stand in `columns`, each below k. A chain of multiply-adds for
    // each element, in the order of the entries: in ascending order the bits of gemm. Nothing is
    // read or written beyond column n.
    void (*sparse_forward)(index_t m, index_t n, const std::int64_t* starts,
                           const std::int32_t* columns, const T* values, const T* w, index_t ldw,
                           const T* bias, T* y, index_t ldy);

    // y = a + b on (rows, cols), in whole vectors. y may be a or b.
    void (*add)(index_t rows, index_t cols, const T* a, index_t lda, const T* b, index_t ldb, T* y,
                index_t ldy);
    ActivationForward<T> activation_forward[kActivationCount];
    ActivationBackward<T> activation_backward[kActivationCount];
    FunctionTable<T> functions;

    // x += noise, on (rows, cols), which are all columns.
    void (*add_noise)(const Noise<T>&, index_t rows, index_t cols, T* x, index_t ldx);

    // y, slope *= 0 where dropped, else its scale, on (rows, cols).
    void (*drop)(const Dropped<T>&, index_t rows, index_t cols, T* y, index_t ldy, T* slope,
                 index_t ldslope);

    // y (rows, n) = each row of x less its mean, by the root of its variance + kNormEpsilon;
    // one over the root goes to inverse_deviations (rows) unless that is null. y may be x. And
    // back: d (rows, n) from the gradient by y to that by x, in place. Nothing beyond n is touched.
    void (*layer_norm)(index_t rows, index_t n, const T* x, index_t ldx, T* y, index_t ldy,
                       T* inverse_deviations);
    void (*layer_norm_backward)(index_t rows, index_t n, const T* y, index_t ldy,
                                const T* inverse_deviations, T* d, index_t ldd);

    // On (rows, cols), in whole vectors. Each column's mean, and the sum of its squared deviations.
    void (*column_moments)(index_t rows, index_t cols, const T* x, index_t ldx, T* means,
                           T* squares);
    // y = x less its column's mean, times one over its deviation. y may be x.
    void (*batch_norm)(index_t rows, index_t cols, const T* x, index_t ldx, const T* means,
                       const T* inverse_deviations, T* y, index_t ldy);
    // Of each column the sum of d, and that of d times y. And the way back: d from the gradient by
    // y to that by x, in place, given the columns' means of d and of d times y over all rows.
    void (*column_products)(index_t rows, index_t cols, const T* d, index_t ldd, const T* y,
                            index_t ldy, T* sums, T* products);
    void (*batch_norm_backward)(index_t rows, index_t cols, const T* y, index_t ldy, const T* means,
                                const T* slopes, const T* inverse_deviations, T* d, index_t ldd);

    LossKernel<T> loss[kLossCount];  // in the order of the enumeration

    // Of each row of (rows, n), y (rows, n), which may be z; and log(sum exp z), y (rows), -inf for
    // a row of -inf.
    void (*softmax)(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t ldy);
    void (*log_softmax)(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t ldy);
    void (*log_sum_exp)(index_t rows, index_t n, const T* z, index_t ldz, T* y);
    // Links, from raw outputs to the target's space, in place.
    void (*exp)(index_t rows, index_t n, T* z, index_t ldz);
    // z (rows, levels n): the n outputs of the lowest quantile first.
    void (*quantiles)(index_t rows, index_t n, index_t levels, T* z, index_t ldz);

    Update<T> update[kUpdateRuleCount];
    // What happens to tiles of (rows, cols), cols padded, around an update. To the gradient: g is
    // scaled, increased by l1 times the sign of w, and limited to [-limit, limit].
    void (*adjust_gradient)(index_t rows, index_t cols, T* g, index_t ldg, const T* w, index_t ldw,
                            T scale, T l1, T limit);
    double (*sum_of_squares)(index_t rows, index_t cols, const T* g, index_t ldg);
    // average += rest (w - average), both with stride ldw.
    void (*average)(index_t rows, index_t cols, const T* w, T* average, index_t ldw, T rest);

    // dst (cols, rows) = src (rows, cols) transposed, any sizes.
    void (*transpose)(index_t rows, index_t cols, const T* src, index_t ldsrc, T* dst,
                      index_t lddst);
};

}  // namespace briskmlp
