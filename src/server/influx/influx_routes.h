// InfluxDB's write API: POST /influxdb/v1/write, /write, /api/v2/write; GET /ping. (GET /health is
// of server/http.)
//
// Timestamps are nanoseconds, but milliseconds for /influxdb/v1/write as in CeresDB, unless
// `precision` says otherwise. The schema is that of a schema header; else the one that the
// parameter `db` (or `bucket`, up to a slash) names, if there is such a one; else the default
// schema: InfluxDB's clients must name a database, and most invent one.
//
// The good lines of a request are written together or not at all. 204: all are durable and visible.
// 400 with "partial write": the good lines are, the others are named. Any other status: nothing is
// written; after 503 try again later.
#pragma once

#include "base/clock.h"
#include "engine/database.h"
#include "query/limiter.h"
#include "server/http/http_server.h"

namespace varve {

// Adds the routes. All arguments outlive the router.
void AddInfluxRoutes(Router& router, Database& database, Limiter& limiter, const Clock& clock);

}  // namespace varve
