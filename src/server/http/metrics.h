// Metrics: what GET /metrics shows, in Prometheus' text format.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/database.h"
#include "server/http/admin_routes_internal.h"

namespace varve {

// Thread-safe.
class Metrics {
 public:
  // Both are called for every Text().
  Metrics(std::function<DatabaseStats()> stats, std::function<StatementStats()> statements);
  ~Metrics();

  // Counts an answer and its time for the route. /debug/… is left out, as in CeresDB.
  void ObserveRequest(std::string_view route, int status, std::chrono::nanoseconds time);

  std::string Text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve
