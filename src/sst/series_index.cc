#include "sst/series_index.h"

#include <algorithm>

namespace varve {

std::optional<size_t> SeriesIndex::Find(uint64_t tsid) const {
  const auto found = std::ranges::lower_bound(tsids_, tsid);
  if (found == tsids_.end() || *found != tsid) {
    return std::nullopt;
  }
  return static_cast<size_t>(found - tsids_.begin());
}

size_t SeriesIndex::SeriesOf(uint64_t row) const {
  return static_cast<size_t>(std::ranges::upper_bound(starts_, row) - starts_.begin()) - 1;
}

}  // namespace varve
