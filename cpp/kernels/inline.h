// BRISKMLP_INLINE: for the small functions of which kernels are made. They must vanish into their
// kernel, because a call in the inner loop would spill every vector register.
#pragma once

#if defined(_MSC_VER)
#define BRISKMLP_INLINE __forceinline
#define BRISKMLP_INLINE_LAMBDA  // [&](...) BRISKMLP_INLINE_LAMBDA { ... }
#else
#define BRISKMLP_INLINE inline __attribute__((always_inline))
#define BRISKMLP_INLINE_LAMBDA __attribute__((always_inline))
#endif

// BRISKMLP_UNROLL: before a loop over a register tile, whose arrays become registers only when no
// index is left that is not a constant.
#if defined(__clang__)
#define BRISKMLP_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define BRISKMLP_UNROLL _Pragma("GCC unroll 32")
#else
#define BRISKMLP_UNROLL
#endif

// BRISKMLP_PREFETCH(p): asks for the line of the cache at p, to be read from L2 some microseconds
// later. Nothing is read, but p must lie in memory of ours.
#if defined(__GNUC__)
#define BRISKMLP_PREFETCH(p) __builtin_prefetch(p, 0, 2)
#else
#define BRISKMLP_PREFETCH(p) static_cast<void>(p)
#endif
