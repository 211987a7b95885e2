// PendingSavepoint: one table's part in a savepoint that is being made, in steps, so that several
// tables take them together and have one point in time.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/table.h"

namespace varve {

// What all tables' savepoints have in common.
struct SavepointSpec {
  std::string name;  // "": none
  SavepointOrigin origin = SavepointOrigin::kManual;
  std::optional<TimestampUs> retain_until = {};
  std::optional<TimestampUs> lock_until = {};
};

// One thread. Between construction and destruction no rows of the table are deleted, moved from
// file to file, or lost with an expiring version; writes go on.
class Table::PendingSavepoint {
 public:
  // Several tables: in the order of their ids.
  explicit PendingSavepoint(std::shared_ptr<Table> table);
  ~PendingSavepoint();
  PendingSavepoint(const PendingSavepoint&) = delete;
  PendingSavepoint& operator=(const PendingSavepoint&) = delete;

  const std::shared_ptr<Table>& table() const { return table_; }
  // Of the mark or the choice; nullptr: neither has been settled.
  const std::shared_ptr<const Version>& version() const { return version_; }

  // This is the point in time. While the table's writes are paused; no I/O.
  void Mark();
  // Has all rows up to the mark in files. Errors: those of Flush; kNotFound: the table has been
  // dropped.
  Status Settle();
  // The version is this one, not that of a mark.
  Status Choose(const VersionRef& ref);
  // The savepoint is durable when this returns ok. Errors: those of Savepoints::Create.
  Result<Savepoint> Write(const SavepointSpec& spec, const SavepointGroup& group);

 private:
  const std::shared_ptr<Table> table_;
  std::unique_lock<std::mutex> layout_;
  std::unique_lock<std::mutex> pins_;
  std::optional<Sequence> fence_;
  std::shared_ptr<const Version> version_;
};

}  // namespace varve
