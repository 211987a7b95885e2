// The routes of operation over what they need of a Database, so that tests need none.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/database.h"
#include "server/http/http_server.h"

namespace varve {

struct FlushOutcome {
  std::vector<std::string> success;  // names of tables
  std::vector<std::string> failed;
};

struct AdminSources {
  std::function<DatabaseStats()> stats;
  std::function<FlushOutcome()> flush_all;
};

void AddAdminRoutes(Router& router, AdminSources sources);

}  // namespace varve
