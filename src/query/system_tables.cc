#include "query/system_tables.h"

#include <algorithm>
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
#include "query/transfers.h"
#include "query/version_tables.h"
#include "sql/rewrite.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

constexpr const char* kSchema = "public";
constexpr std::string_view kEngine = "Analytic";
constexpr std::string_view kViewEngine = "View";

using Row = SystemRow;
using Rows = SystemRows;
using Column = SystemColumn;

Value Text(std::string_view text) { return Value(std::string(text)); }

Row TableRow(Row names, uint64_t id, std::string_view engine) {
  names.insert(names.begin(), Value::TIMESTAMP(duckdb::timestamp_t(0)));
  names.push_back(Value::UBIGINT(id));
  names.push_back(Text(engine));
  return names;
}

void FillTables(const SystemSources& sources, const OneTable& only, Rows& rows) {
  const Database& database = sources.database;
  ForEachTable(database, only, [&](const Table& table, Row row) {
    rows.push_back(TableRow(std::move(row), table.id().value(), kEngine));
  });
  for (const std::string& schema : database.ListSchemas()) {
    for (const ViewEntry& view : database.ListViews(schema)) {
      rows.push_back(
          TableRow({Text(kDefaultCatalogName), Text(schema), Text(view.name)}, 0, kViewEngine));
    }
  }
}

void FillColumns(const SystemSources& sources, const OneTable& only, Rows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const Row& names) {
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

void FillOptions(const SystemSources& sources, const OneTable& only, Rows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const Row& names) {
    for (const auto& [name, value] : ToMap(table.options())) {
      Row& row = rows.emplace_back(names);
      row.push_back(Text(name));
      row.push_back(Text(value));
    }
  });
}

void FillConsumers(const SystemSources& sources, const OneTable& only, Rows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const Row& names) {
    for (const Consumer& consumer : OrThrow(table.ListConsumers())) {
      Row& row = rows.emplace_back(names);
      row.push_back(Text(consumer.name));
      row.push_back(Value::UBIGINT(consumer.next_snapshot_id.value()));
      row.push_back(Value::TIMESTAMP(duckdb::timestamp_t(consumer.create_time.value())));
      row.push_back(Value::TIMESTAMP(duckdb::timestamp_t(consumer.update_time.value())));
    }
  });
}

Value Time(TimestampUs time) { return Value::TIMESTAMP(duckdb::timestamp_t(time.value())); }

void FillTransfers(const SystemSources& sources, TransferKind kind, Rows& rows) {
  if (sources.transfers == nullptr) {
    return;
  }
  for (const TransferStatus& status : sources.transfers->List(kind)) {
    rows.push_back({Text(status.id), Text(status.location),
                    status.snapshot_id.empty() ? Value() : Text(status.snapshot_id),
                    Text(TransferStateName(status.state)), Value::UBIGINT(status.chunks),
                    Value::UBIGINT(status.chunks_done), Value::UBIGINT(status.rows),
                    Value::UBIGINT(status.bytes), Value::UBIGINT(status.bytes_done),
                    Value::UBIGINT(status.bytes_per_second),
                    status.seconds_left ? Value::UBIGINT(*status.seconds_left) : Value(),
                    Value::UBIGINT(status.retries), Time(status.started_at),
                    status.ended_at ? Time(*status.ended_at) : Value(),
                    status.error.empty() ? Value() : Text(status.error)});
  }
}

void FillExports(const SystemSources& sources, const OneTable&, Rows& rows) {
  FillTransfers(sources, TransferKind::kExport, rows);
}

void FillImports(const SystemSources& sources, const OneTable&, Rows& rows) {
  FillTransfers(sources, TransferKind::kImport, rows);
}

std::vector<Column> TransferColumns() {
  return {{"id", LogicalType::VARCHAR},           {"location", LogicalType::VARCHAR},
          {"snapshot_id", LogicalType::VARCHAR},  {"state", LogicalType::VARCHAR},
          {"chunks", LogicalType::UBIGINT},       {"chunks_done", LogicalType::UBIGINT},
          {"rows", LogicalType::UBIGINT},         {"bytes", LogicalType::UBIGINT},
          {"bytes_done", LogicalType::UBIGINT},   {"bytes_per_second", LogicalType::UBIGINT},
          {"seconds_left", LogicalType::UBIGINT}, {"retries", LogicalType::UBIGINT},
          {"started_at", LogicalType::TIMESTAMP}, {"ended_at", LogicalType::TIMESTAMP},
          {"error", LogicalType::VARCHAR}};
}

