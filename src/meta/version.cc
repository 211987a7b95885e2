#include "meta/version.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "meta/json_internal.h"
#include "meta/version_format.h"
#include "store/object_store.h"

namespace varve {
namespace {

Status CheckObject(const std::string& path, const std::string& sha256) {
  VARVE_TRY(CheckObjectPath(path));
  if (!IsSha256Hex(sha256)) {
    return InvalidArgument("the SHA-256 of '{}' is not 64 lower-case hexadecimal digits", path);
  }
  return {};
}

Status CheckVector(const DeletionVectorMeta& vector, const FileMeta& file) {
  VARVE_TRY(CheckObject(vector.path, vector.sha256));
  if (vector.rows > file.rows) {
    return InvalidArgument("the deletion vector '{}' deletes {} rows of the {} of '{}'",
                           vector.path, vector.rows, file.rows, file.path);
  }
  return {};
}

Status CheckFile(const Version& version, const FileMeta& file) {
  VARVE_TRY(CheckObject(file.path, file.sha256));
  if (file.time_min > file.time_max || file.tsid_min > file.tsid_max ||
      file.time_min < file.segment_start) {
    return InvalidArgument("the bounds of time or tsid of the file '{}' are in the wrong order",
                           file.path);
  }
  if (!version.schemas.contains(file.schema_id)) {
    return InvalidArgument("the file '{}' has schema {}, which the table has never had", file.path,
                           file.schema_id);
  }
  const auto too_many = [&](const auto& count) { return count.second > file.rows; };
  if (std::ranges::any_of(file.null_counts, too_many)) {
    return InvalidArgument("the file '{}' has more NULLs than rows", file.path);
  }
  return file.deletion_vector ? CheckVector(*file.deletion_vector, file) : Status();
}

Status CheckKind(const Version& base, const VersionEdit& edit) {
  const bool first = base.id == VersionId();
  if (first != (edit.kind == EditKind::kCreate) || (first && (!edit.schema || !edit.options))) {
    return InvalidArgument(
        "the first edit of a table, and only that, is 'create' and has schema and options");
  }
  if (!first && !edit.former_schemas.empty()) {
    return InvalidArgument("only the first edit of a table brings schemas of before");
  }
  if ((edit.kind == EditKind::kOther) == edit.other_kind.empty()) {
    return InvalidArgument("an edit of another kind, and only that, has the kind's name");
  }
  return {};
}

// A column id means one column for ever: files name their columns by it.
Status CheckColumnIds(const Version& version, const TableSchema& next) {
  for (const ColumnSchema& column : next.columns()) {
    if (column.id > version.schema->last_column_id()) {
      continue;
    }
    const bool known = std::ranges::any_of(version.schemas, [&](const auto& entry) {
      const ColumnSchema* former = entry.second->FindById(column.id);
      return former != nullptr && former->type == column.type;
    });
    if (!known) {
      return InvalidArgument("column {} has the id {}, which another column has had", column.name,
                             column.id);
    }
  }
  return {};
}

Status CheckSchema(const Version& version, const TableSchema& next) {
  const TableSchema& current = *version.schema;
  if (next.schema_id() <= current.schema_id()) {
    return Conflict(
        "the table's schema is {} by now, the edit brings schema {}: make it again from the "
        "current schema",
        current.schema_id(), next.schema_id());
  }
  if (next.schema_id() != current.schema_id() + 1 ||
      next.last_column_id() < current.last_column_id()) {
    return InvalidArgument("schema {} does not follow schema {}", next.schema_id(),
                           current.schema_id());
  }
  const auto same_id = [](const ColumnSchema& a, const ColumnSchema& b) { return a.id == b.id; };
  const auto key = [](const TableSchema& schema) {
    return std::span(schema.columns()).first(schema.key_size());
  };
  if (!std::ranges::equal(key(next), key(current), same_id) ||
      next.timestamp().id != current.timestamp().id) {
    return InvalidArgument("schema {} changes the table's primary key", next.schema_id());
  }
  return CheckColumnIds(version, next);
}

Status ApplySchema(Version& version, VersionEdit& edit) {
  if (edit.options) {
    VARVE_TRY(CheckOptions(*edit.options));
    version.options = std::move(*edit.options);
  }
  for (TableSchema& former : edit.former_schemas) {
    const uint32_t id = former.schema_id();
    version.schemas[id] = std::make_shared<const TableSchema>(std::move(former));
  }
  if (edit.schema) {
    if (version.schema != nullptr) {
      VARVE_TRY(CheckSchema(version, *edit.schema));
    }
    version.schema = std::make_shared<const TableSchema>(std::move(*edit.schema));
    version.schemas[version.schema->schema_id()] = version.schema;
  }
  return {};
}

// The file of an edit that removes or masks it.
Result<FileMeta*> FindFile(Version& version, const VersionEdit& edit, const Uuid& id) {
  const auto file = version.files.find(id);
  if (file == version.files.end()) {
    return Conflict("the file {} is not in version {} any more", id.ToString(), version.id);
  }
  const auto masked = version.masked_at.find(id);
  if (edit.base && masked != version.masked_at.end() && masked->second > *edit.base) {
    return Conflict(
        "version {} has deleted rows of the file '{}', the edit was made from version {}",
        masked->second, file->second.path, *edit.base);
  }
  return &file->second;
}

Status ApplyMasks(Version& version, VersionEdit& edit) {
  for (auto& [id, vector] : edit.deletion_vectors) {
    VARVE_ASSIGN(FileMeta * file, FindFile(version, edit, id));
    VARVE_TRY(CheckVector(vector, *file));
    file->deletion_vector = std::move(vector);
  }
  return {};
}

Status ApplyFiles(Version& version, VersionEdit& edit) {
  const std::set<Uuid> removed(edit.removed_files.begin(), edit.removed_files.end());
  if (removed.size() != edit.removed_files.size()) {
    return InvalidArgument("the edit removes a file twice");
  }
  const bool restores = edit.kind == EditKind::kRestore;
  for (const FileMeta& file : edit.added_files) {
    if ((removed.contains(file.id) && !restores) || edit.deletion_vectors.contains(file.id)) {
      return InvalidArgument("the edit adds the file '{}' and also removes or masks it", file.path);
    }
  }
  for (const Uuid& id : edit.removed_files) {
    if (edit.deletion_vectors.contains(id)) {
      return InvalidArgument("the edit removes the file {} and also masks it", id.ToString());
    }
    VARVE_TRY(FindFile(version, edit, id));
  }
  VARVE_TRY(ApplyMasks(version, edit));
  for (const Uuid& id : edit.removed_files) {
    version.files.erase(id);
    version.masked_at.erase(id);
  }
  for (FileMeta& file : edit.added_files) {
    VARVE_TRY(CheckFile(version, file));
    const Uuid id = file.id;
    if (removed.contains(id)) {
      version.masked_at[id] = VersionId(version.id.value() + 1);
    }
    if (!version.files.try_emplace(id, std::move(file)).second) {
      return InvalidArgument("the file {} is added twice", id.ToString());
    }
  }
  return {};
}

Status ApplyProgress(Version& version, const VersionEdit& edit) {
  if (edit.flushed) {
    if (*edit.flushed < version.flushed) {
      return InvalidArgument("the edit goes back in 'flushed' from {} to {}", version.flushed,
                             *edit.flushed);
    }
    version.flushed = *edit.flushed;
  }
  if (edit.operation_id) {
    if (edit.operation_id->empty() || edit.operation_id->size() > kOperationIdBytesMax) {
      return InvalidArgument("an operation id has 1 to {} bytes, this one {}", kOperationIdBytesMax,
                             edit.operation_id->size());
    }
    const auto [entry, added] =
        version.operations.try_emplace(*edit.operation_id, VersionId(version.id.value() + 1));
    if (!added) {
      return AlreadyExists("the operation '{}' was committed by version {}", *edit.operation_id,
                           entry->second);
    }
  }
  return {};
}

}  // namespace

uint64_t Version::row_count() const {
  uint64_t rows = 0;
  for (const auto& [id, file] : files) {
    rows += file.rows - (file.deletion_vector ? file.deletion_vector->rows : 0);
  }
  return rows;
}

VersionSummary VersionSummary::Of(const Version& version) {
  VersionSummary out{.id = version.id,
                     .committed_at = version.committed_at,
                     .kind = version.kind,
                     .schema_id = version.schema->schema_id(),
                     .rows = version.row_count(),
                     .files = version.files.size()};
  for (const auto& [id, file] : version.files) {
    out.bytes += file.size_bytes;
  }
  return out;
}

Result<Version> Apply(Version base, VersionEdit edit, TimestampUs now) {
  VARVE_TRY(CheckKind(base, edit));
  VARVE_TRY(ApplyProgress(base, edit));
  VARVE_TRY(ApplySchema(base, edit));
  VARVE_TRY(ApplyFiles(base, edit));
  const bool first = base.id == VersionId();
  base.id = VersionId(base.id.value() + 1);
  base.committed_at = first ? now : std::max(now, TimestampUs(base.committed_at.value() + 1));
  base.kind = edit.kind;
  base.other_kind = std::move(edit.other_kind);
  for (const auto& [id, vector] : edit.deletion_vectors) {
    base.masked_at[id] = base.id;
  }
  return base;
}

}  // namespace varve
