// The index type and the element types that arrays handed to the library may have.
#pragma once

#include <cstddef>
#include <cstdint>

namespace briskmlp {

// Every size, stride and offset: signed, so that differences are safe, and as wide as a pointer.
using index_t = std::ptrdiff_t;

// Element types of input arrays. Networks compute in kFloat32 or kFloat64; the others are converted
// row by row while a batch is gathered.
enum class DType {
    kBool,
    kInt8,
    kUint8,
    kInt16,
    kUint16,
    kInt32,
    kUint32,
    kInt64,
    kUint64,
    kFloat32,
    kFloat64
};

}  // namespace briskmlp
