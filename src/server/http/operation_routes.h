// Routes of operation that need no tables: what is blocked, the log of slow statements, routing,
// profiles of the process.
#pragma once

#include <cstdint>
#include <string>

#include "query/limiter.h"
#include "query/statement_log.h"
#include "server/http/http_server.h"

namespace varve {

// POST /admin/block, /block: {"operation":"Add"|"Set"|"Remove","write_block_list":[…],
// "read_block_list":[…],"block_rules":[…]}, each list optional; answers the lists as they then are,
// sorted. GET answers them. /reject is the same with CeresDB 0.3's names of the lists. The limiter
// outlives the router.
void AddBlockRoutes(Router& router, Limiter& limiter);

// PUT /debug/slow_threshold/{seconds}: 5, 0.5, 5s, 0 = off. The log outlives the router.
void AddSlowThresholdRoute(Router& router, StatementLog& log);

// Where clients shall send a table's requests.
struct Endpoint {
  std::string address;
  uint16_t port = 0;
};
// GET /route/{table}: this server, which has all tables. GET /debug/shards: 400, since it is no
// part of a cluster.
void AddRouteRoutes(Router& router, Endpoint self);

// GET /debug/profile/cpu/{seconds} and /debug/cpu_profile/{seconds}: the stacks that used the
// processor, folded for flame graphs; GET /debug/profile/heap/{seconds} and
// /debug/heap_profile/{seconds}: what malloc holds.
void AddProfileRoutes(Router& router);

}  // namespace varve
