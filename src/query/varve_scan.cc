#include "query/varve_scan.h"

#include <algorithm>
#include <duckdb/common/multi_file/multi_file_reader.hpp>
#include <duckdb/function/partition_stats.hpp>
#include <duckdb/parser/expression/constant_expression.hpp>
#include <duckdb/parser/tableref/table_function_ref.hpp>
#include <duckdb/planner/filter/conjunction_filter.hpp>
#include <duckdb/planner/filter/optional_filter.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <duckdb/storage/statistics/base_statistics.hpp>
#include <duckdb/storage/statistics/numeric_stats.hpp>
#include <optional>

#include "query/duckdb_types.h"
#include "query/memtable_reader.h"
#include "query/scan_units.h"
#include "query/time_filter.h"

namespace varve {
namespace {

using duckdb::idx_t;

class DeletionFilter final : public duckdb::DeleteFilter {
 public:
  explicit DeletionFilter(std::shared_ptr<const DeletionVector> vector)
      : vector_(std::move(vector)) {}

  idx_t Filter(duckdb::row_t first, idx_t count, duckdb::SelectionVector& selection) override {
    const std::vector<uint32_t> rest =
        vector_->Remaining(static_cast<uint64_t>(first), static_cast<uint32_t>(count));
    selection.Initialize(STANDARD_VECTOR_SIZE);
    std::ranges::copy(rest, selection.data());
    return rest.size();
  }

 private:
  const std::shared_ptr<const DeletionVector> vector_;
};

// Whether DuckDB can translate the filter to another type, or evaluate it after the cast. Where it
// cannot it throws.
bool SurvivesCast(const duckdb::TableFilter& filter) {
  switch (filter.filter_type) {
    case duckdb::TableFilterType::BLOOM_FILTER:
      return false;
    case duckdb::TableFilterType::OPTIONAL_FILTER: {
      const auto& child = filter.Cast<duckdb::OptionalFilter>().child_filter;
      return child && SurvivesCast(*child);
    }
    case duckdb::TableFilterType::CONJUNCTION_AND: {
      const auto& children = filter.Cast<duckdb::ConjunctionAndFilter>().child_filters;
      return std::ranges::all_of(children, [](const auto& child) { return SurvivesCast(*child); });
    }
    case duckdb::TableFilterType::CONJUNCTION_OR: {
      const auto& children = filter.Cast<duckdb::ConjunctionOrFilter>().child_filters;
      return std::ranges::all_of(children, [](const auto& child) { return SurvivesCast(*child); });
    }
    default:
      return true;
  }
}

class ScanReader final : public duckdb::MultiFileReader {
 public:
  explicit ScanReader(duckdb::shared_ptr<TableSource> source) : source_(std::move(source)) {}

  static duckdb::unique_ptr<duckdb::MultiFileReader> Make(const duckdb::TableFunction& function) {
    return duckdb::make_uniq<ScanReader>(
        duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, TableSource>(function.function_info));
  }

  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override {
    return duckdb::make_uniq<ScanReader>(source_);
  }

  duckdb::shared_ptr<duckdb::MultiFileList> CreateFileList(duckdb::ClientContext&,
                                                           const duckdb::vector<std::string>&,
                                                           const duckdb::FileGlobInput&) override {
    return duckdb::make_shared_ptr<ScanUnitList>(source_);
  }

  bool Bind(duckdb::MultiFileOptions&, duckdb::MultiFileList&,
            duckdb::vector<duckdb::LogicalType>& types, duckdb::vector<std::string>& names,
            duckdb::MultiFileReaderBindData& bind_data) override {
    for (size_t i = 0; i < source_->column_names.size(); ++i) {
      names.push_back(source_->column_names[i]);
      types.push_back(source_->column_types[i]);
      duckdb::MultiFileColumnDefinition column(names.back(), types.back());
      column.identifier =
          duckdb::Value::INTEGER(static_cast<int32_t>(source_->schema().columns()[i].id));
      column.default_expression =
          duckdb::make_uniq<duckdb::ConstantExpression>(duckdb::Value(types.back()));
      bind_data.schema.push_back(std::move(column));
    }
    bind_data.mapping = duckdb::MultiFileColumnMappingMode::BY_FIELD_ID;
    return true;
  }

