// Which names under `tables/` Varve gives: what a path is of.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace varve {

struct TablePath {
  enum class Kind : uint8_t {
    kLog,        // "tables/<uuid>/log/<version>.json", "…/log/checkpoint-<version>.json",
                 // "…/log/history-<version>-<version>.bin"
    kSavepoint,  // "tables/<uuid>/savepoint/savepoint-<id>.json"
    kConsumer,   // "tables/<uuid>/consumer/consumer-<name>.json"
    kData,       // "tables/<uuid>/data/<segment>/<uuid>.parquet", "…/<uuid>-<uuid>.dv"
  };
  Kind kind = Kind::kData;
  Uuid table;
  std::vector<Uuid> ids = {};  // in the name of a data file
};

// nullopt: not a name that Varve gives.
std::optional<TablePath> ParseTablePath(std::string_view path);

}  // namespace varve
