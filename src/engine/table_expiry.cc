// What leaves a table with time: rows past the ttl, and old versions.
#include <algorithm>

#include "engine/table.h"

namespace varve {

TimestampUs Table::visible_from() const {
  std::lock_guard lock(state_mutex_);
  return VisibleFrom(version_->options, services_.clock->Now());
}

Result<ExpiredFiles> Table::ExpireFiles() {
  const auto expired_in = [](const Version& version, TimestampUs oldest) {
    std::vector<const FileMeta*> files;
    for (const auto& [id, file] : version.files) {
      if (file.time_max < oldest) {
        files.push_back(&file);
      }
    }
    return files;
  };
  if (expired_in(*version(), visible_from()).empty()) {
    return ExpiredFiles();
  }
  std::lock_guard committing(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  const auto base = version();
  ExpiredFiles out;
  VersionEdit edit;
  edit.kind = EditKind::kExpire;
  for (const FileMeta* file : expired_in(*base, visible_from())) {
    edit.removed_files.push_back(file->id);
    ++out.files;
    out.rows += file->rows - (file->deletion_vector ? file->deletion_vector->rows : 0);
    out.bytes += file->size_bytes;
  }
  if (edit.removed_files.empty() || dropped_) {
    return ExpiredFiles();
  }
  VARVE_TRY(Commit(std::move(edit)));
  return out;
}

std::shared_ptr<TableLog> Table::log() const {
  std::lock_guard lock(state_mutex_);
  return log_;
}

VersionId Table::current_version() const { return version()->id; }

Result<Expiry> Table::ExpireVersions(const RetentionRule& rule, ExpiryMode mode) {
  std::lock_guard pinning(pins_mutex_);
  VARVE_ASSIGN(const std::set<VersionId> pinned, PinnedVersions());
  ForgetLoadedVersions();
  return log()->Expire(rule, pinned, mode, services_.versions_per_history);
}

std::vector<std::shared_ptr<const Version>> Table::LiveVersions() const {
  const auto log = this->log();
  std::vector<std::shared_ptr<const Version>> versions = log->live();
  std::lock_guard lock(state_mutex_);
  versions.push_back(version_);
  for (const auto& former : former_versions_) {
    if (auto version = former.lock()) {
      versions.push_back(std::move(version));
    }
  }
  return versions;
}

Result<std::set<std::string>> Table::References() const {
  ForgetLoadedVersions();
  std::set<std::string> paths;
  {
    // An expiry in between would leave gaps behind versions that were not pinned yet.
    std::lock_guard pinning(pins_mutex_);
    VARVE_ASSIGN(const std::set<VersionId> pinned, PinnedVersions());
    VARVE_ASSIGN(paths, log()->References(pinned));
  }
  paths.merge(LiveReferences());
  return paths;
}

std::set<std::string> Table::LiveReferences() const {
  std::set<std::string> paths;
  for (const auto& version : LiveVersions()) {
    for (const auto& [id, file] : version->files) {
      paths.insert(file.path);
      if (file.deletion_vector) {
        paths.insert(file.deletion_vector->path);
      }
    }
  }
  return paths;
}

std::set<Uuid> Table::unfinished_files() const { return unfinished_.Now(); }

}  // namespace varve
