// The HTTP API of SQL and of operation: POST /sql, GET /, GET /metrics, POST /debug/flush_memtable,
// …
#pragma once

#include "query/limiter.h"
#include "query/session.h"
#include "query/statement_log.h"
#include "server/http/http_server.h"

namespace varve {

// Adds the routes. All that they refer to outlives the router.
void AddSqlRoutes(Router& router, QueryEngine& engine);
// Neither `limiter` nor `log` is changed; they are counted by /metrics.
struct OperationSources {
  Database& database;
  const Limiter& limiter;
  const StatementLog& log;
};
void AddAdminRoutes(Router& router, const OperationSources& sources);

}  // namespace varve
