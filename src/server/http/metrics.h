// Metrics: what GET /metrics shows, in Prometheus' text format.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/database.h"

namespace varve {

// Thread-safe.
class Metrics {
 public:
  // `stats` is called for every Text().
  explicit Metrics(std::function<DatabaseStats()> stats);
  ~Metrics();

  // Counts an answer and its time for the route. /debug/… is left out, as in CeresDB.
  void ObserveRequest(std::string_view route, int status, std::chrono::nanoseconds time);

  std::string Text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace varve
