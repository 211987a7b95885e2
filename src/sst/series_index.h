// SeriesIndex: which rows of a data file are those of a series. Files of tables with the default
// key are sorted by (tsid, timestamp), so the rows of a series are one range. About 12 bytes a
// series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace varve {

// The rows [begin, end) of a file.
struct RowRange {
  uint64_t begin = 0;
  uint64_t end = 0;
  bool operator==(const RowRange&) const = default;
};

// Immutable, thread-safe. Series are numbered from 0 in the order of their tsids.
class SeriesIndex {
 public:
  // tsids rise strictly; starts[i] is the first row of series i; starts.back() the number of rows,
  // so that it is one longer than tsids.
  SeriesIndex(std::vector<uint64_t> tsids, std::vector<uint32_t> starts)
      : tsids_(std::move(tsids)), starts_(std::move(starts)) {}

  size_t size() const { return tsids_.size(); }
  const std::vector<uint64_t>& tsids() const { return tsids_; }
  uint64_t tsid(size_t series) const { return tsids_[series]; }
  RowRange rows(size_t series) const { return {starts_[series], starts_[series + 1]}; }
  // The number of the series; nullopt: it has no rows here.
  std::optional<size_t> Find(uint64_t tsid) const;
  // The series that the row belongs to; row < the number of rows.
  size_t SeriesOf(uint64_t row) const;
  uint64_t size_bytes() const { return tsids_.size() * 8 + starts_.size() * 4; }

 private:
  std::vector<uint64_t> tsids_;
  std::vector<uint32_t> starts_;
};

}  // namespace varve
