#include "query/duckdb_fence.h"

#include <algorithm>
#include <array>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/main/config.hpp>
#include <duckdb/parser/parsed_data/drop_info.hpp>
#include <string_view>
#include <vector>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

// Pure, or needed by information_schema and pg_catalog, which show names and types of tables.
constexpr std::array<std::string_view, 21> kTableFunctions = {"duckdb_columns",
                                                              "duckdb_constraints",
                                                              "duckdb_databases",
                                                              "duckdb_dependencies",
                                                              "duckdb_functions",
                                                              "duckdb_indexes",
                                                              "duckdb_keywords",
                                                              "duckdb_schemas",
                                                              "duckdb_sequences",
                                                              "duckdb_tables",
                                                              "duckdb_types",
                                                              "duckdb_views",
                                                              "generate_series",
                                                              "histogram",
                                                              "histogram_values",
                                                              "icu_calendar_names",
                                                              "pg_timezone_names",
                                                              "range",
                                                              "repeat",
                                                              "repeat_row",
                                                              "unnest"};

// Settings, variables, sequences, logs, plans of other statements' text, and sleeping on a server's
// thread.
constexpr std::array<std::string_view, 19> kForbiddenFunctions = {"current_setting",
                                                                  "getvariable",
                                                                  "getenv",
                                                                  "nextval",
                                                                  "currval",
                                                                  "write_log",
                                                                  "json_serialize_plan",
                                                                  "json_serialize_sql",
                                                                  "json_deserialize_sql",
                                                                  "parse_duckdb_log_message",
                                                                  "sleep_ms",
                                                                  "pg_sleep",
                                                                  "get_block_size",
                                                                  "txid_current",
                                                                  "current_transaction_id",
                                                                  "current_connection_id",
                                                                  "current_query_id",
                                                                  "vector_type",
                                                                  "pg_conf_load_time"};

bool Contains(const auto& names, const std::string& name) {
  return std::ranges::find(names, std::string_view(name)) != names.end();
}

bool IsForbidden(const duckdb::CatalogEntry& entry) {
  switch (entry.type) {
    case duckdb::CatalogType::TABLE_FUNCTION_ENTRY:
    case duckdb::CatalogType::TABLE_MACRO_ENTRY:
      return !Contains(kTableFunctions, entry.name);
    case duckdb::CatalogType::SCALAR_FUNCTION_ENTRY:
    case duckdb::CatalogType::MACRO_ENTRY:
      return Contains(kForbiddenFunctions, entry.name);
    case duckdb::CatalogType::PRAGMA_FUNCTION_ENTRY:
    case duckdb::CatalogType::COPY_FUNCTION_ENTRY:
      return true;
    default:
      return false;
  }
}

constexpr std::array kFunctionKinds = {
    duckdb::CatalogType::TABLE_FUNCTION_ENTRY, duckdb::CatalogType::SCALAR_FUNCTION_ENTRY,
    duckdb::CatalogType::PRAGMA_FUNCTION_ENTRY, duckdb::CatalogType::COPY_FUNCTION_ENTRY};

void RemoveFunctions(duckdb::ClientContext& context) {
  duckdb::Catalog& system = duckdb::Catalog::GetSystemCatalog(context);
  std::vector<duckdb::DropInfo> drops;
  system.ScanSchemas(context, [&](duckdb::SchemaCatalogEntry& schema) {
    for (const duckdb::CatalogType kind : kFunctionKinds) {
      schema.Scan(context, kind, [&](duckdb::CatalogEntry& entry) {
        if (IsForbidden(entry)) {
          duckdb::DropInfo& drop = drops.emplace_back();
          drop.type = entry.type;
          drop.schema = schema.name;
          drop.name = entry.name;
          drop.allow_drop_internal = true;
          drop.if_not_found = duckdb::OnEntryNotFound::RETURN_NULL;
        }
      });
    }
  });
  for (duckdb::DropInfo& drop : drops) {
    system.DropEntry(context, drop);
  }
}

void Run(duckdb::Connection& connection, const std::string& sql) {
  const auto result = connection.Query(sql);
  if (result->HasError()) {
    result->ThrowError();
  }
}

}  // namespace

void PrepareFencedConfig(duckdb::DBConfig& config) {
  config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("allow_community_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("allow_persistent_secrets", duckdb::Value::BOOLEAN(false));
  config.replacement_scans.clear();
}

Status CloseFence(duckdb::Connection& connection) {
  return Caught([&] {
    connection.context->RunFunctionInTransaction([&] { RemoveFunctions(*connection.context); });
    auto& config = duckdb::DBConfig::GetConfig(*connection.context);
    config.replacement_scans.clear();
    Run(connection, "SET GLOBAL enable_external_access = false");
    Run(connection, "SET GLOBAL lock_configuration = true");
  });
}

}  // namespace varve
