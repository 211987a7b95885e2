#include "server/influx/influx_routes.h"
#include "server/influx/influx_routes_internal.h"

namespace varve {

void AddInfluxRoutes(Router& router, Database& database, const Clock& clock) {
  AddInfluxRoutes(
      router,
      PointSink{[&database](std::string_view schema) { return database.HasSchema(schema); },
                [&database](std::string_view schema, std::vector<PointBatch> points) {
                  return database.WritePoints(schema, std::move(points));
                }},
      clock);
}

}  // namespace varve
