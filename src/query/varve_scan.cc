#include "query/varve_scan.h"

#include <algorithm>
#include <duckdb/execution/partition_info.hpp>
#include <duckdb/main/query_profiler.hpp>
#include <duckdb/storage/statistics/node_statistics.hpp>

#include "query/piece_reader.h"
#include "query/scan_state.h"
#include "query/scan_statistics.h"
#include "query/scan_units.h"
#include "query/time_filter.h"

namespace varve {
namespace {

using duckdb::idx_t;

constexpr const char* kScanName = "varve_scan";

// What is planned to be read.
struct ScanData final : public duckdb::TableFunctionData {
  ScanData(duckdb::shared_ptr<TableSource> source, std::vector<ScanUnit> units)
      : source(std::move(source)), units(std::move(units)) {}

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    auto copy = duckdb::make_uniq<ScanData>(source, units);
    copy->left_out = left_out;
    return copy;
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& data = other.Cast<ScanData>();
    return data.source == source && data.units.size() == units.size();
  }
  bool SupportStatementCache() const override { return false; }

  const duckdb::shared_ptr<TableSource> source;
  std::vector<ScanUnit> units;
  bool left_out = false;  // there is nothing in it, by the partition's key
};

duckdb::LogicalType TypeOf(const TableSource& source, duckdb::column_t column) {
  if (column < source.column_types.size()) {
    return source.column_types[column];
  }
  return column == kRowPlaceColumn ? duckdb::LogicalType::UBIGINT : duckdb::LogicalType::BOOLEAN;
}

struct LocalState final : public duckdb::LocalTableFunctionState {
  LocalState(duckdb::ClientContext& context, const ScanData& data, ScanState& scan)
      : scan(scan),
        reader(context, *data.source, scan.columns(), scan.filters(),
               duckdb::QueryProfiler::Get(context).IsEnabled() ? PieceReader::Counting::kOn
                                                               : PieceReader::Counting::kOff) {}
  ~LocalState() override { scan.Count(reader.TakeCounts()); }

  ScanState& scan;
  PieceReader reader;
  bool reading = false;  // a task
  idx_t task = 0;
  duckdb::DataChunk scanned;  // when the output has fewer columns
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitGlobal(
    duckdb::ClientContext& context, duckdb::TableFunctionInitInput& input) {
  const auto& data = input.bind_data->Cast<ScanData>();
  auto state = duckdb::make_uniq<ScanState>(context, *data.source, data.units, input.column_ids,
                                            input.filters);
  if (input.CanRemoveFilterColumns()) {
    state->projection = input.projection_ids;
  }
  return state;
}

duckdb::unique_ptr<duckdb::LocalTableFunctionState> InitLocal(
    duckdb::ExecutionContext& context, duckdb::TableFunctionInitInput& input,
    duckdb::GlobalTableFunctionState* global) {
  const auto& data = input.bind_data->Cast<ScanData>();
  auto& scan = global->Cast<ScanState>();
  auto state = duckdb::make_uniq<LocalState>(context.client, data, scan);
  if (!scan.projection.empty()) {
    duckdb::vector<duckdb::LogicalType> types;
    for (const duckdb::column_t column : scan.columns()) {
      types.push_back(TypeOf(*data.source, column));
    }
    state->scanned.Initialize(context.client, types);
  }
  return state;
}

bool ReadChunk(duckdb::ClientContext& context, LocalState& local, duckdb::DataChunk& chunk) {
  while (true) {
    if (local.reading && local.reader.Next(chunk)) {
      return true;
    }
    local.scan.Count(local.reader.TakeCounts());
    auto task = local.scan.NextTask(context);
    local.reading = task.has_value();
    if (!task) {
      return false;
    }
    local.task = task->number;
    local.reader.Start(std::move(task->plan), std::move(task->ranges));
  }
}

void Scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input,
          duckdb::DataChunk& output) {
  auto& local = input.local_state->Cast<LocalState>();
  bool more = false;
  if (local.scan.projection.empty()) {
    more = ReadChunk(context, local, output);
  } else {
    local.scanned.Reset();
    more = ReadChunk(context, local, local.scanned);
    if (more) {
      output.ReferenceColumns(local.scanned, local.scan.projection);
    }
  }
  input.async_result =
      more ? duckdb::SourceResultType::HAVE_MORE_OUTPUT : duckdb::SourceResultType::FINISHED;
}

void PushdownComplexFilter(duckdb::ClientContext&, duckdb::LogicalGet& get,
                           duckdb::FunctionData* bind_data,
                           duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) {
  auto& data = bind_data->Cast<ScanData>();
  const TableSource& source = *data.source;
  if (source.partition && !MayHoldRows(*source.partition, source.schema(), get, filters)) {
    data.left_out = true;
    data.units.clear();
    return;
  }
  const auto& columns = get.GetColumnIds();
  const auto found =
      std::ranges::find(columns, data.source->time_index(), &duckdb::ColumnIndex::GetPrimaryIndex);
  if (found == columns.end()) {
    return;
  }
  const TimeColumn column{get.table_index, static_cast<idx_t>(found - columns.begin())};
  TimeRange range;
  for (const auto& filter : filters) {
    range = Intersect(range, TimeRangeOf(*filter, column));
  }
  data.units = NarrowUnits(data.units, range);
}

// Filters on tags are evaluated once per series, which makes any expression cheap.
bool PushdownExpression(duckdb::ClientContext&, const duckdb::LogicalGet&, duckdb::Expression&) {
  return true;
}

duckdb::unique_ptr<duckdb::NodeStatistics> Cardinality(duckdb::ClientContext&,
                                                       const duckdb::FunctionData* bind_data) {
  const uint64_t rows = CountRows(bind_data->Cast<ScanData>().units);
  return duckdb::make_uniq<duckdb::NodeStatistics>(rows, rows);
}

duckdb::vector<duckdb::PartitionStatistics> PartitionStats(duckdb::ClientContext&,
                                                           duckdb::GetPartitionStatsInput& input) {
  const auto& data = input.bind_data->Cast<ScanData>();
  return UnitsStatistics(*data.source, data.units);
}

duckdb::unique_ptr<duckdb::BaseStatistics> Statistics(duckdb::ClientContext&,
                                                      const duckdb::FunctionData* bind_data,
                                                      duckdb::column_t column) {
  const TableSource& source = *bind_data->Cast<ScanData>().source;
  return column < source.column_types.size() ? ColumnStatistics(source, column) : nullptr;
}

duckdb::OperatorPartitionData PartitionData(duckdb::ClientContext&,
                                            duckdb::TableFunctionGetPartitionInput& input) {
  if (input.partition_info.RequiresPartitionColumns()) {
    throw duckdb::InternalException("the scan of a Varve table has no partition columns");
  }
  return duckdb::OperatorPartitionData(input.local_state->Cast<LocalState>().task);
}

double Progress(duckdb::ClientContext&, const duckdb::FunctionData*,
                const duckdb::GlobalTableFunctionState* global) {
  return global->Cast<ScanState>().progress_percent();
}

duckdb::virtual_column_map_t VirtualColumns(duckdb::ClientContext&,
                                            duckdb::optional_ptr<duckdb::FunctionData> data) {
  return ScanVirtualColumns(*data->Cast<ScanData>().source);
}

duckdb::BindInfo DescribeBind(const duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  return duckdb::BindInfo(*bind_data->Cast<ScanData>().source->entry);
}

duckdb::InsertionOrderPreservingMap<std::string> DescribePlan(
    duckdb::TableFunctionToStringInput& input) {
  const auto& data = input.bind_data->Cast<ScanData>();
  uint64_t files = 0;
  uint64_t rows_in_memory = 0;
  for (const ScanUnit& unit : data.units) {
    files += unit.file == nullptr ? 0 : 1;
    rows_in_memory += unit.file == nullptr ? unit.rows : 0;
  }
  duckdb::InsertionOrderPreservingMap<std::string> text;
  text["Table"] = data.source->name;
  text["Files"] = fmt::format("{} of {}", files, data.source->view.version->files.size());
  text["Rows in memory"] = std::to_string(rows_in_memory);
  if (data.source->only_rows) {
    text["Only"] = "the last rows of series";
  }
  if (data.source->order == TableSource::Order::kNewestFirst) {
    text["Order"] = "the newest first";
  }
  return text;
}

duckdb::InsertionOrderPreservingMap<std::string> DescribeRun(
    duckdb::TableFunctionDynamicToStringInput& input) {
  return input.global_state ? input.global_state->Cast<ScanState>().Describe()
                            : duckdb::InsertionOrderPreservingMap<std::string>();
}

}  // namespace

