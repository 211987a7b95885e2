#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <duckdb/planner/filter/conjunction_filter.hpp>
#include <numeric>
#include <unordered_map>

#include "query/direct_aggregate.h"
#include "query/direct_values.h"
#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"
#include "query/piece_reader.h"
#include "query/query_result.h"
#include "query/scan_state.h"
#include "query/time_filter.h"
#include "query/time_period.h"

namespace varve {
namespace {

using duckdb::idx_t;

constexpr uint32_t kNullTag = 0;  // the code of NULL

// The values of a tag, numbered as they are met.
class TagCodes {
 public:
  uint32_t CodeOf(std::string_view value) {
    const auto known = codes_.find(value);
    if (known != codes_.end()) {
      return known->second;
    }
    const std::string& kept = *values_.emplace_back(std::make_unique<std::string>(value));
    return codes_[kept] = static_cast<uint32_t>(values_.size());
  }
  std::string_view ValueOf(uint32_t code) const { return *values_[code - 1]; }

 private:
  std::unordered_map<std::string_view, uint32_t> codes_;
  std::vector<std::unique_ptr<std::string>> values_;  // of code i + 1
};

// Which group each row of a chunk belongs to, and the keys of the groups.
class Groups {
 public:
  explicit Groups(const DirectAggregate& query) : query_(query), tags_(query.keys.size()) {
    if (!query.grouped) {
      count_ = 1;
    }
  }

  size_t size() const { return count_; }

  // `columns` are the chunk's columns of the keys.
  std::span<const GroupRun> RunsOf(duckdb::DataChunk& chunk, std::span<const size_t> columns) {
    runs_.clear();
    const idx_t rows = chunk.size();
    if (!query_.grouped) {
      runs_.push_back({0, rows, 0});
      return runs_;
    }
    codes_.resize(columns.size() * rows);
    for (size_t key = 0; key < columns.size(); ++key) {
      ReadCodes(key, chunk.data[columns[key]], rows);
    }
    for (idx_t row = 0; row < rows; ++row) {
      const std::span<const int64_t> keys(codes_.data() + row * columns.size(), columns.size());
      if (!runs_.empty() && std::ranges::equal(keys, KeysOf(runs_.back().group))) {
        runs_.back().end = row + 1;
      } else {
        runs_.push_back({row, row + 1, GroupOf(keys)});
      }
    }
    return runs_;
  }

  int Compare(size_t key, uint32_t a, uint32_t b) const {
    const int64_t code_a = KeysOf(a)[key];
    const int64_t code_b = KeysOf(b)[key];
    return IsTag(key) ? CompareValues(TagOf(key, code_a), TagOf(key, code_b))
                      : CompareValues(code_a, code_b);
  }

  bool IsNull(size_t key, uint32_t group) const {
    return IsTag(key) && KeysOf(group)[key] == kNullTag;
  }

  std::shared_ptr<arrow::Array> Results(size_t key, std::span<const uint32_t> groups) const {
    if (!IsTag(key)) {
      return BuildArray<int64_t>(duckdb::LogicalType::TIMESTAMP, groups,
                                 [&](uint32_t group) { return std::optional(KeysOf(group)[key]); });
    }
    arrow::StringBuilder builder;
    for (const uint32_t group : groups) {
      VARVE_CHECK((IsNull(key, group) ? builder.AppendNull()
                                      : builder.Append(TagOf(key, KeysOf(group)[key])))
                      .ok());
    }
    std::shared_ptr<arrow::Array> array;
    VARVE_CHECK(builder.Finish(&array).ok());
    return array;
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view bytes) const { return std::hash<std::string_view>()(bytes); }
  };

  bool IsTag(size_t key) const {
    return query_.keys[key].column != query_.schema->timestamp_index();
  }
  std::string_view TagOf(size_t key, int64_t code) const {
    return code == kNullTag ? std::string_view() : tags_[key].ValueOf(static_cast<uint32_t>(code));
  }
  std::span<const int64_t> KeysOf(uint32_t group) const {
    return {keys_.data() + size_t{group} * query_.keys.size(), query_.keys.size()};
  }

  void ReadCodes(size_t key, duckdb::Vector& vector, idx_t rows) {
    duckdb::UnifiedVectorFormat format;
    vector.ToUnifiedFormat(rows, format);
    if (IsTag(key)) {
      ReadTags(key, format, rows);
    } else {
      ReadTimes(key, format, rows);
    }
  }

