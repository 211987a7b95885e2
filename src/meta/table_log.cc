#include "meta/table_log.h"

#include <algorithm>
#include <utility>

#include "meta/file_lifetimes_internal.h"
#include "meta/history_format.h"
#include "meta/version_format.h"
#include "meta/version_log_internal.h"

namespace varve {

struct TableTraits {
  using State = Version;
  using Edit = VersionEdit;
  using Summary = VersionSummary;
  using Step = VersionStep;
  static constexpr bool kHasHistories = true;
  static VersionStep StepOf(const VersionEdit& edit) { return VersionStep::Of(edit); }
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
                                ExpiryMode mode, uint64_t versions_per_history) {
  return log_->Expire(
      [&](std::span<const CommittedVersion> versions) {
        return VersionsToExpire(versions, rule, log_->Now(), held);
      },
      mode, versions_per_history);
}

Result<std::set<std::string>> TableLog::References(const std::set<VersionId>& held) const {
  FileLifetimes lifetimes;
  VARVE_TRY(log_->Visit(held, lifetimes));
  std::vector<FileUse> uses = std::move(lifetimes).Finish();
  std::ranges::sort(uses, {}, &FileUse::path);
  std::set<std::string> paths;
  for (FileUse& use : uses) {
    paths.insert(paths.end(), std::move(use.path));
  }
  return paths;
}

Result<std::map<VersionId, uint64_t>> TableLog::OwnBytes() const {
  FileLifetimes lifetimes;
  VARVE_TRY(log_->VisitAll(lifetimes));
  std::vector<FileUse> uses = std::move(lifetimes).Finish();
  std::erase_if(uses, [](const FileUse& use) { return use.kind != FileUse::Kind::kData; });
  std::ranges::sort(uses, {}, &FileUse::file);
  std::map<VersionId, uint64_t> bytes;
  for (size_t i = 0; i < uses.size(); ++i) {
    const bool comes_back = (i > 0 && uses[i - 1].file == uses[i].file) ||
                            (i + 1 < uses.size() && uses[i + 1].file == uses[i].file);
    if (uses[i].versions == 1 && !comes_back) {
      bytes[uses[i].first] += uses[i].size_bytes;
    }
  }
  return bytes;
}

std::vector<std::shared_ptr<const Version>> TableLog::live() const { return log_->live(); }

}  // namespace varve
