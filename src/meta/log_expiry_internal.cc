#include "meta/log_expiry_internal.h"

#include <map>
#include <set>
#include <utility>

#include "meta/log_format.h"

namespace varve {
namespace {

VersionId Before(VersionId id) { return VersionId(id.value() - 1); }

std::set<VersionId> Kept(const LogListing& listing, std::span<const CommittedVersion> versions,
                         const std::vector<VersionId>& chosen) {
  std::set<VersionId> kept;
  for (const CommittedVersion& version : versions) {
    kept.insert(kept.end(), version.id);
  }
  for (const VersionId id : chosen) {
    if (id != listing.newest()) {
      kept.erase(id);
    }
  }
  return kept;
}

// Takes what is below `oldest` and not kept out of `after`. Returns the bytes removed, by version.
std::map<VersionId, uint64_t> Remove(std::string_view folder, const std::set<VersionId>& kept,
                                     VersionId oldest, LogListing& after, ExpiryPlan& plan) {
  std::map<VersionId, uint64_t> bytes;
  const auto remove = [&](std::map<VersionId, uint64_t>& files, VersionId id, std::string path) {
    bytes[id] += files.at(id);
    plan.expiry.removed_bytes += files.at(id);
    plan.removals.push_back(std::move(path));
    files.erase(id);
  };
  std::set<VersionId> below;
  for (const auto* files : {&after.edits, &after.checkpoints}) {
    for (auto file = files->begin(); file != files->end() && file->first < oldest; ++file) {
      below.insert(file->first);
    }
  }
  for (const VersionId id : below) {
    if (kept.contains(id)) {
      continue;
    }
    if (after.checkpoints.contains(id)) {
      remove(after.checkpoints, id, CheckpointPath(folder, id));
    }
    const bool laggard = after.newest().value() - id.value() < kLaggardVersions;
    if (after.edits.contains(id) && (!laggard || id == VersionId(1))) {
      remove(after.edits, id, EditPath(folder, id));
    }
  }
  return bytes;
}

// Histories of which no version is kept. They go last: the others are read faster with them.
void RemoveHistories(std::string_view folder, const std::set<VersionId>& kept, VersionId oldest,
                     LogListing& after, ExpiryPlan& plan) {
  std::erase_if(after.histories, [&](const HistoryFile& history) {
    const auto first = kept.lower_bound(history.range.first);
    const bool needed =
        history.range.last >= oldest || (first != kept.end() && *first <= history.range.last);
    if (!needed) {
      plan.removals.push_back(HistoryPath(folder, history.range));
      plan.expiry.removed_bytes += history.size_bytes;
    }
    return !needed;
  });
}

// Which versions cannot be loaded any more when the log looks like that.
std::vector<Expiry::Hidden> Hidden(const LogListing& after,
                                   std::span<const CommittedVersion> versions,
                                   const std::map<VersionId, uint64_t>& bytes) {
  std::vector<Expiry::Hidden> hidden;
  const std::vector<VersionRun> runs = after.Runs();
  auto run = runs.begin();
  for (const CommittedVersion& version : versions) {
    while (run != runs.end() && run->last < version.id) {
      ++run;
    }
    if (run == runs.end() || version.id < run->first) {
      const auto removed = bytes.find(version.id);
      hidden.push_back({version, removed == bytes.end() ? 0 : removed->second});
    }
  }
  return hidden;
}

}  // namespace

ExpiryPlan PlanExpiry(std::string_view folder, const LogListing& listing,
                      std::span<const CommittedVersion> versions,
                      const std::vector<VersionId>& chosen) {
  const std::set<VersionId> kept = Kept(listing, versions, chosen);
  // All from here on follow each other and stand on one base; what is kept below is held one by
  // one.
  VersionId oldest = listing.newest();
  while (kept.contains(Before(oldest))) {
    oldest = Before(oldest);
  }
  ExpiryPlan plan;
  LogListing after = listing;
  const bool hides = kept.size() < versions.size();
  for (auto id = kept.begin(); id != kept.end() && *id <= oldest; ++id) {
    const bool is_base = after.IsBase(*id);
    if (hides && !is_base) {
      plan.new_bases.push_back(*id);
      after.checkpoints.emplace(*id, 0);
    }
    if (hides || is_base) {
      plan.bases.push_back(*id);
    }
  }
  const auto bytes = Remove(folder, kept, oldest, after, plan);
  RemoveHistories(folder, kept, oldest, after, plan);
  plan.expiry.removed_files = plan.removals.size();
  plan.expiry.versions = Hidden(after, versions, bytes);
  plan.expiry.remaining = versions.size() - plan.expiry.versions.size();
  plan.after = std::move(after);
  return plan;
}

}  // namespace varve
