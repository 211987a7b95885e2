// The identity of a series: its tags, as bytes, and `tsid`, the hash of these bytes.
//
// FORMAT (CeresDB's published tsid input; do not change): for each tag that is not NULL, in schema
// order,
//   BYTE     9
//   LEB128   column id
//   value    string, varbinary: byte 2, LEB128(zigzag(length)), the bytes
//            signed integers, timestamp (ms), date (days), time (us): byte 8, LEB128(zigzag(value))
//            unsigned integers, boolean: byte 9, LEB128(value)
// tsid = low 64 bits of MurmurHash3_x64_128 (seed 0) of that. NULL tags are left out, so a series
// keeps its tsid when tag columns are added. The bytes determine the tags, which is why they also
// serve as the series' name in memory and in the write-ahead log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/table_schema.h"

namespace varve {

// Tags must be appended in schema order (which is the order of column ids of tags).
void AppendTag(std::string& key, uint32_t column_id, std::string_view value);
void AppendTag(std::string& key, uint32_t column_id, int64_t value);
void AppendTag(std::string& key, uint32_t column_id, uint64_t value);

// tsid of the key; 0 for the empty key (a row without tags).
uint64_t Tsid(std::string_view key);

struct TagValue {
  uint32_t column_id = 0;
  std::variant<std::string_view, int64_t, uint64_t> value;  // the view points into the key
  bool operator==(const TagValue&) const = default;
};

// The tags of a key. Errors: kCorruption.
Result<std::vector<TagValue>> DecodeSeriesKey(std::string_view key);

// Distinct series, numbered from 0 in the order they were added. One thread.
class SeriesSet {
 public:
  size_t size() const { return tsids_.size(); }
  uint64_t tsid(size_t index) const { return tsids_[index]; }
  const std::vector<uint64_t>& tsids() const { return tsids_; }
  // Valid until the next Add.
  std::string_view key(size_t index) const {
    return std::string_view(keys_).substr(ends_[index], ends_[index + 1] - ends_[index]);
  }
  uint64_t key_bytes() const { return keys_.size(); }
  // Does not look whether it is there already.
  uint32_t Add(std::string_view key, uint64_t tsid);

 private:
  std::string keys_;
  std::vector<uint64_t> ends_ = {0};
  std::vector<uint64_t> tsids_;
};

}  // namespace varve
