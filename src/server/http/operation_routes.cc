#include "server/http/operation_routes.h"

#include <charconv>
#include <cmath>

#include "base/units.h"
#include "server/http/json_text.h"
#include "server/http/process_profile.h"

namespace varve {
namespace {

// Longer ones would hold a worker, and the process's timer, for no better picture.
constexpr double kProfileSecondsMax = 60;
constexpr double kThresholdSecondsMax = 7 * 24 * 3600;

Result<double> SecondsOf(std::string_view text, double max) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  if (error != std::errc() || (!rest.empty() && rest != "s") || !(seconds >= 0 && seconds <= max)) {
    return InvalidArgument("'{}' is not a number of seconds from 0 to {}", text, max);
  }
  return seconds;
}

HttpResponse CpuProfile(const HttpRequest& request) {
  const auto seconds = SecondsOf(*request.Parameter("seconds"), kProfileSecondsMax);
  if (!seconds) {
    return ErrorResponse(seconds.error());
  }
  auto profile = ProfileCpu(std::chrono::milliseconds(std::llround(*seconds * 1000)), request.stop);
  return profile ? TextResponse(*std::move(profile)) : ErrorResponse(profile.error());
}

}  // namespace

void AddSlowThresholdRoute(Router& router, StatementLog& log) {
  router.Add("PUT", "/debug/slow_threshold/{seconds}", [&log](const HttpRequest& request) {
    const auto seconds = SecondsOf(*request.Parameter("seconds"), kThresholdSecondsMax);
    if (!seconds) {
      return ErrorResponse(seconds.error());
    }
    log.SetSlowThreshold(std::chrono::milliseconds(std::llround(*seconds * 1000)));
    return TextResponse("current_slow_threshold:" + FormatDuration(log.slow_threshold()));
  });
}

void AddRouteRoutes(Router& router, Endpoint self) {
  router.Add("GET", "/route/{table}", [self = std::move(self)](const HttpRequest& request) {
    HttpResponse response;
    response.body =
        fmt::format(R"({{"routes":[{{"table":{},"endpoint":{{"addr":{},"port":{}}}}}]}})",
                    JsonString(*request.Parameter("table")), JsonString(self.address), self.port);
    return response;
  });
  router.Add("GET", "/debug/shards", [](const HttpRequest&) {
    return ErrorResponse(400, "Querying shards is only supported in cluster mode");
  });
}

void AddProfileRoutes(Router& router) {
  for (const char* const path : {"/debug/profile/cpu/{seconds}", "/debug/cpu_profile/{seconds}"}) {
    router.Add("GET", path, CpuProfile);
  }
  for (const char* const path :
       {"/debug/profile/heap/{seconds}", "/debug/heap_profile/{seconds}"}) {
    router.Add("GET", path, [](const HttpRequest&) { return TextResponse(DescribeHeap()); });
  }
}

}  // namespace varve
