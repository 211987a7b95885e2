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

struct PinnedTable {
  std::string schema;
  std::string table;                       // of a partition: its table
  std::optional<uint32_t> partition = {};  // counts from 0
  Uuid uuid;                               // of the table or partition itself
  std::shared_ptr<const Version> version;
  TimestampUs visible_from;            // rows before it had expired
  std::shared_ptr<const void> holder;  // keeps the files while this process lives

  // The files that may have rows in the range, in the order of their segments and times.
  std::vector<const FileMeta*> FilesIn(const TimeRange& range) const;
  // All rows of the file are in the range, and what is in it is what a reader of the table sees: it
  // may be copied as it is.
  bool IsWholeIn(const FileMeta& file, const TimeRange& range) const;
};

}  // namespace varve
