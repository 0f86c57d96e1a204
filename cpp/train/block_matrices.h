// One matrix for each block of parameters, in one buffer, with rows padded so that kernels need no
// masks: a working copy of weights during training, an optimizer's state, a gradient. The padding
// stays zero.
#pragma once

#include <vector>

#include "base/aligned_buffer.h"
#include "base/matrix_view.h"
#include "base/parallel.h"
#include "train/block.h"

namespace briskmlp {

template <class T>
class BlockMatrices {
  public:
    BlockMatrices() = default;
    BlockMatrices(const std::vector<Block>& blocks, index_t lanes);

    MatrixView<T> operator[](std::size_t block) { return views_[block]; }  // (rows, cols)
    MatrixView<const T> operator[](std::size_t block) const { return views_[block].constant(); }
    bool empty() const { return views_.empty(); }

    // From and to a flat array (P) laid out as the network's parameters are: this worker's share of
    // the rows; `blocks` as given at first.
    void load(const Worker& worker, const std::vector<Layer>& layers, const T* flat,
              const std::vector<Block>& blocks);
    void store(const Worker& worker, const std::vector<Layer>& layers, T* flat,
               const std::vector<Block>& blocks) const;
    bool matches(const Worker& worker, const std::vector<Layer>& layers, const T* flat,
                 const std::vector<Block>& blocks) const;  // bit by bit
    void clear(const Worker& worker);                      // zeros in this worker's share
    bool finite(const Worker& worker) const;  // no NaN and no infinity in this worker's share

  private:
    std::vector<MatrixView<T>> views_;
    AlignedBuffer<T> buffer_;
};

}  // namespace briskmlp
