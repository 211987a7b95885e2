#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace varve {

void CheckFailed(std::string_view condition, std::string_view file, int line,
                 std::string_view detail) {
  fmt::print(stderr, "varve: internal check failed at {}:{}: {} {}\n", file, line, condition,
             detail);
  std::fflush(stderr);
  std::abort();
}

}  // namespace varve
