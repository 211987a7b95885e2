// What an import is asked for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/time_range.h"
#include "protect/export_request.h"

namespace varve {

enum class OnConflict : uint8_t {
  kFail,       // a table that is there and has rows ends the import before it begins
  kSkip,       // such a table stays as it is
  kAppend,     // rows are added to it; in OVERWRITE tables they replace those of their keys
  kOverwrite,  // it is dropped and made again
};
Result<OnConflict> ParseOnConflict(std::string_view text);

struct ImportRequest {
  std::optional<std::string> catalog;
  std::optional<std::vector<std::string>> schemas;    // names in the snapshot; default: all
  std::optional<std::vector<std::string>> tables;     // "table" or "schema.table", in the snapshot
  std::optional<TimeRange> range;                     // default: all rows
  std::map<std::string, std::string> rename_schemas;  // in the snapshot -> here
  OnConflict on_conflict = OnConflict::kFail;
  // Whether tables whose rows would expire at once are made with their ttl switched off.
  enum class TtlHold : uint8_t { kHold, kNone } ttl_hold = TtlHold::kHold;
  size_t parallelism = 1;
  uint64_t bytes_per_second = 0;  // read of the snapshot; 0: no limit
};

}  // namespace varve