duckdb::virtual_column_map_t ScanVirtualColumns(const TableSource& source) {
  duckdb::virtual_column_map_t columns;
  columns.insert(
      {duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN)});
  if (source.row_places == RowPlaces::kShown) {
    columns.insert(
        {kRowPlaceColumn, duckdb::TableColumn(kRowPlaceName, duckdb::LogicalType::UBIGINT)});
  }
  return columns;
}

duckdb::TableFunction MakeScan(duckdb::shared_ptr<TableSource> source,
                               duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  duckdb::TableFunction scan(kScanName, {}, Scan, nullptr, InitGlobal, InitLocal);
  scan.projection_pushdown = true;
  scan.filter_pushdown = true;
  scan.filter_prune = true;
  scan.pushdown_complex_filter = PushdownComplexFilter;
  scan.pushdown_expression = PushdownExpression;
  scan.cardinality = Cardinality;
  scan.statistics = Statistics;
  scan.get_partition_stats = PartitionStats;
  scan.get_partition_data = PartitionData;
  scan.table_scan_progress = Progress;
  scan.get_virtual_columns = VirtualColumns;
  scan.get_bind_info = DescribeBind;
  scan.to_string = DescribePlan;
  scan.dynamic_to_string = DescribeRun;
  scan.verify_serialization = false;
  auto units = AllScanUnits(*source);
  bind_data = duckdb::make_uniq<ScanData>(source, std::move(units));
  scan.function_info = std::move(source);
  return scan;
}

duckdb::shared_ptr<TableSource> ScannedTable(const duckdb::LogicalGet& get) {
  if (get.function.name != kScanName) {
    return nullptr;
  }
  return duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, TableSource>(
      get.function.function_info);
}

bool IsLeftOut(const duckdb::LogicalGet& get) {
  return get.function.name == kScanName && get.bind_data->Cast<ScanData>().left_out;
}

void ReplaceSource(duckdb::ClientContext&, duckdb::LogicalGet& get,
                   duckdb::shared_ptr<TableSource> source) {
  get.function = MakeScan(std::move(source), get.bind_data);
}

}  // namespace varve
