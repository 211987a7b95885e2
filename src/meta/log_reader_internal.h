// LogReader: what the files of a log of versions say: one version after another, or one that is
// asked for. The traits are those of version_log_internal.h. Private to this folder.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/log.h"
#include "base/result.h"
#include "meta/log_files_internal.h"
#include "meta/log_format.h"
#include "store/object_store.h"

namespace varve {

// Thread-safe. The store outlives it.
template <class Traits>
class LogReader {
 public:
  using State = typename Traits::State;
  using Edit = typename Traits::Edit;
  using Step = typename Traits::Step;

  // A version while nobody shares it, so that replaying copies nothing; State{} is before the
  // first.
  struct Point {
    State state = {};
    std::string edit_sha256 = {};      // of the file of its edit; empty before version 1
    VersionId newest_checkpoint = {};  // up to here, of those that could be read
  };

  LogReader(ObjectStore& store, std::string folder) : store_(store), folder_(std::move(folder)) {}

  ObjectStore& store() const { return store_; }
  const std::string& folder() const { return folder_; }

  Result<LogListing> List() const { return ListLog(store_, folder_); }

  // An edit that was read as the one after a version.
  struct NextEdit {
    DecodedEdit<Edit> decoded;
    std::string path;
    uint64_t size_bytes = 0;
    std::string sha256;
  };

  // The version after that one. Errors: kNotFound when its file is not there.
  Result<Point> ReadNext(Point point) const {
    VARVE_ASSIGN(NextEdit edit, ReadEdit(point));
    return ApplyRead(std::move(point), std::move(edit));
  }

  Result<NextEdit> ReadEdit(const Point& point) const {
    const VersionId id(point.state.id.value() + 1);
    std::string path = EditPath(folder_, id);
    VARVE_ASSIGN(const std::string bytes, store_.Get(path));
    auto decoded = Traits::DecodeEdit(bytes);
    if (!decoded) {
      return DecodeFailed(store_, path, decoded.error());
    }
    const EditLink& link = decoded->link;
    if (link.version != id) {
      return Damaged(store_, path, fmt::format("it holds version {}", link.version));
    }
    if (link.parent_sha256 != point.edit_sha256) {
      return Damaged(store_, path,
                     fmt::format("it does not name the file of version {} as its parent, so one of "
                                 "the two is not the file that was written",
                                 point.state.id));
    }
    return NextEdit{*std::move(decoded), std::move(path), bytes.size(), Sha256Hex(bytes)};
  }

  Result<Point> ApplyRead(Point point, NextEdit edit) const {
    const TimestampUs committed_at = edit.decoded.link.committed_at;
    auto next = Traits::Apply(std::move(point.state), std::move(edit.decoded.edit), committed_at);
    if (!next) {
      return Damaged(store_, edit.path, next.error().message);
    }
    if (next->committed_at != committed_at) {
      return Damaged(store_, edit.path, "it is not younger than the version before it");
    }
    return Point{*std::move(next), std::move(edit.sha256), point.newest_checkpoint};
  }

  // A version, and what has changed from the one before it.
  struct Stepped {
    Point point;
    Step step;
  };

  // The version after that one. Errors: as ReadNext.
  Result<Stepped> ReadStep(Point point) const {
    VARVE_ASSIGN(NextEdit edit, ReadEdit(point));
    Step step = Traits::StepOf(edit.decoded.edit);
    step.edit_bytes = edit.size_bytes;
    step.edit_sha256 = edit.sha256;
    VARVE_ASSIGN(point, ApplyRead(std::move(point), std::move(edit)));
    step.summary = Traits::Summarize(point.state);
    return Stepped{std::move(point), std::move(step)};
  }

  Result<Point> ReadCheckpoint(VersionId id) const {
    const std::string path = CheckpointPath(folder_, id);
    const auto bytes = store_.Get(path);
    if (!bytes && bytes.error().kind == ErrorKind::kNotFound) {
      return Damaged(store_, path, "it was listed and is gone");
    }
    if (!bytes) {
      return std::unexpected(bytes.error());
    }
    auto decoded = Traits::DecodeCheckpoint(*bytes);
    if (!decoded) {
      return DecodeFailed(store_, path, decoded.error());
    }
    if (decoded->state.id != id) {
      return Damaged(store_, path, fmt::format("it holds version {}", decoded->state.id));
    }
    return Point{std::move(decoded->state), std::move(decoded->edit_sha256), id};
  }

