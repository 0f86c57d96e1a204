// The test program's entry point; each test_<module>.cpp beside it tests one module.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <stdexcept>

#include "base/cpu.h"

// What CTest takes for "skipped": the instruction set asked for by BRISKMLP_ISA is not here.
constexpr int kSkipped = 77;

int main(int argc, char** argv) {
    try {
        briskmlp::default_isa();
    } catch (const std::runtime_error& error) {
        std::puts(error.what());
        return kSkipped;
    }
    return doctest::Context(argc, argv).run();
}
