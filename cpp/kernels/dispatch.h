// Which kernels run: one table a type, for the instruction set that cpu.h chose or a test asks for.
#pragma once

#include "base/cpu.h"
#include "kernels/table.h"

namespace briskmlp {

// The table for `isa`, which must be in cpu_info().supported. T is float or double.
template <class T>
const KernelTable<T>& kernels(Isa isa);

// The instruction set in use in this process: default_isa(), asked at the first call.
Isa isa_in_use();

// Its table.
template <class T>
const KernelTable<T>& kernels();

}  // namespace briskmlp
