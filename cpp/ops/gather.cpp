#include "ops/gather.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "base/finite.h"

namespace briskmlp {
namespace {

template <class T>
constexpr DType kOwn = std::is_same_v<T, float> ? DType::kFloat32 : DType::kFloat64;

// Calls body(S{}) with S the C++ type of `dtype`.
template <class Body>
auto with_type(DType dtype, Body body) {
    switch (dtype) {
        case DType::kBool:
        case DType::kUint8: return body(std::uint8_t{});
        case DType::kInt8: return body(std::int8_t{});
        case DType::kInt16: return body(std::int16_t{});
        case DType::kUint16: return body(std::uint16_t{});
        case DType::kInt32: return body(std::int32_t{});
        case DType::kUint32: return body(std::uint32_t{});
        case DType::kInt64: return body(std::int64_t{});
        case DType::kUint64: return body(std::uint64_t{});
        case DType::kFloat32: return body(float{});
        case DType::kFloat64: break;
    }
    return body(double{});
}

template <class T, class S>
void convert_row(const char* src, index_t stride, index_t cols, T* dst) {
    if (stride == sizeof(S)) {
        if constexpr (std::is_same_v<T, S>) {
            std::memcpy(dst, src, static_cast<std::size_t>(cols) * sizeof(T));
        } else {
            const S* const values = reinterpret_cast<const S*>(src);
            for (index_t j = 0; j < cols; ++j) {
                dst[j] = static_cast<T>(values[j]);
            }
        }
        return;
    }
    for (index_t j = 0; j < cols; ++j) {
        dst[j] = static_cast<T>(*reinterpret_cast<const S*>(src + j * stride));
    }
}

template <class T, class S>
void convert_sparse_row(const InputMatrix& x, index_t row, T* dst) {
    const S* const values = static_cast<const S*>(x.data);
    std::fill_n(dst, x.cols, T(0));
    for (std::int64_t k = x.starts[row]; k < x.starts[row + 1]; ++k) {
        dst[x.columns[k]] += static_cast<T>(values[k]);
    }
}

template <class S>
Position find_nonfinite_in(const InputMatrix& x) {
    for (index_t r = 0; r < x.rows; ++r) {
        const char* const row = static_cast<const char*>(x.data) + r * x.row_stride;
        const bool finite = all_finite<S>(x.cols, row, x.col_stride);
        for (index_t j = 0; !finite && j < x.cols; ++j) {
            if (!std::isfinite(*reinterpret_cast<const S*>(row + j * x.col_stride))) {
                return {r, j};
            }
        }
    }
    return {-1, -1};
}

}  // namespace

template <class T>
void gather_rows(const InputMatrix& x, const std::uint32_t* index, index_t count, T* dst,
                 index_t lddst) {
    with_type(x.dtype, [&](auto source) {
        using S = decltype(source);
        for (index_t i = 0; i < count; ++i) {
            const index_t r = index == nullptr ? i : static_cast<index_t>(index[i]);
            const char* const row = static_cast<const char*>(x.data) + r * x.row_stride;
            if (x.is_sparse()) {
                convert_sparse_row<T, S>(x, r, dst + i * lddst);
            } else {
                convert_row<T, S>(row, x.col_stride, x.cols, dst + i * lddst);
            }
        }
    });
}

template <class T>
const T* in_place(const InputMatrix& x, index_t* stride) {
    constexpr index_t kSize = sizeof(T);
    const bool contiguous = x.col_stride == kSize || x.cols == 1;
    if (x.is_sparse() || x.dtype != kOwn<T> || !contiguous || x.row_stride % kSize != 0) {
        return nullptr;
    }
    *stride = x.row_stride / kSize;
    return static_cast<const T*>(x.data);
}

template <class T>
const T* sparse_in_place(const InputMatrix& x) {
    return x.is_sparse() && x.dtype == kOwn<T> ? static_cast<const T*>(x.data) : nullptr;
}

Position find_nonfinite(const InputMatrix& x) {
    if (x.dtype == DType::kFloat32) {
        return find_nonfinite_in<float>(x);
    }
    return x.dtype == DType::kFloat64 ? find_nonfinite_in<double>(x) : Position{-1, -1};
}

template void gather_rows(const InputMatrix&, const std::uint32_t*, index_t, float*, index_t);
template void gather_rows(const InputMatrix&, const std::uint32_t*, index_t, double*, index_t);
template const float* in_place(const InputMatrix&, index_t*);
template const double* in_place(const InputMatrix&, index_t*);
template const float* sparse_in_place(const InputMatrix&);
template const double* sparse_in_place(const InputMatrix&);

}  // namespace briskmlp
