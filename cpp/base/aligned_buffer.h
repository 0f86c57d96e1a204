// Owning, 64-byte-aligned, zero-initialised storage. Move-only.
#pragma once

#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/memory.h"
#include "base/types.h"

namespace briskmlp {

// One cache line, and the width of the widest vector register.
inline constexpr std::size_t kAlignment = 64;

template <class T>
class AlignedBuffer {
  public:
    // Elements past the end that may be read (never written) by kernels that load whole vectors.
    static constexpr index_t kSlack = 64;

    AlignedBuffer() = default;
    explicit AlignedBuffer(index_t size) : size_(size) {
        const index_t bytes = checked_mul(checked_add(size, kSlack), index_t{sizeof(T)});
        if (bytes > physical_memory()) {
            throw std::bad_alloc();
        }
        data_ = static_cast<T*>(
            ::operator new (static_cast<std::size_t>(bytes), std::align_val_t{kAlignment}));
        std::memset(data_, 0, static_cast<std::size_t>(bytes));
    }
    ~AlignedBuffer() { ::operator delete (data_, std::align_val_t{kAlignment}); }

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
    T* data_ = nullptr;
    index_t size_ = 0;
};

}  // namespace briskmlp
