// PinnedTable: one table, or one partition of a table, as it was when an export began. Its files
// stay while the pin's savepoint is there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "meta/version.h"
#include "model/time_range.h"

namespace varve {

// The files of a version by their times: what lies in a range is found in steps of the logarithm of
// all files, and of those found. Refers to the version.
class FilesByTime {
 public:
  explicit FilesByTime(const Version& version);
  // Files that have times in the range, by their first time.
  std::vector<const FileMeta*> Overlapping(const TimeRange& range) const;

 private:
  // The first one that may reach into the range.
  size_t First(const TimeRange& range) const;

  std::vector<const FileMeta*> files_;    // by time_min
  std::vector<TimestampUs> latest_upto_;  // the greatest time_max of a file and those before it
};

struct PinnedTable {
  std::string schema;
  std::string table;                       // of a partition: its table
  std::optional<uint32_t> partition = {};  // counts from 0
  Uuid uuid;                               // of the table or partition itself
  std::shared_ptr<const Version> version;
  TimestampUs visible_from;                     // rows before it had expired
  std::shared_ptr<const void> holder = {};      // keeps the files while this process lives
  FilesByTime by_time = FilesByTime(*version);  // made once: it is asked for every chunk

  // The files that may have rows in the range, in the order of their segments and times.
  std::vector<const FileMeta*> FilesIn(const TimeRange& range) const;
  // All rows of the file are in the range, and what is in it is what a reader of the table sees: it
  // may be copied as it is.
  bool IsWholeIn(const FileMeta& file, const TimeRange& range) const;
};

}  // namespace varve
