#include "nn/initializer.h"

#include <cmath>

#include "base/random.h"
#include "nn/names.h"

namespace briskmlp {
namespace {

constexpr double kTwoPi = 6.283185307179586476925286766559;

struct InitializerInfo {
    const char* name;
    bool normal;
    double in_weight, out_weight;  // variance = 1 / (in_weight * in + out_weight * out); 0, 0: zero
};

// In the order of the enumeration. kAuto has been resolved before its row would be read.
constexpr InitializerInfo kInitializers[] = {
    {"auto", false, 0, 0},
    {"he_uniform", false, 0.5, 0},
    {"he_normal", true, 0.5, 0},
    {"glorot_uniform", false, 0.5, 0.5},
    {"glorot_normal", true, 0.5, 0.5},
    {"lecun_uniform", false, 1, 0},
    {"lecun_normal", true, 1, 0},
    {"zeros", false, 0, 0},
};

// Box and Muller's transform of two uniform numbers.
double normal(const CounterRng& rng, std::uint64_t counter) {
    const double radius = std::sqrt(-2 * std::log1p(-rng.uniform(2 * counter)));
    return radius * std::cos(kTwoPi * rng.uniform(2 * counter + 1));
}

}  // namespace

std::vector<std::string> initializer_names() {
    std::vector<std::string> names;
    for (const InitializerInfo& info : kInitializers) {
        names.emplace_back(info.name);
    }
    return names;
}

Initializer initializer_from_name(const std::string& name) {
    return static_cast<Initializer>(find_name("initializer", name, initializer_names()));
}

template <class T>
void initialize_weights(Initializer kind, std::uint64_t seed, index_t layer, index_t in,
                        index_t out, T* w) {
    const InitializerInfo& info = kInitializers[static_cast<int>(kind)];
    const double fan =
        info.in_weight * static_cast<double>(in) + info.out_weight * static_cast<double>(out);
    const double deviation = fan == 0 ? 0 : std::sqrt(1 / fan);
    // A uniform distribution on [-limit, limit) has the variance limit^2 / 3.
    const double limit = fan == 0 ? 0 : std::sqrt(3 / fan);
    const CounterRng rng(seed, RandomStream::kInit, static_cast<std::uint64_t>(layer));
    for (index_t i = 0; i < in * out; ++i) {
        const auto counter = static_cast<std::uint64_t>(i);
        w[i] = static_cast<T>(info.normal ? deviation * normal(rng, counter)
                                          : (2 * rng.uniform(counter) - 1) * limit);
    }
}

template void initialize_weights(Initializer, std::uint64_t, index_t, index_t, index_t, float*);
template void initialize_weights(Initializer, std::uint64_t, index_t, index_t, index_t, double*);

}  // namespace briskmlp
