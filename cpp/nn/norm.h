// The table of norms that may stand between the layers of a network.
#pragma once

#include <string>
#include <vector>

namespace briskmlp {

enum class Norm { kNone, kLayer };

std::vector<std::string> norm_names();         // of all but kNone
Norm norm_from_name(const std::string& name);  // throws std::invalid_argument
const char* norm_name(Norm norm);              // null for kNone

}  // namespace briskmlp
