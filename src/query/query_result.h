// Results: DuckDB's chunks as Arrow record batches, and small tables that Varve makes itself.
#pragma once

#include <duckdb.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "query/session.h"

namespace arrow {
class Array;
class RecordBatch;
}  // namespace arrow

namespace varve {

// Runs the statement on the connection; the rows come as they are produced. The connection must
// outlive the stream and runs nothing else meanwhile. `clean` is applied to the text of every
// error.
using CleanMessage = std::function<std::string(std::string)>;
Result<std::unique_ptr<ResultStream>> RunQuery(duckdb::Connection& connection,
                                               duckdb::unique_ptr<duckdb::SQLStatement> statement,
                                               CleanMessage clean);

struct NamedColumn {
  std::string name;
  std::shared_ptr<arrow::Array> values;
};
// One batch of columns of the same length; no column is nullable unless it holds NULLs.
std::unique_ptr<ResultStream> TableOf(std::vector<NamedColumn> columns);

// One batch.
std::unique_ptr<ResultStream> StreamOf(std::shared_ptr<arrow::RecordBatch> batch);

std::shared_ptr<arrow::Array> StringArray(const std::vector<std::string>& values);
std::shared_ptr<arrow::Array> BooleanArray(const std::vector<bool>& values);
std::shared_ptr<arrow::Array> UInt8Array(const std::vector<uint8_t>& values);
std::shared_ptr<arrow::Array> UInt64Array(const std::vector<uint64_t>& values);

}  // namespace varve
