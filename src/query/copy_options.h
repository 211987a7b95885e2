// What may stand behind COPY … TO: formats, and the options that each of them has.
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace varve {

struct CopyToOptions {
  enum class Overwrite : uint8_t { kNo, kYes } overwrite = Overwrite::kNo;
  std::string format;  // "csv", "json" or "parquet"
  std::string duckdb;  // as they stand in DuckDB's COPY: "FORMAT csv, HEADER true"
};

// Without FORMAT the ending of `path` says which it is. Errors: kInvalidArgument that names the
// option and what is allowed.
Result<CopyToOptions> ParseCopyToOptions(const std::string& path,
                                         const std::map<std::string, std::string>& options);

}  // namespace varve