  void BindOptions(duckdb::MultiFileOptions&, duckdb::MultiFileList&,
                   duckdb::vector<duckdb::LogicalType>&, duckdb::vector<std::string>&,
                   duckdb::MultiFileReaderBindData&) override {}

  duckdb::unique_ptr<duckdb::MultiFileList> ComplexFilterPushdown(
      duckdb::ClientContext&, duckdb::MultiFileList& files, const duckdb::MultiFileOptions&,
      duckdb::MultiFilePushdownInfo& info,
      duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) override {
    const auto found = std::ranges::find(info.column_ids, source_->time_index());
    if (found == info.column_ids.end()) {
      return nullptr;
    }
    const TimeColumn column{info.table_index, static_cast<idx_t>(found - info.column_ids.begin())};
    TimeRange range;
    for (const auto& filter : filters) {
      range = Intersect(range, TimeRangeOf(*filter, column));
    }
    return files.Cast<ScanUnitList>().Narrow(range);
  }

  duckdb::unique_ptr<duckdb::MultiFileList> DynamicFilterPushdown(
      duckdb::ClientContext&, const duckdb::MultiFileList& files, const duckdb::MultiFileOptions&,
      const duckdb::vector<std::string>&, const duckdb::vector<duckdb::LogicalType>&,
      const duckdb::vector<duckdb::column_t>& column_ids,
      duckdb::TableFilterSet& filters) override {
    TimeRange range;
    for (const auto& [index, filter] : filters.filters) {
      if (index < column_ids.size() && column_ids[index] == source_->time_index()) {
        range = Intersect(range, TimeRangeOf(*filter));
      }
    }
    return files.Cast<ScanUnitList>().Narrow(range);
  }

  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(
      duckdb::ClientContext& context, duckdb::GlobalTableFunctionState& state,
      const duckdb::OpenFileInfo& file, idx_t index,
      const duckdb::MultiFileBindData& bind_data) override {
    if (const std::optional<MemoryUnit> unit = MemoryUnitOf(file)) {
      return duckdb::make_shared_ptr<MemtableReader>(file, source_, *unit);
    }
    return MultiFileReader::CreateReader(context, state, file, index, bind_data);
  }

  duckdb::ReaderInitializeType InitializeReader(
      duckdb::MultiFileReaderData& reader_data, const duckdb::MultiFileBindData& bind_data,
      const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
      const duckdb::vector<duckdb::ColumnIndex>& column_ids,
      duckdb::optional_ptr<duckdb::TableFilterSet> filters, duckdb::ClientContext& context,
      duckdb::MultiFileGlobalState& state) override {
    const auto& units = state.file_list.Cast<ScanUnitList>().units();
    const ScanUnit& unit = units[reader_data.reader->file_list_idx.GetIndex()];
    if (unit.file == nullptr) {
      return MultiFileReader::InitializeReader(reader_data, bind_data, columns, column_ids, filters,
                                               context, state);
    }
    if (unit.file->deletion_vector) {
      reader_data.reader->deletion_filter =
          duckdb::make_uniq<DeletionFilter>(source_->Deletions(*unit.file->deletion_vector));
    }
    const auto kept = WithoutUncastable(column_ids, filters);
    return MultiFileReader::InitializeReader(reader_data, bind_data, columns, column_ids,
                                             kept ? kept.get() : filters.get(), context, state);
  }