std::vector<SystemTable> SystemTables() {
  const Column catalog{"catalog", LogicalType::VARCHAR};
  const Column schema{"schema", LogicalType::VARCHAR};
  const Column table{"table_name", LogicalType::VARCHAR};
  std::vector<SystemTable> all = {
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
       FillColumns,
       true},
      {"options",
       "varve_options",
       {catalog, schema, table, {"option", LogicalType::VARCHAR}, {"value", LogicalType::VARCHAR}},
       FillOptions,
       true},
      {"consumers",
       "varve_consumers",
       {catalog,
        schema,
        table,
        {"consumer", LogicalType::VARCHAR},
        {"next_snapshot_id", LogicalType::UBIGINT},
        {"create_time", LogicalType::TIMESTAMP},
        {"update_time", LogicalType::TIMESTAMP}},
       FillConsumers,
       true},
      {"exports", "varve_exports", TransferColumns(), FillExports},
      {"imports", "varve_imports", TransferColumns(), FillImports},
  };
  std::ranges::move(VersionTables(), std::back_inserter(all));
  return all;
}

struct ScanInfo final : public duckdb::TableFunctionInfo {
  ScanInfo(const SystemSources& sources, SystemTable table)
      : sources(sources), table(std::move(table)) {}
  const SystemSources sources;
  const SystemTable table;
};

struct ScanData final : public duckdb::TableFunctionData {
  ScanData(const ScanInfo& info, OneTable only) : info(info), only(std::move(only)) {}
  const ScanInfo& info;
  const OneTable only;
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
  OneTable only;
  if (input.inputs.size() == 2) {
    only = {input.inputs[0].ToString(), input.inputs[1].ToString()};
  }
  return duckdb::make_uniq<ScanData>(info, std::move(only));
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Start(duckdb::ClientContext&,
                                                           duckdb::TableFunctionInitInput& input) {
  auto progress = duckdb::make_uniq<ScanProgress>();
  const auto& data = input.bind_data->Cast<ScanData>();
  data.info.table.fill(data.info.sources, data.only, progress->rows);
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

void Register(duckdb::ClientContext& context, const SystemSources& sources,
              const SystemTable& table) {
  duckdb::Catalog& catalog = duckdb::Catalog::GetSystemCatalog(context);
  // Of all tables; of one.
  duckdb::TableFunctionSet functions(table.function);
  const auto info = duckdb::make_shared_ptr<ScanInfo>(sources, table);
  for (const duckdb::vector<LogicalType>& arguments :
       {duckdb::vector<LogicalType>(),
        duckdb::vector<LogicalType>{LogicalType::VARCHAR, LogicalType::VARCHAR}}) {
    duckdb::TableFunction function(table.function, arguments, Scan, Bind, Start);
    function.function_info = info;
    functions.AddFunction(std::move(function));
  }
  duckdb::CreateTableFunctionInfo function_info(std::move(functions));
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

std::optional<duckdb::unique_ptr<duckdb::SelectStatement>> TableDetailsQuery(
    const Database& database, std::string_view schema, std::string_view name) {
  const size_t dollar = name.rfind('$');
  if (dollar == std::string_view::npos ||
      !database.FindTable(schema, name.substr(0, dollar)).has_value()) {
    return std::nullopt;
  }
  const std::string_view detail = name.substr(dollar + 1);
  for (const SystemTable& table : SystemTables()) {
    if (table.of_one_table && detail == table.name) {
      return duckdb::CreateViewInfo::ParseSelect(
          fmt::format("SELECT * EXCLUDE (catalog, \"schema\", table_name) FROM {}({}, {})",
                      table.function, QuoteString(schema), QuoteString(name.substr(0, dollar))));
    }
  }
  return std::nullopt;
}

Status RegisterSystemTables(duckdb::Connection& connection, Database& database,
                            const Transfers* transfers) {
  return Caught([&] {
    duckdb::ClientContext& context = *connection.context;
    context.RunFunctionInTransaction([&] {
      duckdb::CreateSchemaInfo schema;
      schema.schema = kSchema;
      schema.internal = true;
      duckdb::Catalog::GetSystemCatalog(context).CreateSchema(context, schema);
      for (const SystemTable& table : SystemTables()) {
        Register(context, {database, transfers}, table);
      }
    });
  });
}

}  // namespace varve
