// Tables and rows for the tests of data files. For tests only.
#pragma once

#include <arrow/api.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/table_schema.h"
#include "sst/sst_reader.h"
#include "sst/sst_writer.h"

namespace varve {

inline ColumnSchema TestColumn(std::string name, ColumnType type) {
  ColumnSchema column;
  column.name = std::move(name);
  column.type = type;
  return column;
}

inline ColumnSchema TestTag(std::string name) {
  ColumnSchema column = TestColumn(std::move(name), ColumnType::kString);
  column.tag = true;
  return column;
}

// (tsid, t | host, value): the shape of nearly every table.
inline TableSchema HostSchema() {
  auto schema =
      TableSchema::Make({.columns = {TestTag("host"), TestColumn("t", ColumnType::kTimestamp),
                                     TestColumn("value", ColumnType::kDouble)},
                         .primary_key = {},
                         .timestamp_key = std::nullopt});
  VARVE_CHECK(schema.has_value());
  return *std::move(schema);
}

inline std::shared_ptr<arrow::DataType> TestDictionary() {
  return arrow::dictionary(arrow::int32(), arrow::utf8());
}

// Rows for HostSchema: `hosts` series of `per_host` rows each, one every second from time 0, named
// "host_<first_host + i>". Half of the values repeat.
inline std::shared_ptr<arrow::RecordBatch> HostRows(int hosts, int per_host, int first_host = 0) {
  const auto time_type = ArrowType(ColumnType::kTimestamp);
  arrow::UInt64Builder tsids;
  arrow::TimestampBuilder times(time_type, arrow::default_memory_pool());
  arrow::StringBuilder names;
  arrow::Int32Builder indices;
  arrow::DoubleBuilder values;
  for (int host = 0; host < hosts; ++host) {
    VARVE_CHECK(names.Append("host_" + std::to_string(first_host + host)).ok());
    for (int row = 0; row < per_host; ++row) {
      VARVE_CHECK(tsids.Append(static_cast<uint64_t>(first_host + host + 1) * 1'000'003).ok());
      VARVE_CHECK(times.Append(row * 1'000'000LL).ok());
      VARVE_CHECK(indices.Append(host).ok());
      VARVE_CHECK(values.Append(row % 2 == 0 ? 1.5 : row + host / 1024.0).ok());
    }
  }
  auto host =
      arrow::DictionaryArray::FromArrays(TestDictionary(), *indices.Finish(), *names.Finish());
  const auto schema = arrow::schema(
      {arrow::field("tsid", arrow::uint64(), false), arrow::field("t", time_type, false),
       arrow::field("host", TestDictionary()), arrow::field("value", arrow::float64())});
  return arrow::RecordBatch::Make(schema, static_cast<int64_t>(hosts) * per_host,
                                  {*tsids.Finish(), *times.Finish(), *host, *values.Finish()});
}

inline SstWriterOptions TestOptions(std::string path) {
  SstWriterOptions options;
  options.id = Uuid(0x0123456789ab4cde, 0x8f00112233445566);
  options.path = std::move(path);
  options.segment_start = TimestampUs(0);
  return options;
}

// Writes one file.
inline Result<FileMeta> WriteSst(ObjectStore& store, const TableSchema& schema,
                                 SstWriterOptions options,
                                 const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  VARVE_ASSIGN(const auto writer, SstWriter::Open(store, schema, std::move(options)));
  for (const auto& batch : batches) {
    VARVE_TRY(writer->Write(*batch));
  }
  return writer->Finish(Sequence(7));
}

// All rows of a file as one batch, dictionaries decoded.
inline Result<std::shared_ptr<arrow::Table>> ReadSst(ObjectStore& store, const FileMeta& meta,
                                                     const TableSchema& schema) {
  VARVE_ASSIGN(const auto reader, SstReader::Open(store, meta, schema));
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (;;) {
    VARVE_ASSIGN(auto batch, reader->Next());
    if (batch == nullptr) {
      break;
    }
    batches.push_back(std::move(batch));
  }
  auto table = arrow::Table::FromRecordBatches(batches);
  VARVE_CHECK(table.ok(), "{}", table.status().ToString());
  return (*table)->CombineChunks().ValueOrDie();
}

}  // namespace varve