  void ReadTimes(size_t key, const duckdb::UnifiedVectorFormat& format, idx_t rows) {
    const size_t stride = query_.keys.size();
    const auto* const times = duckdb::UnifiedVectorFormat::GetData<int64_t>(format);
    const auto interval = query_.keys[key].interval.value_or(DirectAggregate::Interval());
    int64_t start = 0;  // of the interval of the row before
    int64_t end = 0;
    for (idx_t row = 0; row < rows; ++row) {
      const int64_t time = times[format.sel->get_index(row)];
      if (time < start || time >= end) {
        start = FloorTo(time - interval.origin_us, interval.width_us) + interval.origin_us;
        end = start + interval.width_us;
      }
      codes_[row * stride + key] = start;
    }
  }

  void ReadTags(size_t key, const duckdb::UnifiedVectorFormat& format, idx_t rows) {
    const size_t stride = query_.keys.size();
    const auto* const values = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
    std::optional<idx_t> last;  // place and code of the row before
    int64_t code = kNullTag;
    for (idx_t row = 0; row < rows; ++row) {
      const idx_t place = format.sel->get_index(row);
      if (place != last) {
        last = place;
        code = format.validity.RowIsValid(place)
                   ? tags_[key].CodeOf({values[place].GetData(), values[place].GetSize()})
                   : kNullTag;
      }
      codes_[row * stride + key] = code;
    }
  }

  uint32_t GroupOf(std::span<const int64_t> keys) {
    const std::string_view bytes(reinterpret_cast<const char*>(keys.data()), keys.size_bytes());
    if (const auto known = groups_.find(bytes); known != groups_.end()) {
      return known->second;
    }
    keys_.insert(keys_.end(), keys.begin(), keys.end());
    const auto group = static_cast<uint32_t>(count_++);
    groups_.emplace(std::string(bytes), group);
    return group;
  }

  const DirectAggregate& query_;
  std::vector<TagCodes> tags_;  // by key
  std::vector<int64_t>
      codes_;                  // of the chunk, row by row: the start of an interval or a tag's code
  std::vector<int64_t> keys_;  // of the groups, likewise
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> groups_;
  size_t count_ = 0;
  std::vector<GroupRun> runs_;
};

// The columns that the query reads, and where.
struct ScannedColumns {
  duckdb::vector<duckdb::column_t> columns;
  duckdb::TableFilterSet filters;
  std::vector<size_t> of_keys;        // by key: index in columns
  std::vector<size_t> of_aggregates;  // by aggregate; of rows: 0

  size_t Add(size_t column) {
    const auto found = std::ranges::find(columns, column);
    const auto index = static_cast<size_t>(found - columns.begin());
    if (found == columns.end()) {
      columns.push_back(column);
    }
    return index;
  }
};

ScannedColumns ColumnsOf(const DirectAggregate& query) {
  ScannedColumns scanned;
  for (const DirectAggregate::Key& key : query.keys) {
    scanned.of_keys.push_back(scanned.Add(key.column));
  }
  for (const DirectAggregate::Aggregate& aggregate : query.aggregates) {
    scanned.of_aggregates.push_back(aggregate.column ? scanned.Add(*aggregate.column) : 0);
  }
  for (const auto& [column, filters] : query.filters) {
    auto all = duckdb::make_uniq<duckdb::ConjunctionAndFilter>();
    for (const auto& filter : filters) {
      all->child_filters.push_back(filter->Copy());
    }
    scanned.filters.filters[scanned.Add(column)] = std::move(all);
  }
  if (scanned.columns.empty()) {
    scanned.Add(query.schema->timestamp_index());  // something must say how many rows there are
  }
  return scanned;
}

// What is read: a scan of the table as it is now.
struct Reading {
  Reading(const DirectAggregate& query, ScannedColumns columns)
      : source(*query.table, NameMapping(),
               query.version == nullptr ? OrThrow(query.table->View())
                                        : query.table->ViewAt(query.version),
               RowPlaces::kHidden),
        scanned(std::move(columns)),
        units(AllScanUnits(source)) {}

  const TableSource source;
  ScannedColumns scanned;
  const std::vector<ScanUnit> units;
  std::optional<ScanState> scan;
};

// nullptr when it is too much, or the table has changed.
std::unique_ptr<Reading> Open(duckdb::ClientContext& context, const DirectAggregate& query) {
  auto reading = std::make_unique<Reading>(query, ColumnsOf(query));
  if (reading->source.view.schema != query.schema) {
    return nullptr;
  }
  ScannedColumns& scanned = reading->scanned;
  const ScanFilters filters(reading->source, scanned.columns, &scanned.filters);
  // What filters on series leave is known when files have been opened.
  if (!filters.has_series_filters() &&
      CountRows(NarrowUnits(reading->units, filters.CurrentTimeRange())) > kDirectRowsMax) {
    return nullptr;
  }
  reading->scan.emplace(context, reading->source, reading->units, scanned.columns,
                        &scanned.filters);
  return reading->scan->rows_total() > kDirectRowsMax ? nullptr : std::move(reading);
}

class Runner {
 public:
  Runner(duckdb::ClientContext& context, const DirectAggregate& query)
      : context_(context), query_(query), groups_(query) {
    for (const DirectAggregate::Aggregate& aggregate : query.aggregates) {
      const auto type = aggregate.column
                            ? DuckDbType(query.schema->columns()[*aggregate.column].type)
                            : duckdb::LogicalType::BIGINT;
      accumulators_.push_back(Accumulator::Make(aggregate.kind, type));
      accumulators_.back()->Resize(groups_.size());
    }
  }

