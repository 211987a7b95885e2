// Small tables for tests: rows of (host, time in ms, value) in and out of a Database. For tests
// only.
#pragma once

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/matchers.h"
#include "engine/database.h"
#include "sst/sst_reader.h"

namespace varve {

struct TestRow {
  std::string host;
  int64_t time_ms = 0;
  int64_t value = 0;
  auto operator<=>(const TestRow&) const = default;
};
using TestRows = std::multiset<TestRow>;

inline void PrintTo(const TestRow& row, std::ostream* out) {
  *out << row.host << "@" << row.time_ms << "=" << row.value;
}

// host string TAG, t timestamp KEY, value bigint.
inline TableSpec TestSpec() {
  TableSpec spec;
  spec.columns = {{.name = "host", .type = ColumnType::kString, .tag = true},
                  {.name = "t", .type = ColumnType::kTimestamp},
                  {.name = "value", .type = ColumnType::kInt64}};
  spec.timestamp_key = "t";
  return spec;
}

inline RowBatch TestBatch(const TableSchema& schema, const std::vector<TestRow>& rows) {
  RowBatch batch;
  std::map<std::string, uint32_t> series;
  arrow::TimestampBuilder times(ArrowType(ColumnType::kTimestamp), arrow::default_memory_pool());
  arrow::Int64Builder values;
  for (const auto& row : rows) {
    const auto [found, is_new] = series.try_emplace(row.host, series.size());
    if (is_new) {
      std::string key;
      AppendTag(key, schema.Find("host")->id, std::string_view(row.host));
      batch.series.Add(key, Tsid(key));
    }
    batch.row_series.push_back(found->second);
    EXPECT_TRUE(times.Append(row.time_ms * 1000).ok());
    EXPECT_TRUE(values.Append(row.value).ok());
  }
  batch.column_ids = {schema.Find("t")->id, schema.Find("value")->id};
  batch.rows =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("t", ArrowType(ColumnType::kTimestamp)),
                                              arrow::field("value", arrow::int64())}),
                               static_cast<int64_t>(rows.size()),
                               {times.Finish().ValueOrDie(), values.Finish().ValueOrDie()});
  return batch;
}

inline std::string TextAt(const arrow::Array& array, int64_t row) {
  if (array.type_id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
    return TextAt(*dictionary.dictionary(), dictionary.GetValueIndex(row));
  }
  return std::string(static_cast<const arrow::StringArray&>(array).GetView(row));
}

// All rows that a view shows, in no order.
inline Result<TestRows> ReadRows(ObjectStore& store, const ReadView& view) {
  TestRows out;
  const auto index = [&](std::string_view name) {
    return static_cast<int>(*view.schema->FindIndex(name));
  };
  for (const auto& [id, file] : view.version->files) {
    VARVE_ASSIGN(const auto reader, SstReader::Open(store, file, *view.schema));
    VARVE_ASSIGN(const auto deleted, view.Deleted(file));
    uint64_t position = 0;
    while (true) {
      VARVE_ASSIGN(const auto batch, reader->Next());
      if (!batch) {
        break;
      }
      for (int64_t i = 0; i < batch->num_rows(); ++i) {
        if (deleted && deleted->Contains(position++)) {
          continue;
        }
        const auto& times = static_cast<const arrow::TimestampArray&>(*batch->column(index("t")));
        const auto& values = static_cast<const arrow::Int64Array&>(*batch->column(index("value")));
        out.insert(
            {TextAt(*batch->column(index("host")), i), times.Value(i) / 1000, values.Value(i)});
      }
    }
  }
  for (const auto& in_memory : view.memtables) {
    const auto& memtable = in_memory.rows;
    uint64_t position = 0;
    VARVE_ASSIGN(const auto hosts, memtable->TagValues(*view.schema->Find("host")));
    for (const auto& chunk : memtable->chunks()) {
      const auto& times = static_cast<const arrow::TimestampArray&>(*chunk->rows->column(0));
      const auto& values = static_cast<const arrow::Int64Array&>(*chunk->rows->column(1));
      for (int64_t i = 0; i < chunk->rows->num_rows(); ++i) {
        if (in_memory.replaced && in_memory.replaced->Contains(position++)) {
          continue;
        }
        out.insert({TextAt(*hosts, chunk->series[static_cast<size_t>(i)]), times.Value(i) / 1000,
                    values.Value(i)});
      }
    }
  }
  return out;
}

}  // namespace varve
