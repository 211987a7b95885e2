// The routes over what they need of a Database, so that tests need none.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/expired_rows.h"
#include "model/point_batch.h"
#include "server/http/http_server.h"

namespace varve {

struct PointSink {
  std::function<bool(std::string_view schema)> has_schema;
  // As Database::WritePoints.
  std::function<Result<WriteReport>(std::string_view schema, std::vector<PointBatch> points)> write;
};

void AddInfluxRoutes(Router& router, PointSink sink, const Clock& clock);

}  // namespace varve
