#include "ops/matmul.h"

#include <algorithm>
#include <cmath>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/float_exceptions.h"
#include "ops/matmul_block.h"

namespace briskmlp {
namespace {

// What one thread does in a nanosecond: multiply-adds in floats from L1, and bytes from beyond L2.
constexpr double kFlops = 100, kBytes = 70;

// Nanoseconds of work for which a further thread pays, and of a share of it. Threads take a few
// shares each: one that is late, or slowed down by other programs, leaves the rest to the others.
constexpr double kEachThread = 15e3, kShare = 6e3;
constexpr index_t kSharesEach = 4;

index_t useful_workers(double nanoseconds) {
    const auto limit = static_cast<double>(num_threads());
    return std::max<index_t>(1, static_cast<index_t>(std::min(nanoseconds / kEachThread, limit)));
}

// A thread's copies of operands, kept from one product to the next.
template <class T>
T* scratch_of_thread(index_t size) {
    thread_local AlignedBuffer<T> buffer;
    if (buffer.size() < size) {
        buffer = AlignedBuffer<T>();  // first return the old one
        buffer = AlignedBuffer<T>(size);
    }
    return buffer.data();
}

struct Range {
    index_t first, count;
};

// Part `index` of `parts` of n, cut at multiples of `unit`.
Range part_of(index_t n, index_t index, index_t parts, index_t unit) {
    const index_t units = ceil_div(n, unit);
    const index_t begin = std::min(n, units * index / parts * unit);
    return {begin, std::min(n, units * (index + 1) / parts * unit) - begin};
}

// What a worker takes at once: some rows and columns of some of the products.
struct Share {
    Range products, rows, cols;
};

// Shares as a grid over the rows and columns of C.
struct Grid {
    index_t down, across;
};

// The grid of exactly `shares` parts with the least of A and B to read in each.
Grid choose_grid(index_t shares, index_t m, index_t n) {
    Grid best{shares, 1};
    const auto cost = [&](Grid g) { return ceil_div(m, g.down) + ceil_div(n, g.across); };
    for (index_t across = 2; across <= shares; ++across) {
        const Grid grid{shares / across, across};
        if (shares % across == 0 && cost(grid) < cost(best)) {
            best = grid;
        }
    }
    return best;
}

template <class T>
class Products {
  public:
    Products(const KernelTable<T>& kernels, const Matmul<T>& product)
        : kernels_(kernels), p_(product) {
        p_.a = plain_strides(p_.a);
        p_.b = plain_strides(p_.b);
        p_.c = plain_strides(p_.c);
        const bool plain = p_.bias == nullptr && p_.activation == Activation::kIdentity;
        if (plain && is_better_transposed()) {  // C^T = B^T A^T
            const StridedMatrix<const T> a = p_.a;
            p_.a = plain_strides(p_.b.transposed());
            p_.b = plain_strides(a.transposed());
            p_.c = plain_strides(p_.c.transposed());
            std::swap(p_.a_next, p_.b_next);
        }
        dots_ = has_dot_products(kernels, p_.c.cols, p_.a.cols);
    }

    void run() {
        const MatmulPlan<T> plan(kernels_, block(0, whole()));
        copies_bias_ = p_.bias != nullptr && p_.bias_stride != 1;
        const index_t each =
            round_up(plan.scratch() + (copies_bias_ ? p_.c.cols : 0), index_t{kAlignment});
        const double nanoseconds = matmul_nanoseconds(kernels_, p_);
        const index_t workers = useful_workers(nanoseconds);
        T* const scratch = each == 0 ? nullptr : scratch_of_thread<T>(checked_mul(each, workers));
        if (workers == 1) {
            run_share(plan, whole(), scratch);
            return;
        }
        // A row streams through its columns of B: the wider, the better.
        const index_t each_takes = p_.c.rows == 1 && !dots_ ? 1 : kSharesEach;
        const auto most = static_cast<index_t>(nanoseconds / kShare);
        const index_t shares = std::clamp(most, workers, each_takes * workers);
        FloatExceptions exceptions;
        parallel_items(workers, shares, [&](const Worker& worker, index_t index) {
            exceptions.begin(worker);
            run_share(plan, share_of(index, shares), scratch + worker.index * each);
            exceptions.end(worker);
        });
        exceptions.raise();
    }

