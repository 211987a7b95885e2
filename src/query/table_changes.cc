#include "query/table_changes.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/function/function_set.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>
#include <mutex>
#include <utility>

#include "query/arrow_vectors.h"
#include "query/change_names.h"
#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"
#include "query/varve_catalog.h"

namespace varve {
namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::Value;

constexpr const char* kFrom = "from_version";
constexpr const char* kTo = "to_version";

struct FunctionInfo final : public duckdb::TableFunctionInfo {
  explicit FunctionInfo(Database& database) : database(database) {}
  Database& database;
};

// The versions stay while it lives, however late the scan begins.
struct ChangesData final : public duckdb::TableFunctionData {
  ChangesData(std::shared_ptr<const Table> table, ChangeRange range,
              std::shared_ptr<const ChangeReader> held)
      : table(std::move(table)), range(range), held(std::move(held)) {}

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<ChangesData>(table, range, held);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& data = other.Cast<ChangesData>();
    return data.table == table && data.range.from == range.from && data.range.to == range.to;
  }
  bool SupportStatementCache() const override { return false; }

  const std::shared_ptr<const Table> table;
  const ChangeRange range;
  const std::shared_ptr<const ChangeReader> held;
};

struct ChangesScan final : public duckdb::GlobalTableFunctionState {
  std::unique_ptr<ChangeReader> reader;
  std::shared_ptr<arrow::RecordBatch> batch;  // what the last chunk refers to
  int64_t next = 0;                           // row of the batch
};

// An integer, a text as ParseVersionText takes it, a timestamp or a date.
Result<VersionRef> VersionOf(const Value& value) {
  using duckdb::LogicalTypeId;
  const auto id = value.type().id();
  if (!value.IsNull() && value.type().IsIntegral()) {
    Value number;
    std::string ignored;
    if (value.DefaultTryCastAs(LogicalType::UBIGINT, number, &ignored)) {
      return VersionId(number.GetValue<uint64_t>());
    }
  } else if (!value.IsNull() && id == LogicalTypeId::VARCHAR) {
    return ParseVersionText(duckdb::StringValue::Get(value));
  } else if (!value.IsNull() && (value.type().IsTemporal() || id == LogicalTypeId::DATE)) {
    Value time;
    std::string ignored;
    if (value.DefaultTryCastAs(LogicalType::TIMESTAMP, time, &ignored)) {
      return TimestampUs(time.GetValue<duckdb::timestamp_t>().value);
    }
  }
  return InvalidArgument(
      "{} names no version: it is a number, a text like 'snapshot.7' or 'savepoint.name', or a "
      "timestamp",
      value.ToString());
}

const Value& ArgumentOf(const duckdb::TableFunctionBindInput& input, size_t position,
                        const char* name, const Value& otherwise) {
  const auto named = input.named_parameters.find(name);
  const bool by_position = position < input.inputs.size();
  if (named != input.named_parameters.end() && by_position) {
    Throw(Error{ErrorKind::kInvalidArgument,
                fmt::format("{} is given twice: by its place and by its name", name)});
  }
  return by_position ? input.inputs[position]
                     : (named == input.named_parameters.end() ? otherwise : named->second);
}

ChangeRange RangeOf(const Table& table, const duckdb::TableFunctionBindInput& input) {
  static const Value kNone;
  const Value& from = ArgumentOf(input, 1, kFrom, kNone);
  const Value& to = ArgumentOf(input, 2, kTo, kNone);
  std::optional<VersionRef> last;
  if (&to != &kNone) {
    last = OrThrow(VersionOf(to));
  }
  if (&from != &kNone) {
    return OrThrow(FindRange(table, OrThrow(VersionOf(from)), last));
  }
  return OrThrow(FindRange(table, OrThrow(table.OldestChangesStart()), last));
}

