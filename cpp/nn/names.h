// Names to kinds: the lookup behind every `activation="relu"`.
#pragma once

#include <string>
#include <vector>

namespace briskmlp {

// The position of `name` in `names`. Otherwise throws std::invalid_argument: what, the name
// and all that are known.
std::size_t find_name(const std::string& what, const std::string& name,
                      const std::vector<std::string>& names);

}  // namespace briskmlp
