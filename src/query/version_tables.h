// System tables about the versions of tables: snapshots, savepoints, files, manifests, schemas,
// dropped_tables; and what all system tables are made of.
#pragma once

#include <duckdb.hpp>
#include <string>
#include <vector>

#include "engine/database.h"
#include "query/session.h"
#include "query/transfers.h"

namespace varve {

using SystemRow = std::vector<duckdb::Value>;
using SystemRows = std::vector<SystemRow>;

struct SystemColumn {
  const char* name;
  duckdb::LogicalType type;
};

// What the tables are about.
struct SystemSources {
  const Database& database;
  const Transfers* transfers;  // nullptr: there are no exports and imports
};

// Which table is asked for; "" = all.
struct OneTable {
  std::string schema;
  std::string table;
};

// One of the tables. What it holds is asked anew by every scan; `fill` throws.
struct SystemTable {
  const char* name;
  const char* function;
  std::vector<SystemColumn> columns;
  void (*fill)(const SystemSources& sources, const OneTable& only, SystemRows& rows);
  bool of_one_table = false;  // there is `t$name` too
};

// Calls `visit` for every table that is asked for, with the columns that system tables begin with.
template <class Visit>
void ForEachTable(const Database& database, const OneTable& only, const Visit& visit) {
  const auto show = [&](const std::string& schema, const Table& table) {
    visit(table, SystemRow{duckdb::Value(std::string(kDefaultCatalogName)), duckdb::Value(schema),
                           duckdb::Value(table.name())});
  };
  if (!only.table.empty()) {
    if (const auto table = database.FindTable(only.schema, only.table)) {
      show(only.schema, **table);
    }
    return;
  }
  for (const std::string& schema : database.ListSchemas()) {
    const auto tables = database.ListTables(schema);
    if (!tables) {
      continue;  // dropped meanwhile
    }
    for (const auto& table : *tables) {
      show(schema, *table);
    }
  }
}

std::vector<SystemTable> VersionTables();

}  // namespace varve
