// The program's log, on standard error. Secrets and client data never go into it.
//   LogWarn("the tail of {} was torn, {} bytes are cut", path, bytes);
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace varve {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// Thread-safe, as is everything here. Takes effect at once.
void SetLogLevel(LogLevel level);
LogLevel CurrentLogLevel();
void WriteLog(LogLevel level, std::string_view message);

#define VARVE_LOG_FUNCTION(Name, level)                                  \
  template <class... Args>                                               \
  void Name(fmt::format_string<Args...> format, Args&&... args) {        \
    if (CurrentLogLevel() <= level) {                                    \
      WriteLog(level, fmt::format(format, std::forward<Args>(args)...)); \
    }                                                                    \
  }
VARVE_LOG_FUNCTION(LogTrace, LogLevel::kTrace)
VARVE_LOG_FUNCTION(LogDebug, LogLevel::kDebug)
VARVE_LOG_FUNCTION(LogInfo, LogLevel::kInfo)
VARVE_LOG_FUNCTION(LogWarn, LogLevel::kWarn)
VARVE_LOG_FUNCTION(LogError, LogLevel::kError)
#undef VARVE_LOG_FUNCTION

}  // namespace varve
