// RowSelection: some rows of a ReadView, by place.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/ids.h"

namespace varve {

// Rows of places that are not named are not selected.
struct RowSelection {
  // By file: positions, rising.
  std::map<Uuid, std::vector<uint64_t>> files;
  // By index in ReadView::memtables (as long as that): positions from the first row of the first
  // chunk, rising.
  std::vector<std::vector<uint64_t>> memtables;
};

}  // namespace varve
