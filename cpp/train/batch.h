// The rows of a minibatch: which they are, and their inputs and targets as read from the user's
// arrays.
#pragma once

#include <vector>

#include "ops/sparse.h"
#include "train/dataset.h"
#include "train/dropout.h"
#include "train/input_noise.h"
#include "train/padded_matrix.h"

namespace briskmlp {

// Which rows make up a minibatch. Small: every worker makes its own.
template <class T>
struct Batch {
    Batch(const Dataset<T>& data, const std::uint32_t* order, index_t rows);

    const Dataset<T>* data;
    const std::uint32_t* order;  // (rows) their numbers
    index_t rows;
    double scale;  // 1 / the sum of their weights; 0 when that is 0
    double inverse_mean_weight() const { return scale * static_cast<double>(rows); }

    // Several batches may make up one step of the optimizer, which takes the mean of their
    // gradients: whether this is the first of them, the last, and what its own is multiplied by.
    bool begins = true, ends = true;
    double share = 1;

    const Dropout* dropout = nullptr;      // if any
    const InputNoise<T>* noise = nullptr;  // if any
    std::uint64_t number = 0;  // of the batch, among all that the network was trained on
};

// Room for rows of minibatches.
template <class T>
class BatchRows {
  public:
    // Up to `rows` rows of so many inputs, with targets such as `targets` are: labels or values,
    // weighted or not. Inputs that are `sparse` are left where they lie.
    BatchRows(index_t inputs, index_t lanes, index_t rows, const Targets<T>& targets,
              bool sparse = false);

    // Reads rows [begin, begin + count) of the batch into rows [first, first + count).
    void load(const Batch<T>& batch, index_t begin, index_t first, index_t count);

    // The inputs of rows [first, first + count): those that were not read, and those that were,
    // with a column of ones after the last.
    bool is_sparse() const { return !numbers_.empty(); }
    SparseRows sparse_x(const Batch<T>& batch, index_t first, index_t count) const {
        return {&batch.data->x, numbers_.data() + first, count};
    }
    MatrixView<T> x(index_t first, index_t count) { return x_.view(first, count); }
    void restore_ones(index_t first, index_t count) { x_.restore_ones(first, count); }
    // From row `first` on: targets, and each row's share of the batch's mean.
    Targets<T> targets(index_t first);
    const T* scale(index_t first) const { return scale_.data() + first; }

  private:
    PaddedMatrix<T> x_;                   // empty when inputs are sparse
    std::vector<std::uint32_t> numbers_;  // empty when they are not
    index_t target_cols_;
    AlignedBuffer<std::int32_t> labels_;  // empty when the targets are values, as is
    AlignedBuffer<T> values_;             // the other when they are labels
    AlignedBuffer<T> weights_;            // empty when all are 1
    AlignedBuffer<T> scale_;
};

}  // namespace briskmlp
