#include "server/influx/influx_routes.h"
#include "server/influx/influx_routes_internal.h"

namespace varve {

void AddInfluxRoutes(Router& router, Database& database, Limiter& limiter, const Clock& clock) {
  AddInfluxRoutes(
      router,
      PointSink{[&database](std::string_view schema) { return database.HasSchema(schema); },
                [&database, &limiter](std::string_view schema,
                                      std::vector<PointBatch> points) -> Result<WriteReport> {
                  for (const PointBatch& batch : points) {
                    VARVE_TRY(limiter.CheckWrite(schema, batch.table));
                  }
                  return database.WritePoints(schema, std::move(points));
                }},
      clock);
}

}  // namespace varve
