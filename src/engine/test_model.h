// A table of a model test: random rows go to the database and to a plain map, and must be the same
// in both. For tests only.
#pragma once

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/arrow_status.h"
#include "engine/database.h"
#include "sst/sst_reader.h"

namespace varve {

struct ModelRow {
  std::optional<std::string> host;  // a tag
  int64_t time_ms = 0;
  int64_t kind = 0;
  int64_t value = 0;
  std::optional<int64_t> extra;  // of a column that is added later

  std::string Text() const {
    return fmt::format("{}|{}|{}|{}|{}", host.value_or("-"), time_ms, kind, value,
                       extra ? fmt::to_string(*extra) : "-");
  }
};

// Rows as text, as ModelRow::Text; sorted.
using ModelRows = std::vector<std::string>;

inline std::string ModelText(const arrow::Array* array, int64_t row) {
  if (array == nullptr || array->IsNull(row)) {
    return "-";
  }
  switch (array->type_id()) {
    case arrow::Type::DICTIONARY: {
      const auto& codes = static_cast<const arrow::DictionaryArray&>(*array);
      return ModelText(codes.dictionary().get(), codes.GetValueIndex(row));
    }
    case arrow::Type::STRING:
      return std::string(static_cast<const arrow::StringArray&>(*array).GetView(row));
    case arrow::Type::TIMESTAMP:
      return fmt::to_string(static_cast<const arrow::TimestampArray&>(*array).Value(row) / 1000);
    default:
      return fmt::to_string(static_cast<const arrow::Int64Array&>(*array).Value(row));
  }
}

inline constexpr std::string_view kModelColumns[] = {"host", "t", "kind", "value", "extra"};

// Calls `visit(position, text)` for the rows of a file that the view shows.
inline Status VisitModelFile(ObjectStore& store, const ReadView& view, const FileMeta& file,
                             const std::function<void(uint64_t, std::string)>& visit) {
  VARVE_ASSIGN(const auto reader, SstReader::Open(store, file, *view.schema));
  VARVE_ASSIGN(const auto deleted, view.Deleted(file));
  uint64_t position = 0;
  while (true) {
    VARVE_ASSIGN(const auto batch, reader->Next());
    if (!batch) {
      return {};
    }
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      if (deleted && deleted->Contains(position)) {
        ++position;
        continue;
      }
      std::vector<std::string> cells;
      for (const auto name : kModelColumns) {
        const auto index = view.schema->FindIndex(name);
        cells.push_back(
            ModelText(index ? batch->column(static_cast<int>(*index)).get() : nullptr, row));
      }
      visit(position++, fmt::format("{}", fmt::join(cells, "|")));
    }
  }
}

inline Status ReadModelMemory(const ReadView& view, const MemoryRows& memory, ModelRows& out) {
  uint64_t position = 0;
  VARVE_ASSIGN(const auto hosts, memory.rows->TagValues(*view.schema->Find("host")));
  for (const auto& chunk : memory.rows->chunks()) {
    std::map<std::string_view, const arrow::Array*> fields;
    for (size_t i = 0; i < chunk->column_ids.size(); ++i) {
      fields[view.schema->FindById(chunk->column_ids[i])->name] =
          chunk->rows->column(static_cast<int>(i)).get();
    }
    for (size_t row = 0; row < chunk->series.size(); ++row) {
      if (memory.replaced && memory.replaced->Contains(position++)) {
        continue;
      }
      std::vector<std::string> cells = {ModelText(hosts.get(), chunk->series[row])};
      for (const auto name : std::span(kModelColumns).subspan(1)) {
        cells.push_back(ModelText(fields[name], static_cast<int64_t>(row)));
      }
      out.push_back(fmt::format("{}", fmt::join(cells, "|")));
    }
  }
  return {};
}

// All rows that the view shows.
inline Result<ModelRows> ReadModelRows(ObjectStore& store, const ReadView& view) {
  ModelRows out;
  for (const auto& [id, file] : view.version->files) {
    VARVE_TRY(VisitModelFile(store, view, file,
                             [&](uint64_t, std::string text) { out.push_back(std::move(text)); }));
  }
  for (const auto& memory : view.memtables) {
    VARVE_TRY(ReadModelMemory(view, memory, out));
  }
  std::ranges::sort(out);
  return out;
}

inline RowBatch ModelBatch(const TableSchema& schema, const std::vector<ModelRow>& rows) {
  RowBatch batch;
  std::map<std::optional<std::string>, uint32_t> series;
  arrow::TimestampBuilder times(ArrowType(ColumnType::kTimestamp), arrow::default_memory_pool());
  arrow::Int64Builder kinds;
  arrow::Int64Builder values;
  arrow::Int64Builder extras;
  for (const auto& row : rows) {
    const auto [found, is_new] = series.try_emplace(row.host, series.size());
    if (is_new) {
      std::string key;
      if (row.host) {
        AppendTag(key, schema.Find("host")->id, std::string_view(*row.host));
      }
      batch.series.Add(key, Tsid(key));
    }
    batch.row_series.push_back(found->second);
    EXPECT_TRUE(times.Append(row.time_ms * 1000).ok());
    EXPECT_TRUE(kinds.Append(row.kind).ok());
    EXPECT_TRUE(values.Append(row.value).ok());
    EXPECT_TRUE((row.extra ? extras.Append(*row.extra) : extras.AppendNull()).ok());
  }
  std::vector<std::shared_ptr<arrow::Array>> arrays = {
      times.Finish().ValueOrDie(), kinds.Finish().ValueOrDie(), values.Finish().ValueOrDie()};
  std::vector<std::string_view> names = {"t", "kind", "value"};
  if (schema.Find("extra") != nullptr) {
    arrays.push_back(extras.Finish().ValueOrDie());
    names.push_back("extra");
  }
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (size_t i = 0; i < names.size(); ++i) {
    batch.column_ids.push_back(schema.Find(names[i])->id);
    fields.push_back(arrow::field(std::string(names[i]), arrays[i]->type()));
  }
  batch.rows = arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                        static_cast<int64_t>(rows.size()), std::move(arrays));
  return batch;
}

