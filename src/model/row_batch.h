// RowBatch: rows on their way into one table, from any protocol to the write-ahead log and the
// memtable.
//
// Time series repeat their tags in every row, so a batch holds each distinct series once and, per
// row, only which one; everything else is an ordinary Arrow record batch.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/series_key.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace varve {

inline constexpr int64_t kBatchRowsMax = 10'000'000;  // CeresDB's "Too many rows to write"

struct RowBatch {
  // Distinct series. Tables without tags have one, whose key is empty.
  SeriesSet series;
  // Per row: the index of its series. Size = rows->num_rows().
  std::vector<uint32_t> row_series;
  // The timestamp key and all columns that are neither tags nor tsid, in any order, named as in the
  // schema and with the ArrowType of their ColumnType. Columns that are missing are NULL in every
  // row. A timestamp is a multiple of 1,000 us.
  std::shared_ptr<arrow::RecordBatch> rows;
  // Per column of `rows`: its id in the table's schema.
  std::vector<uint32_t> column_ids;
};

}  // namespace varve
