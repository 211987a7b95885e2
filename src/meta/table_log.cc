#include "meta/table_log.h"

#include <utility>

#include "meta/version_format.h"
#include "meta/version_log_internal.h"

namespace varve {

struct TableTraits {
  using State = Version;
  using Edit = VersionEdit;
  using Summary = VersionSummary;
  static Summary Summarize(const Version& version) { return VersionSummary::Of(version); }
  static Result<Version> Apply(Version base, VersionEdit edit, TimestampUs now) {
    return varve::Apply(std::move(base), std::move(edit), now);
  }
  static Result<std::string> EncodeEdit(const VersionEdit& edit, const EditLink& link) {
    return EncodeTableEdit(edit, link);
  }
  static Result<std::string> EncodeCheckpoint(const Version& version, std::string_view sha256) {
    return EncodeTableCheckpoint(version, sha256);
  }
  static Result<DecodedEdit<VersionEdit>> DecodeEdit(std::string_view bytes) {
    return DecodeTableEdit(bytes);
  }
  static Result<DecodedCheckpoint<Version>> DecodeCheckpoint(std::string_view bytes) {
    return DecodeTableCheckpoint(bytes);
  }
};

namespace {

using Log = VersionLog<TableTraits>;

void Add(const FileMeta& file, std::set<std::string>& paths) {
  paths.insert(file.path);
  if (file.deletion_vector) {
    paths.insert(file.deletion_vector->path);
  }
}

class LogWalk final : public VersionWalk {
 public:
  explicit LogWalk(Log::Walk walk) : walk_(std::move(walk)) {}
  Result<std::shared_ptr<const Version>> Next() override { return walk_.Next(); }

 private:
  Log::Walk walk_;
};

std::string LogFolder(const Uuid& table) { return TableLog::Folder(table) + "/log"; }

}  // namespace

TableLog::TableLog(std::unique_ptr<Log> log) : log_(std::move(log)) {}

TableLog::~TableLog() = default;

std::string TableLog::Folder(const Uuid& table) { return "tables/" + table.ToString(); }

Result<std::unique_ptr<TableLog>> TableLog::Create(ObjectStore& store, const Clock& clock,
                                                   const Uuid& table, TableSchema schema,
                                                   TableOptions options) {
  VersionEdit first;
  first.kind = EditKind::kCreate;
  first.schema = std::move(schema);
  first.options = std::move(options);
  VARVE_ASSIGN(auto log, Log::Create(store, clock, LogFolder(table), std::move(first)));
  return std::unique_ptr<TableLog>(new TableLog(std::move(log)));
}

Result<std::unique_ptr<TableLog>> TableLog::CreateClone(ObjectStore& store, const Clock& clock,
                                                        const Uuid& table, const Version& version) {
  VersionEdit first;
  first.kind = EditKind::kCreate;
  for (const auto& [id, schema] : version.schemas) {
    if (schema != version.schema) {
      first.former_schemas.push_back(*schema);
    }
  }
  first.schema = *version.schema;
  first.options = version.options;
  first.flushed = version.flushed;
  for (const auto& [id, file] : version.files) {
    first.added_files.push_back(file);
  }
  VARVE_ASSIGN(auto log, Log::Create(store, clock, LogFolder(table), std::move(first)));
  return std::unique_ptr<TableLog>(new TableLog(std::move(log)));
}

Result<std::unique_ptr<TableLog>> TableLog::Open(ObjectStore& store, const Clock& clock,
                                                 const Uuid& table) {
  VARVE_ASSIGN(auto log, Log::Open(store, clock, LogFolder(table)));
  return std::unique_ptr<TableLog>(new TableLog(std::move(log)));
}

std::shared_ptr<const Version> TableLog::current() const { return log_->current(); }

Result<std::shared_ptr<const Version>> TableLog::Commit(VersionEdit edit) {
  return log_->Commit([&](const Version&) { return edit; });
}

Result<std::shared_ptr<const Version>> TableLog::Load(VersionId id) const { return log_->Load(id); }

Result<std::unique_ptr<VersionWalk>> TableLog::Walk(VersionId after) const {
  VARVE_ASSIGN(Log::Walk walk, log_->WalkFrom(after));
  return std::make_unique<LogWalk>(std::move(walk));
}

Result<std::vector<VersionId>> TableLog::Versions() const { return log_->Versions(); }

Result<std::vector<VersionSummary>> TableLog::Summaries() const { return log_->Summaries(); }

std::optional<VersionSummary> TableLog::SummaryOf(VersionId id) const {
  return log_->KnownSummary(id);
}

Result<Expiry> TableLog::Expire(const RetentionRule& rule, const std::set<VersionId>& held,
                                ExpiryMode mode) {
  return log_->Expire(
      [&](std::span<const CommittedVersion> versions) {
        return VersionsToExpire(versions, rule, log_->Now(), held);
      },
      mode);
}

Result<std::set<std::string>> TableLog::References(const std::set<VersionId>& held) const {
  std::set<std::string> paths;
  VARVE_TRY(log_->ForEach(
      held,
      [&](const Version& base) {
        for (const auto& [id, file] : base.files) {
          Add(file, paths);
        }
      },
      [&](const VersionEdit& edit) {
        for (const FileMeta& file : edit.added_files) {
          Add(file, paths);
        }
        for (const auto& [id, vector] : edit.deletion_vectors) {
          paths.insert(vector.path);
        }
      }));
  return paths;
}

std::vector<std::shared_ptr<const Version>> TableLog::live() const { return log_->live(); }

}  // namespace varve
