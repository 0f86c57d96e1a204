#include "train/block_matrices.h"

#include <algorithm>

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
void BlockMatrices<T>::load(const Network<T>& net, const std::vector<Block>& blocks) {
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const Layer& layer = net.layers()[blocks[b].layer];
        const T* corner = net.parameters() + layer.offset + blocks[b].row * layer.out;
        for (index_t r = 0; r < blocks[b].rows; ++r, corner += layer.out) {
            std::copy_n(corner + blocks[b].col, blocks[b].cols, views_[b].row(r));
        }
    }
}

template <class T>
void BlockMatrices<T>::store(Network<T>& net, const std::vector<Block>& blocks) const {
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        const Layer& layer = net.layers()[blocks[b].layer];
        T* corner = net.parameters() + layer.offset + blocks[b].row * layer.out;
        for (index_t r = 0; r < blocks[b].rows; ++r, corner += layer.out) {
            std::copy_n(views_[b].row(r), blocks[b].cols, corner + blocks[b].col);
        }
    }
}

template <class T>
bool BlockMatrices<T>::finite() const {
    return all_finite<T>(buffer_.size(), reinterpret_cast<const char*>(buffer_.data()), sizeof(T));
}

template class BlockMatrices<float>;
template class BlockMatrices<double>;

}  // namespace briskmlp
