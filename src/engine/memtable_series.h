// MemtableSeries: the distinct series of one memtable, numbered from 0. Only grows; numbers never
// change their meaning.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/series_key.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

// Thread-safe.
class MemtableSeries {
 public:
  // Per series of the set: its number here. New ones are added.
  std::vector<uint32_t> Number(const SeriesSet& series);

  // The tsid of every series so far; the same vector as before when none was added.
  std::shared_ptr<const std::vector<uint64_t>> Tsids() const;

  // The values of a tag for the series 0 … count-1. See MemtableView::TagValues.
  Result<std::shared_ptr<arrow::Array>> TagValues(const ColumnSchema& column, size_t count) const;

  uint64_t size_bytes() const;

 private:
  uint32_t NumberOne(std::string_view key, uint64_t tsid);

  mutable std::mutex mutex_;
  SeriesSet set_;
  std::unordered_map<uint64_t, uint32_t> by_tsid_;
  std::map<std::string, uint32_t, std::less<>>
      colliding_;  // keys whose tsid belongs to another key
  mutable std::shared_ptr<const std::vector<uint64_t>> tsids_;
  mutable std::map<uint32_t, std::shared_ptr<arrow::Array>> tag_values_;  // by column id
};

}  // namespace varve
