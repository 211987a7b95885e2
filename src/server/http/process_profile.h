// What the process spends its time and memory on, by its own account.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace varve {

// Samples the stacks of the threads that run, a hundred times a second of processor time, for that
// long or until it is asked to stop. A line per different stack, outermost function first:
// "main;Run;Scan 42", which flame graph tools read. Functions without a name are "file+0x12ab".
// Blocks. Errors: kConflict when another one runs.
Result<std::string> ProfileCpu(std::chrono::milliseconds duration, std::stop_token stop);

// What malloc has from the system and has given out, and its own description of its arenas.
std::string DescribeHeap();

}  // namespace varve
