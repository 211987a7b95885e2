// The HTTP API of SQL and of operation: POST /sql, GET /, GET /metrics, POST /debug/flush_memtable,
// …
#pragma once

#include "query/session.h"
#include "server/http/http_server.h"

namespace varve {

// Adds the routes. The database and the engine outlive the router.
void AddSqlRoutes(Router& router, QueryEngine& engine);
void AddAdminRoutes(Router& router, Database& database);

}  // namespace varve
