#include "train/block_matrices.h"

#include <algorithm>
#include <cstring>

#include "base/finite.h"

namespace briskmlp {

template <class T>
BlockMatrices<T>::BlockMatrices(const std::vector<Block>& blocks, index_t lanes) {
    index_t size = 0;
    for (const Block& block : blocks) {
        size = checked_add(size, checked_mul(block.rows, padded_stride<T>(block.cols, lanes)));
    }
    buffer_ = AlignedBuffer<T>(size);
    T* data = buffer_.data();
    for (const Block& block : blocks) {
        const index_t stride = padded_stride<T>(block.cols, lanes);
        views_.push_back({data, block.rows, block.cols, stride});
        data += block.rows * stride;
    }
}

template <class T>
void BlockMatrices<T>::load(const Worker& worker, const std::vector<Layer>& layers, const T* flat,
                            const std::vector<Block>& blocks) {
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const Block& block = blocks[b];
        const Layer& layer = layers[block.layer];
        const T* const corner = flat + layer.offset + block.row * layer.out + block.col;
        for (index_t r = worker.begin(block.rows); r < worker.end(block.rows); ++r) {
            std::copy_n(corner + r * layer.out, block.cols, views_[b].row(r));
        }
    }
}

template <class T>
void BlockMatrices<T>::store(const Worker& worker, const std::vector<Layer>& layers, T* flat,
                             const std::vector<Block>& blocks) const {
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const Block& block = blocks[b];
        const Layer& layer = layers[block.layer];
        T* const corner = flat + layer.offset + block.row * layer.out + block.col;
        for (index_t r = worker.begin(block.rows); r < worker.end(block.rows); ++r) {
            std::copy_n(views_[b].row(r), block.cols, corner + r * layer.out);
        }
    }
}

template <class T>
void BlockMatrices<T>::clear(const Worker& worker) {
    const index_t size = buffer_.size();
    std::fill(buffer_.data() + worker.begin(size), buffer_.data() + worker.end(size), T(0));
}

template <class T>
bool BlockMatrices<T>::matches(const Worker& worker, const std::vector<Layer>& layers,
                               const T* flat, const std::vector<Block>& blocks) const {
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const Block& block = blocks[b];
        const Layer& layer = layers[block.layer];
        const T* const corner = flat + layer.offset + block.row * layer.out + block.col;
        const std::size_t bytes = static_cast<std::size_t>(block.cols) * sizeof(T);
        for (index_t r = worker.begin(block.rows); r < worker.end(block.rows); ++r) {
            if (std::memcmp(views_[b].row(r), corner + r * layer.out, bytes) != 0) {
                return false;
            }
        }
    }
    return true;
}

template <class T>
bool BlockMatrices<T>::finite(const Worker& worker) const {
    const index_t begin = worker.begin(buffer_.size()), end = worker.end(buffer_.size());
    return all_finite<T>(end - begin, reinterpret_cast<const char*>(buffer_.data() + begin),
                         sizeof(T));
}

template class BlockMatrices<float>;
template class BlockMatrices<double>;

}  // namespace briskmlp
