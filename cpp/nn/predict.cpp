#include "nn/predict.h"

#include <algorithm>
#include <vector>

#include "base/parallel.h"
#include "kernels/dispatch.h"
#include "nn/inference.h"

namespace briskmlp {
namespace {

// Estimates of useful arithmetic, on the low side: for batches, and for one row, where weights are
// read for a single use.
constexpr double kFlopsPerNanosecond = 50;
constexpr double kRowFlopsPerNanosecond = 15;

// Scratch of one row that lives on the stack; wider networks allocate.
constexpr index_t kStackScratch = 4096;

template <class T>
void run_row(const Network<T>& net, const KernelTable<T>& table, const T* x, Output output, T* out,
             T* scratch, index_t scratch_row) {
    T* const raw = infer_row(net, table, x, scratch, scratch_row);
    if (output == Output::kTarget) {
        apply_link(table, net.spec().loss, 1, net.outputs(), raw, scratch_row);
    }
    std::copy_n(raw, net.outputs(), out);
}

}  // namespace

template <class T>
void predict(const Network<T>& net, const InputMatrix& x, Output output, T* out, index_t threads) {
    const KernelTable<T>& table = kernels<T>();
    const index_t workers = std::max<index_t>(
        1, std::min(useful_threads(predict_nanoseconds(net, x.rows), threads), x.rows));
    // At least a tile for each worker; all of about the same height.
    const index_t tiles = std::max(workers, ceil_div(x.rows, Inference<T>::tile_rows(net)));
    const index_t tile_rows = ceil_div(x.rows, tiles);
    std::vector<Inference<T>> inferences;
    for (index_t i = 0; i < workers; ++i) {
        inferences.emplace_back(net, table, x, tile_rows);
    }
    parallel(workers, [&](const Worker& worker) {
        Inference<T>& inference = inferences[static_cast<std::size_t>(worker.index)];
        for (index_t tile = worker.begin(tiles); tile < worker.end(tiles); ++tile) {
            const index_t first = x.rows * tile / tiles;
            const index_t count = x.rows * (tile + 1) / tiles - first;
            const MatrixView<T> raw = inference.run(x.rows_from(first, count));
            if (output == Output::kTarget) {
                apply_link(table, net.spec().loss, count, raw.cols, raw.data, raw.stride);
            }
            for (index_t r = 0; r < count; ++r) {
                std::copy_n(raw.row(r), raw.cols, out + (first + r) * raw.cols);
            }
        }
    });
}

template <class T>
void predict_row(const Network<T>& net, const T* x, Output output, T* out) {
    const KernelTable<T>& table = kernels<T>();
    const index_t width = widest_row(net, table.lanes);
    if (2 * width <= kStackScratch) {
        alignas(kAlignment) T scratch[kStackScratch];
        run_row(net, table, x, output, out, scratch, width);
    } else {
        AlignedBuffer<T> scratch(checked_mul(2, width));
        run_row(net, table, x, output, out, scratch.data(), width);
    }
}

template <class T>
double predict_nanoseconds(const Network<T>& net, index_t rows) {
    const double rate = rows == 1 ? kRowFlopsPerNanosecond : kFlopsPerNanosecond;
    const double flops = 2 * static_cast<double>(net.num_parameters()) * static_cast<double>(rows);
    return flops / rate * (sizeof(T) / 4);
}

template void predict(const Network<float>&, const InputMatrix&, Output, float*, index_t);
template void predict(const Network<double>&, const InputMatrix&, Output, double*, index_t);
template void predict_row(const Network<float>&, const float*, Output, float*);
template void predict_row(const Network<double>&, const double*, Output, double*);
template double predict_nanoseconds(const Network<float>&, index_t);
template double predict_nanoseconds(const Network<double>&, index_t);

}  // namespace briskmlp