  // Errors: kNotFound that names the oldest version there is; kCorruption when it is missing.
  Status CheckThere(const LogListing& listing, VersionId id) const {
    const std::vector<VersionRun> runs = listing.Runs();
    const auto after =
        std::ranges::find_if(runs, [&](const VersionRun& run) { return id < run.first; });
    if (after != runs.begin() && id <= std::prev(after)->last) {
      return {};
    }
    const bool beyond = id > listing.newest();
    if (!beyond && after != runs.begin() && !listing.IsBase(std::prev(after)->last)) {
      return Missing(VersionId(std::prev(after)->last.value() + 1), id);
    }
    if (runs.empty()) {
      return NotFound("version {} is not in '{}' of {}: there is none", id, folder_,
                      store_.Describe());
    }
    return NotFound(
        "version {} is not in '{}' of {}: it has expired or never was; the oldest one there is {}, "
        "the newest {}",
        id, folder_, store_.Describe(), runs.front().first, runs.back().last);
  }

  Result<std::vector<VersionId>> VersionsIn(const LogListing& listing) const {
    if (const auto missing = FirstMissing(listing)) {
      return Missing(*missing, listing.newest());
    }
    std::vector<VersionId> versions;
    for (const VersionRun& run : listing.Runs()) {
      for (uint64_t id = run.first.value(); id <= run.last.value(); ++id) {
        versions.emplace_back(id);
      }
    }
    return versions;
  }

  static bool HoldsOneOf(const VersionRun& run, const std::set<VersionId>& held) {
    const auto first = held.lower_bound(run.first);
    return first != held.end() && *first <= run.last;
  }

  Status CheckGaps(const LogListing& listing, const std::set<VersionId>& held) const {
    for (const VersionRun& run : listing.Runs()) {
      if (run.last != listing.newest() && !HoldsOneOf(run, held)) {
        return Missing(VersionId(run.last.value() + 1), listing.newest());
      }
    }
    return {};
  }

  // The version that a run begins with, and nothing before it.
  Result<Point> ReadBase(const LogListing& listing, VersionId id) const {
    return listing.checkpoints.contains(id) ? ReadCheckpoint(id) : ReadNext(Point());
  }

  // The version, from the newest checkpoint that can be read and the edits after it.
  Result<Point> Replay(const LogListing& listing, VersionId target) const {
    Point point;
    std::optional<Error> damage;  // of the newest checkpoint, when it cannot be read
    for (auto it = listing.checkpoints.upper_bound(target); it != listing.checkpoints.begin();) {
      auto checkpoint = ReadCheckpoint((--it)->first);
      if (checkpoint) {
        point = *std::move(checkpoint);
        break;
      }
      if (checkpoint.error().kind != ErrorKind::kCorruption) {
        return std::unexpected(checkpoint.error());
      }
      LogWarn("{}; an older checkpoint is used", checkpoint.error().message);
      damage = damage ? std::move(damage) : std::move(checkpoint).error();
    }
    auto replayed = ReplayFrom(std::move(point), listing, target);
    if (!replayed && damage && replayed.error().kind == ErrorKind::kCorruption) {
      return Corruption("{}; and without it: {}", damage->message, replayed.error().message);
    }
    return replayed;
  }

  Result<Point> ReplayFrom(Point point, const LogListing& listing, VersionId target) const {
    while (point.state.id < target) {
      const VersionId id(point.state.id.value() + 1);
      if (!listing.edits.contains(id)) {
        return Missing(id, target);
      }
      auto next = ReadNext(std::move(point));
      if (!next && next.error().kind == ErrorKind::kNotFound) {
        return Missing(id, target);
      }
      if (!next) {
        return std::unexpected(next.error());
      }
      point = *std::move(next);
    }
    return point;
  }

  std::unexpected<Error> Missing(VersionId id, VersionId target) const {
    return Corruption(
        "the file '{}' of {} is missing, later versions up to {} are there; restore this file from "
        "a backup, nothing was changed",
        EditPath(folder_, id), store_.Describe(), target);
  }

 private:
  ObjectStore& store_;
  const std::string folder_;
};

}  // namespace varve
