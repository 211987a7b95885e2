#include "base/machine.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

namespace varve {
namespace {

// What the file holds; the greatest number when it holds none ("max") or is not there.
uint64_t LimitIn(const char* path) {
  uint64_t bytes = 0;
  std::ifstream file(path);
  return file >> bytes && bytes > 0 ? bytes : std::numeric_limits<uint64_t>::max();
}

}  // namespace

uint64_t MachineMemoryBytes() {
  const uint64_t physical =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return std::min({physical, LimitIn("/sys/fs/cgroup/memory.max"),
                   LimitIn("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

}  // namespace varve
