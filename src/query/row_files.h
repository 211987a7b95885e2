// RowFiles: files of rows in CSV, JSON and Parquet, for callers in which DuckDB does not show.
// What is written and read back is the same: types, NULL and "", NaN and infinities.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/table_schema.h"
#include "query/session.h"

namespace varve {

struct RowFileContents {
  std::vector<size_t> columns;  // the columns that the file has, as places in the schema
  // Of `columns`, of their types. Outlives neither the schema nor the RowFiles.
  std::unique_ptr<ResultStream> rows;
};

// Thread-safe: several files at once, each by the thread that calls. `format` is "csv", "json" or
// "parquet".
class RowFiles {
 public:
  static std::unique_ptr<RowFiles> Make(uint64_t memory_bytes_max);
  virtual ~RowFiles() = default;

  // Writes all rows; how many they were. A file of that name is replaced. Errors: those of `rows`,
  // kIo: there is no file then, or the one of before.
  virtual Result<uint64_t> Write(const std::string& path, std::string_view format,
                                 ResultStream& rows) = 0;

  // Columns are matched by name. Errors: kNotFound, kIo, kInvalidArgument (columns, values that do
  // not fit: the last while rows are read).
  virtual Result<RowFileContents> Read(const std::string& path, std::string_view format,
                                       const TableSchema& schema) = 0;
};

}  // namespace varve
