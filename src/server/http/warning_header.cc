#include "server/http/warning_header.h"

#include <fmt/ranges.h>

namespace varve {
namespace {

// Clients and proxies take some 8 KiB of headers in all.
constexpr size_t kWarningBytesMax = 1024;

}  // namespace

void AddWarnings(HttpResponse& response, const std::vector<std::string>& warnings) {
  if (warnings.empty()) {
    return;
  }
  std::string text = fmt::format("{}", fmt::join(warnings, "; ")).substr(0, kWarningBytesMax);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      c = '?';
    }
  }
  response.headers[std::string(kWarningHeader)] = std::move(text);
}

}  // namespace varve