enum class ModelKind : uint8_t { kDefaultKey, kExplicitKey, kAppend };

// One thread.
class ModelTable {
 public:
  explicit ModelTable(ModelKind kind) : kind_(kind) {}

  std::string name() const {
    constexpr const char* kNames[] = {"default_key", "explicit_key", "append"};
    return kNames[static_cast<size_t>(kind_)];
  }

  TableSpec Spec() const {
    TableSpec spec;
    spec.columns = {{.name = "host", .type = ColumnType::kString, .tag = true},
                    {.name = "t", .type = ColumnType::kTimestamp},
                    {.name = "kind", .type = ColumnType::kInt64},
                    {.name = "value", .type = ColumnType::kInt64}};
    spec.timestamp_key = "t";
    if (kind_ == ModelKind::kExplicitKey) {
      spec.primary_key = {"kind", "host", "t"};
    }
    return spec;
  }

  TableOptions Options() const {
    TableOptions options;
    options.enable_ttl = false;
    options.segment_duration = std::chrono::hours(2);
    options.update_mode =
        kind_ == ModelKind::kAppend ? UpdateMode::kAppend : UpdateMode::kOverwrite;
    return options;
  }

  // New, late and repeated rows.
  std::vector<ModelRow> RandomRows(std::mt19937_64& random) {
    const auto chance = [&](uint64_t percent) { return random() % 100 < percent; };
    // Most are small, a few have more rows than a data page.
    const uint64_t count = chance(1) ? 9'000 : (chance(10) ? 600 : 1 + random() % 40);
    const uint64_t late_percent = chance(30) ? 0 : random() % 50;
    std::vector<ModelRow> rows;
    while (rows.size() < count) {
      rows.push_back(!recent_.empty() && chance(late_percent)
                         ? recent_[random() % recent_.size()]
                         : NewRow(random, chance(late_percent)));
      rows.back().value = next_value_++;
      rows.back().extra = chance(50) ? std::optional<int64_t>(rows.back().value * 7) : std::nullopt;
      if (recent_.size() < kRecentMax) {
        recent_.push_back(rows.back());
      } else if (chance(20)) {
        recent_[random() % kRecentMax] = rows.back();
      }
    }
    return rows;
  }

  // The rows have been written, or will be.
  void Keep(const std::vector<ModelRow>& rows) {
    for (const ModelRow& row : rows) {
      switch (kind_) {
        case ModelKind::kDefaultKey:
          rows_[fmt::format("{}|{}", row.host.value_or("-"), row.time_ms)] = row.Text();
          break;
        case ModelKind::kExplicitKey:
          rows_[fmt::format("{}|{}|{}", row.kind, row.host.value_or("-"), row.time_ms)] =
              row.Text();
          break;
        case ModelKind::kAppend:
          rows_[fmt::to_string(rows_kept_++)] = row.Text();
          break;
      }
    }
  }

  // Takes the rows out whose text `deleted` is true for; how many there were.
  size_t Delete(const std::function<bool(const std::string& text)>& deleted) {
    return std::erase_if(rows_, [&](const auto& row) { return deleted(row.second); });
  }

  // The rows are those of the other one; what is written next is this one's to say.
  void TakeRows(const ModelTable& other) {
    rows_ = other.rows_;
    rows_kept_ = std::max(rows_kept_, other.rows_kept_);
  }

  ModelRows Expected() const {
    ModelRows expected;
    for (const auto& [key, text] : rows_) {
      expected.push_back(text);
    }
    std::ranges::sort(expected);
    return expected;
  }
  size_t size() const { return rows_.size(); }

 private:
  static constexpr size_t kRecentMax = 500;

  ModelRow NewRow(std::mt19937_64& random, bool late) {
    constexpr int64_t kStepMs = 1'000;
    constexpr int64_t kLateStepsMax = 10'000;  // more than one segment
    ModelRow row;
    if (const uint64_t host = random() % 12; host > 0) {
      row.host = fmt::format("host-{}", host);
    }
    row.kind = static_cast<int64_t>(random() % 3);
    if (random() % 4 == 0) {
      front_ms_ += kStepMs;
    }
    row.time_ms = front_ms_;
    if (late) {
      row.time_ms -= kStepMs * static_cast<int64_t>(random() % kLateStepsMax);
    }
    return row;
  }

  ModelKind kind_;
  int64_t front_ms_ = 1'700'000'000'000;
  int64_t next_value_ = 0;
  uint64_t rows_kept_ = 0;
  std::vector<ModelRow> recent_;             // some that may be written again
  std::map<std::string, std::string> rows_;  // by key; in APPEND tables by number
};

}  // namespace varve