  private:
    bool is_better_transposed() const {
        const index_t m = p_.c.rows, n = p_.c.cols, k = p_.a.cols;
        if (m == 1 && n > 1 && k >= kernels_.lanes && p_.b.row == 1) {
            return !has_dot_products(kernels_, n, k);  // the rows of B^T times a vector
        }
        if (n == 1 && m > 1 && p_.a.row == 1 && p_.a.col != 1) {
            return p_.c.row == 1;  // a vector times the rows of A^T, which are streamed
        }
        // The chains are the same, and kernels write rows.
        return p_.c.col != 1 && p_.c.row == 1 && !has_dot_products(kernels_, n, k) &&
               !has_dot_products(kernels_, m, k);
    }

    Share whole() const { return {{0, p_.count}, {0, p_.c.rows}, {0, p_.c.cols}}; }

    Share share_of(index_t index, index_t shares) const {
        Share share = whole();
        // Whole products, if that leaves nobody waiting for long.
        if (p_.count % shares == 0 || p_.count >= 2 * shares) {
            share.products = part_of(p_.count, index, shares, 1);
            return share;
        }
        const Grid grid = dots_ ? Grid{shares, 1} : choose_grid(shares, p_.c.rows, p_.c.cols);
        const index_t panel = kernels_.tile_vecs * kernels_.lanes;
        share.rows = part_of(p_.c.rows, index / grid.across, grid.down, 1);
        share.cols = part_of(p_.c.cols, index % grid.across, grid.across, panel);
        return share;
    }

    MatmulBlock<T> block(index_t i, const Share& s) const {
        const index_t k = p_.a.cols;
        return {
            p_.a.moved(i * p_.a_next).block(s.rows.first, s.rows.count, 0, k),
            p_.b.moved(i * p_.b_next).block(0, k, s.cols.first, s.cols.count),
            p_.c.moved(i * p_.c_next).block(s.rows.first, s.rows.count, s.cols.first, s.cols.count),
            p_.bias == nullptr ? nullptr
                               : p_.bias + i * p_.bias_next + s.cols.first * p_.bias_stride,
            p_.activation};
    }

    void run_share(const MatmulPlan<T>& plan, const Share& share, T* scratch) const {
        if (share.rows.count == 0 || share.cols.count == 0) {
            return;
        }
        for (index_t n = 0; n < share.products.count; ++n) {
            const index_t i = share.products.first + n;
            MatmulBlock<T> part = block(i, share);
            if (copies_bias_) {
                T* const bias = scratch + plan.scratch();
                for (index_t j = 0; j < share.cols.count; ++j) {
                    bias[j] = part.bias[j * p_.bias_stride];
                }
                part.bias = bias;
            }
            plan.run(part, scratch);
        }
    }

    const KernelTable<T>& kernels_;
    Matmul<T> p_;
    bool dots_;
    bool copies_bias_ = false;
};

// Lanes beyond the last column multiply zeros, which is an invalid operation where A has an
// infinity. One that some element met left a NaN in it.
template <class T>
bool has_nan(const Matmul<T>& p) {
    for (index_t i = 0; i < p.count; ++i) {
        const StridedMatrix<T> c = p.c.moved(i * p.c_next);
        for (index_t r = 0; r < c.rows; ++r) {
            for (index_t j = 0; j < c.cols; ++j) {
                if (std::isnan(c.data[r * c.row + j * c.col])) {
                    return true;
                }
            }
        }
    }
    return false;
}

}  // namespace

template <class T>
double matmul_nanoseconds(const KernelTable<T>& kernels, const Matmul<T>& product) {
    const auto m = static_cast<double>(product.c.rows);
    const auto n = static_cast<double>(has_dot_products(kernels, product.c.cols, product.a.cols)
                                           ? product.c.cols
                                           : round_up(product.c.cols, kernels.lanes));
    const auto k = static_cast<double>(product.a.cols);
    const double size = sizeof(T);
    const double computing = 2 * m * n * k / kFlops * (size / sizeof(float));
    const double moving = (m * k + k * n + m * n) * size / kBytes;
    return static_cast<double>(product.count) * std::max(computing, moving);
}

template <class T>
void matmul(const KernelTable<T>& kernels, const Matmul<T>& product) {
    if (product.count == 0 || product.c.rows == 0 || product.c.cols == 0) {
        return;
    }
    const bool before = std::fetestexcept(FE_INVALID) != 0;
    Products<T>(kernels, product).run();
    if (!before && std::fetestexcept(FE_INVALID) != 0 && !has_nan(product)) {
        std::feclearexcept(FE_INVALID);
    }
}

template void matmul(const KernelTable<float>&, const Matmul<float>&);
template void matmul(const KernelTable<double>&, const Matmul<double>&);
template double matmul_nanoseconds(const KernelTable<float>&, const Matmul<float>&);
template double matmul_nanoseconds(const KernelTable<double>&, const Matmul<double>&);

}  // namespace briskmlp
