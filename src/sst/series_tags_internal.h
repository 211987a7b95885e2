// Whether all rows of a series have the same tags, found out while they are written. Private to
// this folder.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "model/table_schema.h"
#include "sst/sst_format.h"

namespace varve {

// One thread.
class SeriesTagsCheck {
 public:
  // The schema must outlive it.
  explicit SeriesTagsCheck(const TableSchema& schema);

  // The batch fits the schema, and its rows are sorted on from those before.
  void Add(const arrow::RecordBatch& batch);
  // kUnknown for tables without the default key.
  SeriesTags Found() const { return found_; }

 private:
  bool GoesOn(const arrow::RecordBatch& batch) const;
  void Remember(const arrow::RecordBatch& batch);

  const TableSchema& schema_;
  SeriesTags found_;
  uint64_t last_tsid_ = 0;
  std::vector<std::shared_ptr<arrow::Scalar>> last_tags_;  // of the last row; empty: no row yet
};

}  // namespace varve
