// RowKeys: the primary keys of the rows of one chunk of a memtable or one block of a data file, as
// bytes: two rows have the same key exactly when the bytes are the same, wherever they come from.
// For keys of any columns; the default key has SeriesTime.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/memtable.h"
#include "model/table_schema.h"
#include "sst/sst_file.h"

namespace varve {

// One thread. What it is made from outlives it.
class RowKeys {
 public:
  // `chunk` is one of the view's.
  static Result<RowKeys> Of(const TableSchema& schema, const MemtableView& view,
                            const MemChunk& chunk);
  // Errors: those of SstFile.
  static Result<RowKeys> Of(const TableSchema& schema, const SstFile& file, size_t block);
  // `columns` are those of the schema, in its order.
  static RowKeys Of(const TableSchema& schema,
                    std::span<const std::shared_ptr<arrow::Array>> columns);

  int64_t row_count() const;
  // The value of the timestamp key.
  int64_t time_us(int64_t row) const { return time_values_[row]; }
  // Valid until the next call.
  std::string_view Key(int64_t row);

 private:
  struct Column {
    std::shared_ptr<arrow::Array> values;      // nullptr: NULL in every row
    std::shared_ptr<arrow::Array> dictionary;  // of the values, which are codes then
    const uint32_t* series = nullptr;          // values are per series: which, per row
  };
  explicit RowKeys(std::shared_ptr<arrow::Array> times);
  void AddColumn(std::shared_ptr<arrow::Array> values, const uint32_t* series);

  std::shared_ptr<arrow::Array> times_;
  const int64_t* time_values_;
  std::vector<Column> columns_;  // in key order
  std::string key_;
};

}  // namespace varve
