#include "nn/names.h"

#include <algorithm>
#include <stdexcept>

namespace briskmlp {
std::size_t find_name(const std::string& what, const std::string& name,
                      const std::vector<std::string>& names) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) {
        return static_cast<std::size_t>(found - names.begin());
    }
    std::string message = "unknown " + what + " '" + name + "'; known: ";
    for (std::size_t i = 0; i < names.size(); ++i) {
        message += (i == 0 ? "" : ", ") + names[i];
    }
    throw std::invalid_argument(message);
}

}  // namespace briskmlp
