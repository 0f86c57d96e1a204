// softmax, log_softmax and logsumexp over one axis, as generalised ufuncs: the kernels are given
// tiles of rows, where these lie as they want them, and copies of others.
#include <algorithm>
#include <atomic>
#include <cfenv>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "bindings/ufuncs/element.h"
#include "bindings/ufuncs/float_status.h"
#include "bindings/ufuncs/ufunc.h"
#include "bindings/ufuncs/ufuncs.h"

namespace briskmlp {
namespace {

// y (rows, n) of z (rows, n), n >= 1; or one number a row, to y (rows).
template <class T>
using RowsKernel = void (*)(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t ldy);

template <class T>
void softmax(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t ldy) {
    kernels<T>().softmax(rows, n, z, ldz, y, ldy);
}
template <class T>
void log_softmax(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t ldy) {
    kernels<T>().log_softmax(rows, n, z, ldz, y, ldy);
}
template <class T>
void log_sum_exp(index_t rows, index_t n, const T* z, index_t ldz, T* y, index_t) {
    kernels<T>().log_sum_exp(rows, n, z, ldz, y);
}

// A matrix with strides in bytes.
struct Strided {
    char* data;
    index_t row, col;
    char* at(index_t r, index_t c) const { return data + r * row + c * col; }
};

// visit(r, c) for all of (rows, n), along the axis whose elements are nearer to each other.
template <class Visit>
void for_each_element(const Strided& matrix, index_t rows, index_t n, Visit visit) {
    if (std::abs(matrix.row) < std::abs(matrix.col)) {
        for (index_t c = 0; c < n; ++c) {
            for (index_t r = 0; r < rows; ++r) visit(r, c);
        }
    } else {
        for (index_t r = 0; r < rows; ++r) {
            for (index_t c = 0; c < n; ++c) visit(r, c);
        }
    }
}

// Elements of a tile, about what fits into L1; and rows at least, for the kernels to fill vectors.
constexpr index_t kTileElements = 4096, kTileRows = 16;
constexpr double kNanosecondsPerElement = 0.5;

template <class Stored, class T, bool kReduces>
class RowsRun {
  public:
    RowsRun(index_t n, Strided in, Strided out, RowsKernel<T> kernel)
        : n_(n),
          in_(in),
          out_(out),
          kernel_(kernel),
          direct_in_(lies_in_rows(in.row, in.col)),
          // The numbers of a reduction are a row of their own.
          direct_out_(kReduces ? lies_in_rows(index_t{sizeof(T)}, out.row)
                               : lies_in_rows(out.row, out.col)) {}

    index_t tile_rows() const { return std::max(kTileRows, kTileElements / n_); }
    index_t buffer_size() const { return direct_in_ && direct_out_ ? 0 : tile_rows() * (n_ + 1); }

    // Rows [begin, end), those that do not lie in rows through a buffer; returns their exceptions.
    int operator()(index_t begin, index_t end, T* buffer) const {
        KeepExceptions keep;
        int found = 0;
        for (index_t first = begin; first < end; first += tile_rows()) {
            const index_t rows = std::min(tile_rows(), end - first);
            const Matrix<const T> z = input(first, rows, buffer);
            const Matrix<T> y = result(first, buffer);
            kernel_(rows, n_, z.data, z.row, y.data, y.row);
            if (!direct_out_) {
                const Strided out{out_.at(first, 0), out_.row, out_.col};
                for_each_element(out, rows, cols(), [&](index_t r, index_t c) {
                    store_as<Stored, T>(y.data[r * y.row + c], out.at(r, c));
                });
            }
            if (keep.raised()) {
                found |= invalid(first, rows, y);
            }
        }
        return found;
    }

  private:
    template <class Element>
    struct Matrix {
        Element* data;
        index_t row;
    };

    static bool lies_in_rows(index_t row, index_t col) {
        constexpr index_t kSize = sizeof(T);
        return std::is_same_v<Stored, T> && col == kSize && row % kSize == 0;
    }
    index_t cols() const { return kReduces ? 1 : n_; }