  void Read(Reading& reading) {
    const TableSource& source = reading.source;
    const ScannedColumns& scanned = reading.scanned;
    ScanState& scan = *reading.scan;
    PieceReader reader(context_, source, scan.columns(), scan.filters(),
                       PieceReader::Counting::kOff);
    duckdb::vector<duckdb::LogicalType> types;
    for (const duckdb::column_t column : scanned.columns) {
      types.push_back(source.column_types[column]);
    }
    duckdb::DataChunk chunk;
    chunk.Initialize(context_, types);
    while (auto task = scan.NextTask(context_)) {
      reader.Start(std::move(task->plan), std::move(task->ranges));
      for (chunk.Reset(); reader.Next(chunk); chunk.Reset()) {
        Take(chunk, scanned);
      }
    }
  }

  std::unique_ptr<ResultStream> Result() const {
    std::vector<uint32_t> order(groups_.size());
    std::iota(order.begin(), order.end(), 0U);
    if (!query_.order.empty()) {
      std::ranges::sort(order, [this](uint32_t a, uint32_t b) { return StandsBefore(a, b); });
    }
    const uint64_t begin = std::min<uint64_t>(query_.offset, order.size());
    const uint64_t count = std::min<uint64_t>(query_.limit, order.size() - begin);
    const auto shown = std::span<const uint32_t>(order).subspan(begin, count);
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (size_t i = 0; i < query_.outputs.size(); ++i) {
      const DirectAggregate::Output& output = query_.outputs[i];
      columns.push_back(output.of == DirectAggregate::Output::Of::kKey
                            ? groups_.Results(output.index, shown)
                            : accumulators_[output.index]->Results(shown));
      fields.push_back(arrow::field(query_.names[i], columns.back()->type()));
    }
    return StreamOf(arrow::RecordBatch::Make(
        arrow::schema(std::move(fields)), static_cast<int64_t>(shown.size()), std::move(columns)));
  }

 private:
  void Take(duckdb::DataChunk& chunk, const ScannedColumns& scanned) {
    const auto runs = groups_.RunsOf(chunk, scanned.of_keys);
    for (size_t i = 0; i < accumulators_.size(); ++i) {
      accumulators_[i]->Resize(groups_.size());
      if (query_.aggregates[i].column) {
        accumulators_[i]->Add(chunk.data[scanned.of_aggregates[i]], chunk.size(), runs);
      } else {
        duckdb::Vector rows(duckdb::Value::BIGINT(0));
        accumulators_[i]->Add(rows, chunk.size(), runs);
      }
    }
  }

  bool StandsBefore(uint32_t a, uint32_t b) const {
    for (const DirectAggregate::Order& order : query_.order) {
      const bool of_key = order.by.of == DirectAggregate::Output::Of::kKey;
      const auto is_null = [&](uint32_t group) {
        return of_key ? groups_.IsNull(order.by.index, group)
                      : accumulators_[order.by.index]->IsNull(group);
      };
      if (is_null(a) || is_null(b)) {
        if (is_null(a) != is_null(b)) {
          return is_null(b);
        }
        continue;
      }
      const int compared = of_key ? groups_.Compare(order.by.index, a, b)
                                  : accumulators_[order.by.index]->Compare(a, b);
      if (compared != 0) {
        return order.descending ? compared > 0 : compared < 0;
      }
    }
    return false;
  }

  duckdb::ClientContext& context_;
  const DirectAggregate& query_;
  Groups groups_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
};

}  // namespace

bool IsDirect(duckdb::ClientContext& context, const DirectAggregate& query) {
  return Open(context, query) != nullptr;
}

std::unique_ptr<ResultStream> RunDirectAggregate(duckdb::ClientContext& context,
                                                 const DirectAggregate& query) {
  const auto reading = Open(context, query);
  if (reading == nullptr) {
    return nullptr;
  }
  Runner runner(context, query);
  runner.Read(*reading);
  return runner.Result();
}

}  // namespace varve
