#include "train/orthogonalizer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace briskmlp {
namespace {

// X <- X (a + b X^T X + c (X^T X)^2) takes singular values from (0, 1] to about [0.7, 1.2] in five
// steps. The coefficients are Jordan's, steep at 0: that the values then differ a little does no
// harm to training.
constexpr int kIterations = 5;
constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
constexpr double kEpsilon = 1e-7;  // beside the norm of a gradient that may be zero

// Part of a matrix that was made for the largest layer.
template <class T>
MatrixView<T> corner(PaddedMatrix<T>& matrix, index_t rows, index_t cols) {
    const MatrixView<T> all = matrix.view(0, rows);
    return {all.data, rows, cols, all.stride};
}

template <class T>
MatrixView<T> share(const Worker& worker, MatrixView<T> x) {
    const index_t begin = worker.begin(x.rows);
    return {x.row(begin), worker.end(x.rows) - begin, x.cols, x.stride};
}

// c = a b, and with kContinue c += a b.
template <class T>
void multiply(const KernelTable<T>& kernels, MatrixView<const T> a, MatrixView<const T> b,
              MatrixView<T> c, GemmStart start = GemmStart::kZero) {
    if (c.rows == 0) {
        return;
    }
    Gemm<T> gemm{c.rows, c.cols, a.cols, a.data, a.stride, 1, b.data, b.stride, c.data, c.stride};
    gemm.start = start;
    kernels.gemm(gemm);
}

// y = factor x
template <class T>
void scale(T factor, MatrixView<const T> x, MatrixView<T> y) {
    for (index_t r = 0; r < x.rows; ++r) {
        for (index_t j = 0; j < x.cols; ++j) {
            y.row(r)[j] = factor * x.row(r)[j];
        }
    }
}

}  // namespace

template <class T>
Orthogonalizer<T>::Orthogonalizer(const std::vector<Layer>& layers, const KernelTable<T>& kernels)
    : kernels_(&kernels) {
    index_t rows = 0, cols = 0, most = 0;
    for (std::size_t l = 0; l < layers.size(); ++l) {
        if (is_between_hidden(l, layers.size())) {
            rows = std::max(rows, std::min(layers[l].in, layers[l].out));
            cols = std::max(cols, std::max(layers[l].in, layers[l].out));
            most = std::max(most, layers[l].in);
        }
    }
    squares_.resize(static_cast<std::size_t>(most));
    for (PaddedMatrix<T>& x : x_) {
        x = PaddedMatrix<T>(rows, cols, kernels.lanes);
    }
    transposed_ = PaddedMatrix<T>(cols, rows, kernels.lanes);
    gram_ = PaddedMatrix<T>(rows, rows, kernels.lanes);
    polynomial_ = PaddedMatrix<T>(rows, rows, kernels.lanes);
}

template <class T>
void Orthogonalizer<T>::run(const Worker& worker, T momentum, MatrixView<T> g, MatrixView<T> m) {
    look_ahead(worker, momentum, g, m);
    worker.barrier();
    load(worker, g.constant());
    worker.barrier();
    iterate(worker, std::min(g.rows, g.cols), std::max(g.rows, g.cols));
    store(worker, g);
    worker.barrier();
}

template <class T>
void Orthogonalizer<T>::look_ahead(const Worker& worker, T momentum, MatrixView<T> g,
                                   MatrixView<T> m) {
    for (index_t r = worker.begin(g.rows); r < worker.end(g.rows); ++r) {
        double sum = 0;
        for (index_t j = 0; j < g.cols; ++j) {
            T& gradient = g.row(r)[j];
            T& mean = m.row(r)[j];
            mean += (1 - momentum) * (gradient - mean);
            gradient += momentum * (mean - gradient);
            sum += static_cast<double>(gradient) * static_cast<double>(gradient);
        }
        squares_[static_cast<std::size_t>(r)] = sum;
    }
}

// X = g, or its transpose, with a norm of 1.
template <class T>
void Orthogonalizer<T>::load(const Worker& worker, MatrixView<const T> g) {
    const double norm =
        std::sqrt(std::accumulate(squares_.begin(), squares_.begin() + g.rows, 0.0));
    const auto factor = static_cast<T>(1 / (norm + kEpsilon));
    const MatrixView<const T> mine = share(worker, g);
    if (g.rows <= g.cols) {
        scale(factor, mine, share(worker, corner(x_[0], g.rows, g.cols)));
        return;
    }
    const MatrixView<T> x = corner(x_[0], g.cols, g.rows);
    for (index_t r = worker.begin(g.rows); r < worker.end(g.rows); ++r) {
        for (index_t j = 0; j < g.cols; ++j) {
            x.row(j)[r] = factor * g.row(r)[j];
        }
    }
}

// Ends in x_[kIterations % 2].
template <class T>
void Orthogonalizer<T>::iterate(const Worker& worker, index_t rows, index_t cols) {
    const MatrixView<T> transposed = corner(transposed_, cols, rows);
    const MatrixView<T> gram = corner(gram_, rows, rows);
    const MatrixView<T> mine = share(worker, gram);
    const MatrixView<T> polynomial = share(worker, corner(polynomial_, rows, rows));
    for (int i = 0; i < kIterations; ++i) {
        const MatrixView<T> x = corner(x_[i % 2], rows, cols);
        const MatrixView<T> next = share(worker, corner(x_[1 - i % 2], rows, cols));
        const MatrixView<T> part = share(worker, x);
        kernels_->transpose(part.rows, cols, part.data, part.stride,
                            transposed.data + worker.begin(rows), transposed.stride);
        worker.barrier();
        multiply<T>(*kernels_, part.constant(), transposed.constant(), mine);
        worker.barrier();
        // b G + c G^2 = (b / c G + G G) c
        scale(static_cast<T>(kB / kC), mine.constant(), polynomial);
        multiply<T>(*kernels_, mine.constant(), gram.constant(), polynomial, GemmStart::kContinue);
        scale(static_cast<T>(kC / kA), polynomial.constant(), polynomial);
        // a X + (b G + c G^2) X = (X + ...) a
        scale(T(1), part.constant(), next);
        multiply<T>(*kernels_, polynomial.constant(), x.constant(), next, GemmStart::kContinue);
        scale(static_cast<T>(kA), next.constant(), next);
        worker.barrier();
    }
}

template <class T>
void Orthogonalizer<T>::store(const Worker& worker, MatrixView<T> g) {
    if (g.rows <= g.cols) {
        scale(T(1), share(worker, corner(x_[kIterations % 2], g.rows, g.cols)).constant(),
              share(worker, g));
        return;
    }
    const MatrixView<T> x = corner(x_[kIterations % 2], g.cols, g.rows);
    for (index_t r = worker.begin(g.rows); r < worker.end(g.rows); ++r) {
        for (index_t j = 0; j < g.cols; ++j) {
            g.row(r)[j] = x.row(j)[r];
        }
    }
}

template class Orthogonalizer<float>;
template class Orthogonalizer<double>;

}  // namespace briskmlp
