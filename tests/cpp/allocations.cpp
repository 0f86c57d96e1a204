#include "allocations.h"

#if defined(__linux__)
#include <atomic>
#include <cstdlib>
#include <new>

namespace briskmlp {
namespace {

std::atomic<index_t> live{0};
// Allocations before the one to refuse: below zero once that has come.
constexpr index_t kNone = PTRDIFF_MAX / 2;
std::atomic<index_t> granted_yet{kNone};

bool refused() { return granted_yet.fetch_sub(1, std::memory_order_relaxed) == 0; }

void* counted(void* memory) {
    live.fetch_add(memory != nullptr, std::memory_order_relaxed);
    return memory;
}

}  // namespace

index_t live_allocations() { return live.load(std::memory_order_relaxed); }

Refusal::Refusal(index_t granted) { granted_yet.store(granted, std::memory_order_relaxed); }
Refusal::~Refusal() { granted_yet.store(kNone, std::memory_order_relaxed); }
bool Refusal::happened() const { return granted_yet.load(std::memory_order_relaxed) < 0; }

}  // namespace briskmlp

// The linker puts these in the place of the C library's: see CMakeLists.txt.
extern "C" {
void* __real_calloc(std::size_t count, std::size_t size);
void __real_free(void* memory);
void* __wrap_calloc(std::size_t count, std::size_t size);
void __wrap_free(void* memory);

void* __wrap_calloc(std::size_t count, std::size_t size) {
    return briskmlp::refused() ? nullptr : briskmlp::counted(__real_calloc(count, size));
}
void __wrap_free(void* memory) {
    briskmlp::live.fetch_sub(memory != nullptr, std::memory_order_relaxed);
    __real_free(memory);
}
}

#ifdef BRISKMLP_COUNTS_ALLOCATIONS
// All forms but those of over-aligned types, of which the core allocates none: a sanitizer's
// library brings along what is missing, and that must not be paired with these.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return briskmlp::refused() ? nullptr : briskmlp::counted(std::malloc(size == 0 ? 1 : size));
}
void* operator new(std::size_t size) {
    void* const memory = operator new(size, std::nothrow);
    return memory == nullptr ? throw std::bad_alloc() : memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
    return operator new(size, tag);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
#endif
#endif