 private:
  // The filters less those that DuckDB cannot apply to a file that keeps the column as a wider
  // type; such filters come from joins and only save work. nullptr: all can stay.
  duckdb::unique_ptr<duckdb::TableFilterSet> WithoutUncastable(
      const duckdb::vector<duckdb::ColumnIndex>& column_ids,
      duckdb::optional_ptr<duckdb::TableFilterSet> filters) const {
    if (!filters) {
      return nullptr;
    }
    const auto must_go = [&](idx_t index, const duckdb::TableFilter& filter) {
      const idx_t column = column_ids[index].GetPrimaryIndex();
      return column < source_->schema().columns().size() &&
             IsWidenedInFiles(source_->schema().columns()[column].type) &&
             filter.filter_type == duckdb::TableFilterType::OPTIONAL_FILTER &&
             !SurvivesCast(filter);
    };
    duckdb::unique_ptr<duckdb::TableFilterSet> kept;
    for (const auto& [index, filter] : filters->filters) {
      if (must_go(index, *filter)) {
        kept = kept ? std::move(kept) : filters->Copy();
        kept->filters.erase(index);
      }
    }
    return kept;
  }

  const duckdb::shared_ptr<TableSource> source_;
};

const ScanUnitList& Units(const duckdb::FunctionData& bind_data) {
  return bind_data.Cast<duckdb::MultiFileBindData>().file_list->Cast<ScanUnitList>();
}

duckdb::unique_ptr<duckdb::BaseStatistics> TimeStatistics(TimestampUs min, TimestampUs max) {
  auto statistics = duckdb::NumericStats::CreateUnknown(duckdb::LogicalType::TIMESTAMP);
  duckdb::NumericStats::SetMin(statistics,
                               duckdb::Value::TIMESTAMP(duckdb::timestamp_t(min.value())));
  duckdb::NumericStats::SetMax(statistics,
                               duckdb::Value::TIMESTAMP(duckdb::timestamp_t(max.value())));
  statistics.SetHasNoNull();
  return statistics.ToUnique();
}

// A unit's time bounds, for counting and for min and max without reading.
class UnitStatistics final : public duckdb::PartitionRowGroup {
 public:
  UnitStatistics(const ScanUnit& unit, idx_t time_index)
      : min_(unit.time_min),
        max_(unit.time_max),
        exact_(unit.file == nullptr || !unit.file->deletion_vector),
        time_index_(time_index) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetColumnStatistics(
      const duckdb::StorageIndex& column) override {
    if (column.GetPrimaryIndex() != time_index_) {
      return nullptr;
    }
    return TimeStatistics(min_, max_);
  }

  bool MinMaxIsExact(const duckdb::BaseStatistics&, const duckdb::StorageIndex&) override {
    return exact_;
  }

 private:
  const TimestampUs min_;
  const TimestampUs max_;
  const bool exact_;
  const idx_t time_index_;
};

duckdb::vector<duckdb::PartitionStatistics> PartitionStats(duckdb::ClientContext&,
                                                           duckdb::GetPartitionStatsInput& input) {
  const ScanUnitList& list = Units(*input.bind_data);
  duckdb::vector<duckdb::PartitionStatistics> all;
  for (const ScanUnit& unit : list.units()) {
    duckdb::PartitionStatistics statistics;
    statistics.count = unit.rows;
    statistics.count_type = duckdb::CountType::COUNT_EXACT;
    statistics.partition_row_group =
        duckdb::make_shared_ptr<UnitStatistics>(unit, list.source().time_index());
    all.push_back(std::move(statistics));
  }
  return all;
}

duckdb::unique_ptr<duckdb::BaseStatistics> Statistics(duckdb::ClientContext&,
                                                      const duckdb::FunctionData* bind_data,
                                                      duckdb::column_t column) {
  const TableSource& source = Units(*bind_data).source();
  return column < source.column_types.size() ? ColumnStatistics(source, column) : nullptr;
}

duckdb::virtual_column_map_t VirtualColumns(duckdb::ClientContext&,
                                            duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  auto columns = ScanVirtualColumns();
  bind_data->Cast<duckdb::MultiFileBindData>().virtual_columns = columns;
  return columns;
}

duckdb::BindInfo DescribeBind(const duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  return duckdb::BindInfo(*Units(*bind_data).source().entry);
}

duckdb::InsertionOrderPreservingMap<std::string> DescribePlan(
    duckdb::TableFunctionToStringInput& input) {
  const ScanUnitList& list = Units(*input.bind_data);
  const auto files = std::ranges::count_if(
      list.units(), [](const ScanUnit& unit) { return unit.file != nullptr; });
  const auto rows_in_memory = [&] {
    uint64_t rows = 0;
    for (const ScanUnit& unit : list.units()) {
      rows += unit.file == nullptr ? unit.rows : 0;
    }
    return rows;
  }();
  duckdb::InsertionOrderPreservingMap<std::string> text;
  text["Table"] = list.source().name;
  text["Files"] = fmt::format("{} of {}", files, list.source().view.version->files.size());
  text["Rows in memory"] = std::to_string(rows_in_memory);
  return text;
}

duckdb::InsertionOrderPreservingMap<std::string> DescribeRun(
    duckdb::TableFunctionDynamicToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> text;
  if (input.global_state) {
    const auto& state = input.global_state->Cast<duckdb::MultiFileGlobalState>();
    text["Pieces scanned"] = fmt::format("{} of {}", state.file_index.load(),
                                         state.file_list.Cast<ScanUnitList>().units().size());
  }
  return text;
}

}  // namespace

duckdb::virtual_column_map_t ScanVirtualColumns() {
  duckdb::virtual_column_map_t columns;
  columns.insert(
      {duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN)});
  return columns;
}

