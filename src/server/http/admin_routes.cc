#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/units.h"
#include "server/http/admin_routes_internal.h"
#include "server/http/metrics.h"

namespace varve {
namespace {

struct LevelName {
  std::string_view name;
  LogLevel level;
};
// CeresDB's; quieter ones could hide what an operator is about to look for.
constexpr std::array kLevels = {LevelName{"trace", LogLevel::kTrace},
                                LevelName{"debug", LogLevel::kDebug},
                                LevelName{"info", LogLevel::kInfo}};

HttpResponse Json(const nlohmann::ordered_json& document) {
  HttpResponse response;
  response.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

// CeresDB's headings. There is no log of the manifests: each change of them is a file.
HttpResponse DescribeWal(const DatabaseStats& stats) {
  return TextResponse(fmt::format(
      "[Data wal stats]:\nappends: {}\nappended_bytes: {}\nsize_bytes: {}\n"
      "recovered_rows: {}\n[Manifest wal stats]:\nnone\n",
      stats.wal.appends, stats.wal.appended_bytes, stats.wal.size_bytes, stats.recovered_rows));
}

// CeresDB can read without handing filters down to the scan. Here the scan always takes them: it
// costs nothing, and rows are right either way.
HttpResponse ChangePushDown(const HttpRequest& request) {
  const std::string& value = *request.Parameter("push_down");
  if (value == "true") {
    return TextResponse(value);
  }
  return ErrorResponse(400, value == "false" ? "filters are always pushed down to the scan"
                                             : "only true or false can stand here");
}

HttpResponse ChangeLogLevel(const HttpRequest& request) {
  const std::string* const name = request.Parameter("level");
  for (const LevelName& known : kLevels) {
    if (known.name == *name) {
      SetLogLevel(known.level);
      return Json(*name);
    }
  }
  return ErrorResponse(400, "Only allow to change log level to <trace|debug|info>");
}

HttpResponse CompactionReport(const MaintenanceStats& stats,
                              const std::vector<DamagedFile>& damaged) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const DamagedFile& entry : damaged) {
    files.push_back({{"table", entry.table},
                     {"path", entry.file.path},
                     {"reason", entry.file.reason},
                     {"since", FormatTimestamp(entry.file.since.value())}});
  }
  return Json({{"running", stats.running},
               {"compactions", stats.compactions},
               {"failures", stats.failures},
               {"pending_tables", stats.pending_tables},
               {"pending_files", stats.pending_files},
               {"pending_bytes", stats.pending_bytes},
               {"quarantined_files", std::move(files)}});
}

}  // namespace

void AddAdminRoutes(Router& router, AdminSources sources) {
  router.Add("GET", "/", [](const HttpRequest&) { return Json({{"status", "ok"}}); });
  // InfluxDB's form, which its clients check.
  router.Add("GET", "/health", [](const HttpRequest&) {
    return Json({{"name", "varve"},
                 {"message", "ready for queries and writes"},
                 {"status", "pass"},
                 {"checks", nlohmann::ordered_json::array()}});
  });
  router.Add("GET", "/debug/compaction",
             [stats = sources.stats, damaged = std::move(sources.damaged_files)](
                 const HttpRequest&) { return CompactionReport(stats().compaction, damaged()); });
  const auto wal_stats = [stats = sources.stats](const HttpRequest&) {
    return DescribeWal(stats());
  };
  router.Add("GET", "/debug/wal_stats", wal_stats);
  router.Add("GET", "/debug/stats", wal_stats);  // CeresDB 1.2.0
  const auto metrics =
      std::make_shared<Metrics>(std::move(sources.stats), std::move(sources.statements));
  router.SetObserver([metrics](std::string_view route, int status, std::chrono::nanoseconds time) {
    metrics->ObserveRequest(route, status, time);
  });
  router.Add("GET", "/metrics", [metrics](const HttpRequest&) {
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics->Text();
    return response;
  });
  const auto flush = [flush_all = std::move(sources.flush_all)](const HttpRequest&) {
    const FlushOutcome outcome = flush_all();
    return Json({{"success", outcome.success}, {"failed", outcome.failed}});
  };
  router.Add("POST", "/debug/flush_memtable", flush);
  router.Add("POST", "/flush_memtable", flush);  // until CeresDB 0.4
  router.Add("PUT", "/debug/log_level/{level}", ChangeLogLevel);
  router.Add("POST", "/debug/query_push_down/{push_down}", ChangePushDown);
}

}  // namespace varve
