// VARVE_CHECK: our own invariants, always on. A failed check means a mistake in Varve, and ends the
// process before it can be written down; input from users never reaches one.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace varve {

[[noreturn]] void CheckFailed(std::string_view condition, std::string_view file, int line,
                              std::string_view detail);

#define VARVE_CHECK(condition, ...)                                                      \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      ::varve::CheckFailed(#condition, __FILE__, __LINE__, fmt::format("" __VA_ARGS__)); \
    }                                                                                    \
  } while (false)

}  // namespace varve