duckdb::unique_ptr<duckdb::FunctionData> Bind(duckdb::ClientContext& context,
                                              duckdb::TableFunctionBindInput& input,
                                              duckdb::vector<LogicalType>& types,
                                              duckdb::vector<std::string>& names) {
  Database& database = input.info->Cast<FunctionInfo>().database;
  if (input.inputs[0].IsNull()) {
    Throw(Error{ErrorKind::kInvalidArgument,
                "table_changes needs the name of a table: "
                "table_changes('t', from, to)"});
  }
  const TableName name =
      OrThrow(ParseTableText(duckdb::StringValue::Get(input.inputs[0]), kDefaultSchema));
  const auto table = OrThrow(FindTableWithChanges(database, name.schema, name.table));
  const ChangeRange range = RangeOf(*table, input);
  std::shared_ptr<const ChangeReader> reader = OrThrow(ChangeReader::Open(table, range));
  NameMapping mapping;
  if (const auto state = context.registered_state->Get<StatementState>(StatementState::kKey)) {
    mapping = state->names;
  }
  mapping.Add(reader->table_schema());
  types = {LogicalType::VARCHAR, LogicalType::UBIGINT, DuckDbType(ColumnType::kTimestamp)};
  names.assign(kChangeColumns.begin(), kChangeColumns.end());
  for (const ColumnSchema& column : reader->table_schema().columns()) {
    types.push_back(DuckDbType(column.type));
    names.push_back(mapping.ToDuckDb(column.name));
  }
  return duckdb::make_uniq<ChangesData>(table, range, std::move(reader));
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> Start(duckdb::ClientContext&,
                                                           duckdb::TableFunctionInitInput& input) {
  const auto& data = input.bind_data->Cast<ChangesData>();
  auto scan = duckdb::make_uniq<ChangesScan>();
  scan->reader = OrThrow(ChangeReader::Open(data.table, data.range));
  return scan;
}

void Scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input,
          duckdb::DataChunk& output) {
  auto& scan = input.global_state->Cast<ChangesScan>();
  while (scan.batch == nullptr || scan.next == scan.batch->num_rows()) {
    if (context.IsInterrupted()) {
      throw duckdb::InterruptException();
    }
    const auto step = OrThrow(scan.reader->Next());
    if (!step) {
      output.SetCardinality(0);
      return;
    }
    scan.batch = step->rows;
    scan.next = 0;
  }
  const RowSlice slice{scan.next,
                       std::min<idx_t>(STANDARD_VECTOR_SIZE,
                                       static_cast<idx_t>(scan.batch->num_rows() - scan.next))};
  for (idx_t column = 0; column < output.ColumnCount(); ++column) {
    ShowArrow(*scan.batch->column(static_cast<int>(column)), slice, output.data[column]);
  }
  scan.next += static_cast<int64_t>(slice.count);
  output.SetCardinality(slice.count);
}

}  // namespace

Status RegisterTableChanges(duckdb::Connection& connection, Database& database) {
  return Caught([&] {
    duckdb::TableFunctionSet overloads{std::string(kTableChanges)};
    const auto info = duckdb::make_shared_ptr<FunctionInfo>(database);
    duckdb::vector<LogicalType> arguments = {LogicalType::VARCHAR};
    for (int versions = 0; versions <= 2; ++versions) {
      duckdb::TableFunction function(std::string(kTableChanges), arguments, Scan, Bind, Start);
      function.named_parameters[kFrom] = LogicalType::ANY;
      function.named_parameters[kTo] = LogicalType::ANY;
      function.function_info = info;
      overloads.AddFunction(std::move(function));
      arguments.push_back(LogicalType::ANY);
    }
    duckdb::ClientContext& context = *connection.context;
    context.RunFunctionInTransaction([&] {
      duckdb::CreateTableFunctionInfo function_info(std::move(overloads));
      function_info.internal = true;
      duckdb::Catalog::GetSystemCatalog(context).CreateTableFunction(context, function_info);
    });
  });
}

std::shared_ptr<const Table> ScannedChanges(const duckdb::LogicalGet& get) {
  return get.function.name == kTableChanges && get.bind_data
             ? get.bind_data->Cast<ChangesData>().table
             : nullptr;
}

}  // namespace varve
