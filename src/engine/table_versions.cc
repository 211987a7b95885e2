// Older versions of a table: which one is meant, reading it, and going back to it.
#include <algorithm>

#include "base/units.h"
#include "engine/table.h"

namespace varve {
namespace {

// Versions that have been read from the log and are asked for again, as by the queries of a
// dashboard. They hold their files until the next expiry.
constexpr size_t kLoadedVersionsMax = 8;
// In a message.
constexpr size_t kNamedSavepointsMax = 8;

// "3 to 9, 12 and 20 to 100"
std::string RangesOf(const std::vector<VersionSummary>& versions) {
  std::vector<std::string> ranges;
  for (size_t begin = 0; begin < versions.size();) {
    size_t end = begin + 1;
    while (end < versions.size() && versions[end].id.value() == versions[end - 1].id.value() + 1) {
      ++end;
    }
    ranges.push_back(end - begin == 1
                         ? fmt::format("{}", versions[begin].id)
                         : fmt::format("{} to {}", versions[begin].id, versions[end - 1].id));
    begin = end;
  }
  const size_t shown = std::min(ranges.size(), kNamedSavepointsMax);
  std::string out;
  for (size_t i = ranges.size() - shown; i < ranges.size(); ++i) {
    out += (out.empty() ? "" : ", ") + ranges[i];
  }
  return (shown < ranges.size() ? "…, " : "") + out;
}

}  // namespace

Result<std::vector<VersionSummary>> Table::Versions() const { return log()->Summaries(); }

Result<std::map<VersionId, uint64_t>> Table::OwnBytes() const { return log()->OwnBytes(); }

std::string Table::DescribeVersions() const {
  const auto versions = Versions();
  const auto savepoints = savepoints_.List();
  if (!versions || !savepoints) {
    return "what there is cannot be read";
  }
  std::string out = fmt::format("there are snapshots {}, the oldest of {}", RangesOf(*versions),
                                FormatTimestamp(versions->front().committed_at.value()));
  if (savepoints->empty()) {
    return out + ", and no savepoints";
  }
  out += savepoints->size() == 1 ? ", and savepoint" : ", and savepoints";
  const size_t shown = std::min(savepoints->size(), kNamedSavepointsMax);
  for (size_t i = savepoints->size() - shown; i < savepoints->size(); ++i) {
    const Savepoint& savepoint = (*savepoints)[i];
    out += fmt::format(" {}{}{}", savepoint.id,
                       savepoint.name.empty() ? "" : fmt::format(" ('{}')", savepoint.name),
                       i + 1 < savepoints->size() ? "," : "");
  }
  return out + (shown < savepoints->size() ? " and older ones" : "");
}

void Table::ForgetLoadedVersions() const {
  std::lock_guard lock(loaded_mutex_);
  loaded_.clear();
}

Result<std::shared_ptr<const Version>> Table::LoadVersion(VersionId id) const {
  if (auto now = version(); now->id == id) {
    return now;
  }
  std::shared_ptr<const Version> loaded;
  {
    std::lock_guard lock(loaded_mutex_);
    const auto found = std::ranges::find(loaded_, id, [](const auto& v) { return v->id; });
    if (found != loaded_.end()) {
      loaded = *found;
      loaded_.erase(found);
    }
  }
  if (loaded == nullptr) {
    VARVE_ASSIGN(loaded, log()->Load(id));
  }
  std::lock_guard lock(loaded_mutex_);
  loaded_.push_front(loaded);
  if (loaded_.size() > kLoadedVersionsMax) {
    loaded_.pop_back();
  }
  return loaded;
}

Result<std::shared_ptr<const Version>> Table::FindVersion(const VersionRef& ref) const {
  const auto none = [&](std::string_view why) {
    return NotFound("table {} has no {}: {}; {}", name(), Describe(ref), why, DescribeVersions());
  };
  std::optional<VersionId> id;
  if (const auto* version = std::get_if<VersionId>(&ref)) {
    id = *version;
  } else if (const auto* time = std::get_if<TimestampUs>(&ref)) {
    const TimestampUs now = services_.clock->Now();
    if (*time > now && *time > this->version()->committed_at) {
      return InvalidArgument("{} is in the future: it is {}, and table {} may change until then",
                             Describe(ref), FormatTimestamp(now.value()), name());
    }
    VARVE_ASSIGN(const auto versions, Versions());
    const auto after = std::ranges::upper_bound(versions, *time, {}, &VersionSummary::committed_at);
    if (after == versions.begin()) {
      return NotFound("table {} has no snapshot that was committed at or before {}; {}", name(),
                      Describe(ref), DescribeVersions());
    }
    id = std::prev(after)->id;
  } else {
    const auto* savepoint = std::get_if<SavepointId>(&ref);
    VARVE_ASSIGN(const auto found, savepoint != nullptr
                                       ? savepoints_.Find(*savepoint)
                                       : savepoints_.Find(std::get<SavepointName>(ref).text));
    if (!found) {
      return none("it was dropped or never was");
    }
    id = found->saved_snapshot_id;
  }
  auto version = LoadVersion(*id);
  if (!version && version.error().kind == ErrorKind::kNotFound) {
    return none("it has expired or never was");
  }
  return version;
}

ReadView Table::ViewAt(std::shared_ptr<const Version> version) const {
  ReadView view;
  view.schema = version->schema;
  view.visible_from = VisibleFrom(version->options, version->committed_at);
  view.files = services_.files;
  view.table = weak_from_this().lock();
  view.version = std::move(version);
  return view;
}

VersionEdit Table::RestoreOf(const Version& current, const Version& target) {
  VersionEdit edit;
  edit.kind = EditKind::kRestore;
  edit.base = current.id;
  for (const auto& [id, file] : current.files) {
    const auto kept = target.files.find(id);
    if (kept == target.files.end() || kept->second.deletion_vector != file.deletion_vector) {
      edit.removed_files.push_back(id);
    }
  }
  for (const auto& [id, file] : target.files) {
    const auto there = current.files.find(id);
    if (there == current.files.end() || there->second.deletion_vector != file.deletion_vector) {
      edit.added_files.push_back(file);
    }
  }
  if (target.schema->columns() != current.schema->columns()) {
    edit.schema = target.schema->AsSuccessorOf(*current.schema);
  }
  return edit;
}

Result<std::shared_ptr<const Version>> Table::Rollback(const VersionRef& ref) {
  VARVE_ASSIGN(const auto target, FindVersion(ref));
  std::lock_guard layout(layout_mutex_);
  // What would be written meanwhile has been judged late or not by rows that are not there then.
  const PausedWrites paused = PauseWrites();
  if (dropped_) {
    return NotFound("Table not found, table:{}", name());
  }
  VARVE_TRY(Flush());
  std::lock_guard committing(commit_mutex_);
  VARVE_TRY(ReopenLogIfUncertain());
  VersionEdit edit = RestoreOf(*version(), *target);
  if (edit.added_files.empty() && edit.removed_files.empty() && !edit.schema) {
    return version();
  }
  auto committed = Commit(std::move(edit));
  if (!committed) {
    return std::unexpected(committed.error().WithContext(
        fmt::format("rolling back table {} to {}", name(), Describe(ref))));
  }
  return committed;
}

}  // namespace varve
