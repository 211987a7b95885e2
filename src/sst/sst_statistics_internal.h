// What is checked and counted of the rows on their way into a data file. Private to this folder.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "base/result.h"
#include "model/file_meta.h"
#include "model/table_schema.h"

namespace varve {

// One thread.
class SstStatistics {
 public:
  // The schema must outlive it.
  SstStatistics(const TableSchema& schema, TimestampUs segment_start)
      : schema_(schema), segment_start_(segment_start) {}

  // Errors: kInvalidArgument when the batch does not fit the schema (columns, types, NULL in a NOT
  // NULL column); kInternal when rows stand before the segment or, for the default key, out of
  // order: a file like that would give wrong answers for ever.
  Status Add(const arrow::RecordBatch& batch);

  uint64_t rows() const { return rows_; }
  // Sets rows, time, tsid and null_counts.
  void Fill(FileMeta& meta) const;

 private:
  Status CheckColumns(const arrow::RecordBatch& batch) const;
  Status AddTimes(const arrow::RecordBatch& batch);
  void AddTsids(const arrow::RecordBatch& batch);
  Status CheckOrder(const arrow::RecordBatch& batch);

  const TableSchema& schema_;
  const TimestampUs segment_start_;
  uint64_t rows_ = 0;
  int64_t time_min_ = 0;
  int64_t time_max_ = 0;
  uint64_t tsid_min_ = 0;
  uint64_t tsid_max_ = 0;
  std::pair<uint64_t, int64_t> last_key_;  // tsid and time of the last row; default key only
  std::map<uint32_t, uint64_t> null_counts_;
};

}  // namespace varve
