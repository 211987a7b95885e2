// The changes of a table over HTTP, and their consumers (docs/changes.md):
//   GET /v1/changes/{table}?from=…&to=…&consumer=…&follow=true|false&format=ndjson|arrow&schema=…
//     200: rows of changes as they are committed, as a stream that goes on until the client leaves
//     (follow=true, which it is unless told otherwise). After each version NDJSON has the line
//     {"_end_of_version":N}; when nothing happens an empty line keeps the connection open. An Arrow
//     stream ends where the table gets other columns: ask again from the last version.
//     410: the changes have expired; the message says what there is
//   GET /v1/changes/{table}/consumers
//   POST /v1/changes/{table}/consumers/{name}?version=N: has read everything up to it
//   DELETE /v1/changes/{table}/consumers/{name}
#pragma once

#include <chrono>

#include "engine/database.h"
#include "query/limiter.h"
#include "server/http/http_server.h"

namespace varve {

// Each takes a connection for good, and a look at its table at every interval below.
inline constexpr size_t kFollowersMax = 512;
// How often a stream that has nothing to say is asked again: how late a change may be seen, with so
// little work that all followers together are no load.
inline constexpr std::chrono::milliseconds kFollowInterval{200};
// Shorter than the time after which proxies take a connection for dead (60 s as a rule).
inline constexpr std::chrono::milliseconds kFollowHeartbeat = std::chrono::seconds(10);

// The database and the limiter outlive the router.
void AddChangeRoutes(Router& router, Database& database, Limiter& limiter);

}  // namespace varve
