// X-Varve-Warning: what a request that succeeded did not do as its sender may think.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http/http_server.h"

namespace varve {

inline constexpr std::string_view kWarningHeader = "X-Varve-Warning";

// Sets the header, the sentences joined by "; ". Without warnings there is no header. Characters
// that a header cannot hold become '?', and what is too long is cut.
void AddWarnings(HttpResponse& response, const std::vector<std::string>& warnings);

}  // namespace varve
