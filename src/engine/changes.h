// ChangeReader: what has happened to the rows of a table from one version to a later one, commit by
// commit:
//   flush           its rows: insert; in OVERWRITE tables update_preimage for each row that one of
//                   them has replaced, and update_postimage for the one that did
//   delete          delete; TRUNCATE too
//   rollback        what both versions do not share: delete, then insert. Rows that a compaction
//                   between the two has moved come as both.
//   create (clone)  insert
//   compaction, alteration: nothing. Rows past the table's ttl leave without a word, and what a
//   commit did to rows that had passed it by then is left out.
// Within a commit, what leaves comes before what enters: so that changes can be applied one by one.
//
// Rows in memory are in no version yet: they come with the commit of their flush.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "engine/database.h"
#include "engine/table.h"
#include "model/table_schema.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace varve {

// Before the table's columns: how a row has changed, by which version, and when that was committed.
inline constexpr std::array<std::string_view, 3> kChangeColumns = {
    "_change_type", "_commit_version", "_commit_timestamp"};

// Values of the first of them.
inline constexpr std::string_view kInsert = "insert";
inline constexpr std::string_view kUpdatePreimage = "update_preimage";
inline constexpr std::string_view kUpdatePostimage = "update_postimage";
inline constexpr std::string_view kDelete = "delete";

// The changes after `from`, up to those of `to`.
struct ChangeRange {
  VersionId from;  // VersionId(): before the first version
  VersionId to;
};

struct ChangeStep {
  VersionId version;
  // Of one version; nullptr: it has no more, and the next step is of the next version.
  std::shared_ptr<arrow::RecordBatch> rows;
};

// Memory: one batch of SstReader, and the keys of the rows that one commit has replaced. What it
// has not read yet does not expire, nor do its files go, while it lives; also what is committed
// then. One thread.
class ChangeReader {
 public:
  virtual ~ChangeReader() = default;

  // Errors: kNotFound that says what there is, when the changes have expired; kInvalidArgument: the
  // table has a column of one of the names above, or is partitioned, or `to` is before `from`;
  // those of reading the log.
  static Result<std::unique_ptr<ChangeReader>> Open(std::shared_ptr<const Table> table,
                                                    ChangeRange range);

  // The columns above (utf8, uint64, timestamp[us]) and then those of table_schema, in its order,
  // of ArrowType(column.type).
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // That of version `to`: rows of older versions have its columns as far as they have them.
  virtual const TableSchema& table_schema() const = 0;

  // The next rows or end of a version, each of which is told, also when it has no changes; nullopt
  // after the last. Errors: those of reading files.
  virtual Result<std::optional<ChangeStep>> Next() = 0;

  // After the last step: goes on up to a later version, whose schema is that of the rows from now
  // on. Errors: kNotFound when there is no such version; kInvalidArgument as Open: it has not gone
  // on.
  virtual Status GoOn(VersionId to) = 0;
};

// The table whose changes can be read. Errors: kNotFound; kInvalidArgument that names its
// partitions, for a partitioned table.
Result<std::shared_ptr<Table>> FindTableWithChanges(const Database& database,
                                                    std::string_view schema, std::string_view name);

}  // namespace varve