    Matrix<const T> input(index_t first, index_t rows, T* buffer) const {
        const Strided in{in_.at(first, 0), in_.row, in_.col};
        if (direct_in_) {
            return {reinterpret_cast<const T*>(in.data), in.row / index_t{sizeof(T)}};
        }
        for_each_element(in, rows, n_, [&](index_t r, index_t c) {
            buffer[r * n_ + c] = load_as<Stored, T>(in.at(r, c));
        });
        return {buffer, n_};
    }
    Matrix<T> result(index_t first, T* buffer) const {
        if (direct_out_) {
            const index_t row = kReduces ? index_t{1} : out_.row / index_t{sizeof(T)};
            return {reinterpret_cast<T*>(out_.at(first, 0)), row};
        }
        return kReduces ? Matrix<T>{buffer + tile_rows() * n_, 1} : Matrix<T>{buffer, n_};
    }

    // FE_INVALID if NaN came of a row without NaN.
    int invalid(index_t first, index_t rows, const Matrix<T>& y) const {
        for (index_t r = 0; r < rows; ++r) {
            bool nan_in = false, nan_out = false;
            for (index_t c = 0; c < n_; ++c) {
                nan_in |= std::isnan(load_as<Stored, T>(in_.at(first + r, c)));
            }
            for (index_t c = 0; c < cols(); ++c) {
                nan_out |= std::isnan(y.data[r * y.row + c]);
            }
            if (nan_out && !nan_in) {
                return FE_INVALID;
            }
        }
        return 0;
    }

    index_t n_;
    Strided in_, out_;
    RowsKernel<T> kernel_;
    bool direct_in_, direct_out_;
};

void report_no_memory() {
    const PyGILState_STATE state = PyGILState_Ensure();
    PyErr_NoMemory();
    PyGILState_Release(state);
}

// An InnerLoop of (n)->(n) or, if it reduces, (n)->(), whose data is a RowsKernel<T>.
template <class Stored, class T, bool kReduces>
void rows_loop(char** args, const index_t* dims, const index_t* steps, void* data) {
    const index_t rows = dims[0], n = dims[1];
    const Strided in{args[0], steps[0], steps[2]};
    const Strided out{args[1], steps[1], kReduces ? 0 : steps[3]};
    if (n == 0) {
        for (index_t r = 0; kReduces && r < rows; ++r) {
            store_as<Stored, T>(-std::numeric_limits<T>::infinity(), out.at(r, 0));
        }
        return;
    }
    const RowsRun<Stored, T, kReduces> run(n, in, out, *static_cast<RowsKernel<T>*>(data));
    const index_t tiles = (rows + run.tile_rows() - 1) / run.tile_rows();
    const double nanoseconds = kNanosecondsPerElement * static_cast<double>(rows * n);
    const index_t threads = std::min(tiles, useful_threads(nanoseconds, num_threads()));
    const std::unique_ptr<T[]> buffers(
        new (std::nothrow)
            T[static_cast<std::size_t>(std::max(index_t{1}, threads) * run.buffer_size())]);
    if (buffers == nullptr) {
        report_no_memory();
        return;
    }
    std::atomic<int> found{0};
    parallel_shares(threads, tiles, [&](const Worker& worker, index_t first, index_t last) {
        const index_t end = std::min(rows, last * run.tile_rows());
        T* const buffer = buffers.get() + worker.index * run.buffer_size();
        found.fetch_or(run(first * run.tile_rows(), end, buffer), std::memory_order_relaxed);
    });
    if (found != 0) {
        std::feraiseexcept(found);
    }
}

template <class Stored, class T, bool kReduces>
UfuncLoop loop_of(const char* types, RowsKernel<T> kernel) {
    // Never freed: a ufunc may outlive all else.
    return {types, rows_loop<Stored, T, kReduces>, new RowsKernel<T>(kernel)};
}

template <bool kReduces>
py::object make(const char* name, const UfuncDocs& docs, RowsKernel<float> single,
                RowsKernel<double> twice) {
    return make_ufunc({name,
                       docs.at(name),
                       kReduces ? "(n)->()" : "(n)->(n)",
                       1,
                       {loop_of<Half, float, kReduces>("ee", single),
                        loop_of<float, float, kReduces>("ff", single),
                        loop_of<double, double, kReduces>("dd", twice)}});
}

}  // namespace

void add_row_ufuncs(const UfuncDocs& docs, py::dict& ufuncs) {
    ufuncs["softmax"] = make<false>("softmax", docs, softmax<float>, softmax<double>);
    ufuncs["log_softmax"] =
        make<false>("log_softmax", docs, log_softmax<float>, log_softmax<double>);
    ufuncs["logsumexp"] = make<true>("logsumexp", docs, log_sum_exp<float>, log_sum_exp<double>);
}

}  // namespace briskmlp
