#include "query/system_tables.h"

#include <array>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/parser/parsed_data/create_schema_info.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>
#include <duckdb/parser/parsed_data/create_view_info.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "query/duckdb_bridge.h"
#include "query/session.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

constexpr const char* kSchema = "public";
constexpr std::string_view kEngine = "Analytic";
constexpr std::string_view kViewEngine = "View";

using Row = std::vector<Value>;
using Rows = std::vector<Row>;

struct Column {
  const char* name;
  LogicalType type;
};

// One of the tables. What it holds is asked anew by every scan.
struct SystemTable {
  const char* name;
  const char* function;
  std::vector<Column> columns;
  void (*fill)(const Database& database, Rows& rows);
};

Value Text(std::string_view text) { return Value(std::string(text)); }

// Calls `visit` for every table, with the columns that all system tables begin with.
template <class Visit>
void ForEachTable(const Database& database, const Visit& visit) {
  for (const std::string& schema : database.ListSchemas()) {
    const auto tables = database.ListTables(schema);
    if (!tables) {
      continue;  // dropped meanwhile
    }
    for (const auto& table : *tables) {
      visit(*table, Row{Text(kDefaultCatalogName), Text(schema), Text(table->name())});
    }
  }
}

Row TableRow(Row names, uint64_t id, std::string_view engine) {
  names.insert(names.begin(), Value::TIMESTAMP(duckdb::timestamp_t(0)));
  names.push_back(Value::UBIGINT(id));
  names.push_back(Text(engine));
  return names;
}

void FillTables(const Database& database, Rows& rows) {
  ForEachTable(database, [&](const Table& table, Row row) {
    rows.push_back(TableRow(std::move(row), table.id().value(), kEngine));
  });
  for (const std::string& schema : database.ListSchemas()) {
    for (const ViewEntry& view : database.ListViews(schema)) {
      rows.push_back(
          TableRow({Text(kDefaultCatalogName), Text(schema), Text(view.name)}, 0, kViewEngine));
    }
  }
}

void FillColumns(const Database& database, Rows& rows) {
  ForEachTable(database, [&](const Table& table, const Row& names) {
    const auto schema = table.schema();
    for (size_t i = 0; i < schema->columns().size(); ++i) {
      const ColumnSchema& column = schema->columns()[i];
      Row& row = rows.emplace_back(names);
      row.push_back(Text(column.name));
      row.push_back(Value::UINTEGER(column.id));
      row.push_back(Value::UINTEGER(static_cast<uint32_t>(i + 1)));
      row.push_back(Text(ColumnTypeName(column.type)));
      row.push_back(Value::BOOLEAN(i < schema->key_size()));
      row.push_back(Value::BOOLEAN(column.nullable));
      row.push_back(Value::BOOLEAN(column.tag));
      row.push_back(Value::BOOLEAN(column.dictionary));
      row.push_back(column.default_value.empty() ? Value() : Text(column.default_value));
      row.push_back(column.comment.empty() ? Value() : Text(column.comment));
    }
  });
}

void FillOptions(const Database& database, Rows& rows) {
  ForEachTable(database, [&](const Table& table, const Row& names) {
    for (const auto& [name, value] : ToMap(table.options())) {
      Row& row = rows.emplace_back(names);
      row.push_back(Text(name));
      row.push_back(Text(value));
    }
  });
}

std::vector<SystemTable> SystemTables() {
  const Column catalog{"catalog", LogicalType::VARCHAR};
  const Column schema{"schema", LogicalType::VARCHAR};
  const Column table{"table_name", LogicalType::VARCHAR};
  return {
      {"tables",
       "varve_tables",
       {{"timestamp", LogicalType::TIMESTAMP},
        catalog,
        schema,
        table,
        {"table_id", LogicalType::UBIGINT},
        {"engine", LogicalType::VARCHAR}},
       FillTables},
      {"columns",
       "varve_columns",
       {catalog,
        schema,
        table,
        {"column_name", LogicalType::VARCHAR},
        {"column_id", LogicalType::UINTEGER},
        {"position", LogicalType::UINTEGER},
        {"type", LogicalType::VARCHAR},
        {"is_primary", LogicalType::BOOLEAN},
        {"is_nullable", LogicalType::BOOLEAN},
        {"is_tag", LogicalType::BOOLEAN},
        {"is_dictionary", LogicalType::BOOLEAN},
        {"default_value", LogicalType::VARCHAR},
        {"comment", LogicalType::VARCHAR}},
       FillColumns},
      {"options",
       "varve_options",
       {catalog, schema, table, {"option", LogicalType::VARCHAR}, {"value", LogicalType::VARCHAR}},
       FillOptions},
  };
}

struct ScanInfo final : public duckdb::TableFunctionInfo {
  ScanInfo(Database& database, SystemTable table) : database(database), table(std::move(table)) {}
  Database& database;
  const SystemTable table;
};

struct ScanData final : public duckdb::TableFunctionData {
  explicit ScanData(const ScanInfo& info) : info(info) {}
  const ScanInfo& info;
};

struct ScanProgress final : public duckdb::GlobalTableFunctionState {
  Rows rows;
  size_t next = 0;
};

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext&,
                                              duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  const auto& info = input.info->Cast<ScanInfo>();
  for (const Column& column : info.table.columns) {
    types.push_back(column.type);
    names.emplace_back(column.name);
  }
  return duckdb::make_uniq<ScanData>(info);
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Start(duckdb::ClientContext&,
                                                           duckdb::TableFunctionInitInput& input) {
  auto progress = duckdb::make_uniq<ScanProgress>();
  const ScanInfo& info = input.bind_data->Cast<ScanData>().info;
  info.table.fill(info.database, progress->rows);
  return progress;
}

void Scan(duckdb::ClientContext&, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  auto& progress = input.global_state->Cast<ScanProgress>();
  duckdb::idx_t count = 0;
  for (; count < STANDARD_VECTOR_SIZE && progress.next < progress.rows.size(); ++count) {
    const Row& row = progress.rows[progress.next++];
    for (size_t column = 0; column < row.size(); ++column) {
      output.SetValue(column, count, row[column]);
    }
  }
  output.SetCardinality(count);
}

void Register(duckdb::ClientContext& context, Database& database, const SystemTable& table) {
  duckdb::Catalog& catalog = duckdb::Catalog::GetSystemCatalog(context);
  duckdb::TableFunction function(table.function, {}, Scan, Bind, Start);
  function.function_info = duckdb::make_shared_ptr<ScanInfo>(database, table);
  duckdb::CreateTableFunctionInfo function_info(std::move(function));
  function_info.internal = true;
  catalog.CreateTableFunction(context, function_info);
  duckdb::CreateViewInfo view;
  view.schema = kSchema;
  view.view_name = table.name;
  view.query =
      duckdb::CreateViewInfo::ParseSelect(fmt::format("SELECT * FROM {}()", table.function));
  view.internal = true;
  catalog.CreateView(context, view);
}

}  // namespace

Status RegisterSystemTables(duckdb::Connection& connection, Database& database) {
  return Caught([&] {
    duckdb::ClientContext& context = *connection.context;
    context.RunFunctionInTransaction([&] {
      duckdb::CreateSchemaInfo schema;
      schema.schema = kSchema;
      schema.internal = true;
      duckdb::Catalog::GetSystemCatalog(context).CreateSchema(context, schema);
      for (const SystemTable& table : SystemTables()) {
        Register(context, database, table);
      }
    });
  });
}

}  // namespace varve