duckdb::unique_ptr<duckdb::BaseStatistics> ColumnStatistics(const TableSource& source,
                                                            idx_t column) {
  if (column == source.time_index()) {
    std::optional<TimeRange> bounds;  // the end inclusive here
    const auto add = [&](TimestampUs min, TimestampUs max) {
      bounds = bounds ? TimeRange{std::min(bounds->start, min), std::max(bounds->end, max)}
                      : TimeRange{min, max};
    };
    for (const auto& [id, file] : source.view.version->files) {
      add(file.time_min, file.time_max);
    }
    for (const auto& memtable : source.view.memtables) {
      add(memtable.rows->time_min(), memtable.rows->time_max());
    }
    return bounds ? TimeStatistics(bounds->start, bounds->end) : nullptr;
  }
  if (source.schema().columns()[column].nullable) {
    return nullptr;
  }
  auto statistics = duckdb::BaseStatistics::CreateUnknown(source.column_types[column]);
  statistics.SetHasNoNull();
  return statistics.ToUnique();
}

duckdb::TableFunction MakeScan(duckdb::ClientContext& context,
                               duckdb::shared_ptr<TableSource> source,
                               duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  duckdb::TableFunction scan = source->resources.parquet_scan;
  scan.name = "varve_scan";
  scan.get_multi_file_reader = ScanReader::Make;
  scan.statistics = Statistics;
  scan.get_partition_stats = PartitionStats;
  scan.get_virtual_columns = VirtualColumns;
  scan.get_row_id_columns = nullptr;
  scan.get_bind_info = DescribeBind;
  scan.to_string = DescribePlan;
  scan.dynamic_to_string = DescribeRun;
  scan.serialize = nullptr;
  scan.deserialize = nullptr;
  scan.verify_serialization = false;
  // It would read a row twice by its place in a file, which rows in memory do not have.
  scan.late_materialization = false;
  scan.function_info = std::move(source);

  duckdb::vector<duckdb::Value> inputs{duckdb::Value("")};
  duckdb::named_parameter_map_t parameters;
  duckdb::vector<duckdb::LogicalType> input_types;
  duckdb::vector<std::string> input_names;
  duckdb::TableFunctionRef reference;
  duckdb::TableFunctionBindInput input(inputs, parameters, input_types, input_names,
                                       scan.function_info.get(), nullptr, scan, reference);
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::vector<std::string> names;
  bind_data = scan.bind(context, input, types, names);
  return scan;
}

}  // namespace varve
