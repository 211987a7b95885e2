// What the machine, or the part of it that this process may use, has.
#pragma once

#include <cstdint>

namespace varve {

// Memory in bytes: of the machine, or of the control group (version 1 or 2) when that has less.
uint64_t MachineMemoryBytes();

}  // namespace varve
