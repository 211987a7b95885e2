// CopySource: files that COPY … FROM reads, through a DuckDB instance of its own that never sees a
// client's SQL: paths and options reach it as quoted values only.
#pragma once

#include <duckdb.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/table_schema.h"
#include "query/copy_engine.h"
#include "query/session.h"

namespace varve {

struct CopyRequest {
  std::string path;
  std::map<std::string, std::string> options;  // keys in lower case
  const TableSchema* schema = nullptr;
  std::vector<std::string> columns;  // as the statement lists them; empty: all
  // What fields mean: as they look, or as Varve has written them, by the table's types: "" in
  // quotes is no NULL, and a text that looks like a date stays as it is.
  enum class Fields : uint8_t { kByLooks, kDeclared } fields = Fields::kByLooks;
  // Of CSV and JSON, in bytes, when it is known: buffers are as large as that asks for, where they
  // are else large for whatever may come, and longer records than DuckDB expects are read.
  std::optional<uint64_t> longest_record = {};
};

struct CopyRows {
  std::vector<size_t> targets;  // the columns that the file has, as places in the schema
  std::unique_ptr<duckdb::Connection> connection;
  std::unique_ptr<ResultStream>
      rows;  // columns of `targets`, of their types; runs on `connection`, ends before it
};

// Thread-safe.
class CopySource {
 public:
  CopySource(CopyPolicy policy, uint64_t memory_bytes_max, CopyThreads threads = CopyThreads::kAll);

  // Errors: kInvalidArgument (a folder that is not allowed, options, columns that do not match,
  // values that do not fit: the last while the rows are read, with file, column and value),
  // kNotFound (no such file), kIo.
  Result<CopyRows> Open(const CopyRequest& request);

 private:
  Result<std::string> CheckPath(const std::string& path) const;

  const CopyPolicy policy_;
  CopyEngine engine_;
};

}  // namespace varve
