#include "base/log.h"
#include "server/http/admin_routes_internal.h"
#include "server/http/sql_routes.h"

namespace varve {
namespace {

FlushOutcome FlushTables(Database& database) {
  FlushOutcome outcome;
  for (const std::string& schema : database.ListSchemas()) {
    const auto tables = database.ListTables(schema);
    if (!tables) {
      continue;  // dropped since
    }
    for (const auto& table : *tables) {
      const Status flushed = table->Flush();
      if (!flushed) {
        LogWarn("{}.{} cannot be flushed: {}", schema, table->name(), flushed.error().message);
      }
      (flushed ? outcome.success : outcome.failed).push_back(table->name());
    }
  }
  // Finds no rows any more, and gives the log's space back.
  if (const Status released = database.FlushAll(); !released) {
    LogWarn("after a flush of all tables: {}", released.error().message);
  }
  return outcome;
}

std::vector<DamagedFile> DamagedFiles(Database& database) {
  std::vector<DamagedFile> files;
  for (const std::string& schema : database.ListSchemas()) {
    const auto tables = database.ListTables(schema);
    if (!tables) {
      continue;  // dropped since
    }
    for (const auto& table : *tables) {
      for (QuarantinedFile& file : table->compaction().quarantined()) {
        files.push_back({schema + "." + table->name(), std::move(file)});
      }
    }
  }
  return files;
}

}  // namespace

void AddAdminRoutes(Router& router, const OperationSources& sources) {
  Database& database = sources.database;
  AddAdminRoutes(router, AdminSources{[&database] { return database.stats(); },
                                      [&database] { return FlushTables(database); },
                                      [&database] { return DamagedFiles(database); },
                                      [&limiter = sources.limiter, &log = sources.log] {
                                        return StatementStats{limiter.blocked_statements(),
                                                              log.slow_statements(),
                                                              log.failed_statements()};
                                      }});
}

}  // namespace varve
