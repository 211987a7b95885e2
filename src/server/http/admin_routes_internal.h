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

struct DamagedFile {
  std::string table;  // with its schema
  QuarantinedFile file;
};

struct StatementStats {
  uint64_t blocked = 0;  // since the start, as the others
  uint64_t slow = 0;
  uint64_t failed = 0;
};

struct AdminSources {
  std::function<DatabaseStats()> stats;
  std::function<FlushOutcome()> flush_all;
  std::function<std::vector<DamagedFile>()> damaged_files;
  std::function<StatementStats()> statements = [] { return StatementStats(); };
};

void AddAdminRoutes(Router& router, AdminSources sources);

}  // namespace varve
