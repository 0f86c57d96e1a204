// Owning, 64-byte-aligned, zero-initialised storage. Move-only.
#pragma once

#include <utility>

#include "base/check.h"
#include "base/memory.h"
#include "base/types.h"

namespace briskmlp {

template <class T>
class AlignedBuffer {
  public:
    // Elements past the end that may be read (never written) by kernels that load whole vectors.
    static constexpr index_t kSlack = 64;

    AlignedBuffer() = default;
    explicit AlignedBuffer(index_t size)
        : data_(static_cast<T*>(allocate_zeros(bytes(size)))), size_(size) {}
    ~AlignedBuffer() {
        if (data_ != nullptr) {
            release(data_);
        }
    }

    AlignedBuffer(AlignedBuffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    AlignedBuffer(const AlignedBuffer&) = delete;
    AlignedBuffer& operator=(const AlignedBuffer&) = delete;

    T* data() { return data_; }
    const T* data() const { return data_; }
    index_t size() const { return size_; }
    T& operator[](index_t i) { return data_[i]; }
    const T& operator[](index_t i) const { return data_[i]; }

  private:
    static index_t bytes(index_t size) {
        return checked_mul(checked_add(size, kSlack), index_t{sizeof(T)});
    }

    T* data_ = nullptr;
    index_t size_ = 0;
};

}  // namespace briskmlp
