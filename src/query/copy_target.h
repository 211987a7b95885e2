// CopyWriter: files that COPY … TO writes, through a DuckDB instance of its own that never sees a
// client's SQL: paths and options reach it as quoted values only. A file gets its name when it is
// complete.
#pragma once

#include <duckdb.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "query/copy_engine.h"
#include "query/session.h"

namespace varve {

struct CopyTarget {
  std::string path;
  // FORMAT, OVERWRITE and those of the format; keys in lower case.
  std::map<std::string, std::string> options;
};

// Thread-safe.
class CopyWriter {
 public:
  CopyWriter(CopyPolicy policy, uint64_t memory_bytes_max, CopyThreads threads = CopyThreads::kAll)
      : policy_(std::move(policy)), engine_(memory_bytes_max, threads, nullptr) {}

  // Whether the file may be written, and the options fit its format, before anything is read.
  // Errors: kInvalidArgument (a folder that is not allowed, options), kNotFound (no such folder),
  // kAlreadyExists.
  Status Check(const CopyTarget& target) const;

  // Writes all rows; how many they were. `announce` gets the connection that works, to interrupt
  // it, and nullptr at the end. Errors: those of Check and of `rows`, kIo: there is no file then,
  // or the one that was there before.
  Result<uint64_t> Write(const CopyTarget& target, ResultStream& rows,
                         const std::function<void(duckdb::Connection*)>& announce);

  // Writes a small text. Errors: as Write.
  Status WriteText(const CopyTarget& target, std::string_view text) const;

  // Makes the folder when it is missing, in one that is there. Errors: as Check.
  Status MakeFolder(const std::string& path) const;

 private:
  Result<std::filesystem::path> CheckPath(const std::string& path) const;

  const CopyPolicy policy_;
  CopyEngine engine_;
};

// The ending of files of the format that the options name; "parquet" when they name none. Errors:
// kInvalidArgument.
Result<std::string> CopyFileEnding(const std::map<std::string, std::string>& options);

}  // namespace varve
