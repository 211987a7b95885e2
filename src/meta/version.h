// Version: the whole state of one table at one moment: schema, options and the list of files.
// Immutable; whoever holds a shared_ptr to one can read exactly that state for as long as he holds
// it. A VersionEdit is what leads from one version to the next, and the unit of durability.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "model/file_meta.h"
#include "model/table_options.h"
#include "model/table_schema.h"

namespace varve {

inline constexpr size_t kOperationIdBytesMax = 256;  // ids stay in every later checkpoint

// Why a version was made. Written as text; readers accept kinds that they do not know (kOther).
enum class EditKind : uint8_t {
  kCreate,
  kFlush,
  kAlter,
  kCompact,
  kDelete,
  kExpire,
  kRestore,
  kOther
};

// "flush", …; "other" for one that this Varve does not know.
std::string_view EditKindText(EditKind kind);
// kOther: a name that this Varve does not know.
EditKind EditKindNamed(std::string_view name);

struct VersionEdit {
  EditKind kind = EditKind::kFlush;
  std::string other_kind = {};  // the kind's name when it is kOther
  // The version that the edit was worked out from. The commit fails when a file that the edit
  // removes or masks has got another deletion vector since: the edit does not know the rows that it
  // deletes. nullopt: not checked.
  std::optional<VersionId> base = {};
  // A kRestore may add a file that it removes: with the deletion vector that it had before.
  std::vector<FileMeta> added_files = {};
  std::vector<Uuid> removed_files = {};
  // New deletion vectors of files that stay; each replaces the file's former one.
  std::map<Uuid, DeletionVectorMeta> deletion_vectors = {};
  // Of a clone's first edit: the schemas that its files may have been written with.
  std::vector<TableSchema> former_schemas = {};
  // The next schema: its id is the current one's and 1 (any, in the first version).
  std::optional<TableSchema> schema = {};
  std::optional<TableOptions> options = {};
  // All writes up to this one are in files.
  std::optional<Sequence> flushed = {};
  // What made this commit (an import chunk, a restore): the same id is committed at most once.
  std::optional<std::string> operation_id = {};
};

struct Version {
  VersionId id;
  TimestampUs committed_at;  // greater than the parent's: a clock that steps back is clamped
  EditKind kind = EditKind::kCreate;
  std::string other_kind;  // the kind's name when it is kOther
  std::shared_ptr<const TableSchema> schema;
  std::map<uint32_t, std::shared_ptr<const TableSchema>>
      schemas;  // all that the table has had, by id
  TableOptions options;
  std::map<Uuid, FileMeta> files;
  std::map<Uuid, VersionId>
      masked_at;  // the version that gave a file its deletion vector; no entry: it came with it
  Sequence flushed;
  std::map<std::string, VersionId>
      operations;  // ids that have been committed, and by which version

  uint64_t row_count() const;  // rows in files, less the deleted ones
};

// What a list of versions shows of one.
struct VersionSummary {
  VersionId id;
  TimestampUs committed_at;
  EditKind kind = EditKind::kCreate;
  uint32_t schema_id = 0;
  uint64_t rows = 0;   // Version::row_count()
  uint64_t files = 0;  // of data
  uint64_t bytes = 0;  // of those

  static VersionSummary Of(const Version& version);
};

// The version after `base`, or the first one when `base` is Version{}. Move `base` in where it is
// not needed any more. Errors, none of which needs a retry with the same edit:
//   kConflict         it removes or masks a file that is not in `base` or, with `edit.base`, has
//   another deletion vector
//                     since; or its schema is not the next one any more: work the edit out again
//                     from `base`
//   kAlreadyExists    its operation id is there: it has been committed
//   kInvalidArgument  it contradicts itself or the table: adds a file twice, goes back in
//   `flushed`, names a schema that
//                     the table has not had, has a path that leaves the store, …
Result<Version> Apply(Version base, VersionEdit edit, TimestampUs now);

}  // namespace varve
