// VersionLog: a log of versions, as TableLog and Catalogue use it. One file per version, made once:
// `<folder>/<version>` is the edit that made it, `<folder>/checkpoint-<version>` a whole version,
// from which reading starts. A version exists when its edit's file does. Private to this folder.
//
// Traits say what a version is:
//   State, Edit              with State::id and State::committed_at; State{} is what the first edit
//   is applied to Apply(State, Edit, now)  -> Result<State> EncodeEdit(Edit, EditLink),
//   EncodeCheckpoint(State, edit_sha256)   -> Result<std::string> DecodeEdit(bytes),
//   DecodeCheckpoint(bytes)                         -> Result<DecodedEdit / DecodedCheckpoint>
//
// Locks: `commit_mutex_` is held across the I/O of a commit and orders commits; `state_mutex_` is
// held for copies of pointers only, so that readers never wait for I/O.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "meta/log_files_internal.h"
#include "meta/log_format.h"
#include "store/object_store.h"

namespace varve {

// Each lost attempt is another's success; who loses so often competes with a process that should
// not be there.
inline constexpr int kCommitAttemptsMax = 100;

// Thread-safe. The store and the clock outlive it.
template <class Traits>
class VersionLog {
 public:
  using State = typename Traits::State;
  using Edit = typename Traits::Edit;
  using StatePtr = std::shared_ptr<const State>;
  // Makes the edit for the version that it will be applied to; called again after a lost attempt.
  using MakeEdit = std::function<Result<Edit>(const State&)>;

  // Makes version 1. Errors: kAlreadyExists; those of Apply and PutOnce.
  static Result<std::unique_ptr<VersionLog>> Create(ObjectStore& store, const Clock& clock,
                                                    std::string folder, Edit first) {
    std::unique_ptr<VersionLog> log(new VersionLog(store, clock, std::move(folder)));
    VARVE_ASSIGN(const PutOutcome outcome, log->Attempt(Point{}, first));
    if (outcome == PutOutcome::kTaken) {
      return AlreadyExists("there is a log already in '{}' of {}", log->folder_, store.Describe());
    }
    return log;
  }

  // Reads the newest version. Errors: kNotFound when there is no file of the log; kCorruption,
  // kNotSupported, kIo.
  static Result<std::unique_ptr<VersionLog>> Open(ObjectStore& store, const Clock& clock,
                                                  std::string folder) {
    std::unique_ptr<VersionLog> log(new VersionLog(store, clock, std::move(folder)));
    VARVE_ASSIGN(const LogListing listing, ListLog(store, log->folder_));
    if (listing.empty()) {
      return NotFound("there is no log in '{}' of {}", log->folder_, store.Describe());
    }
    VARVE_ASSIGN(Point newest, log->Replay(listing, listing.newest()));
    log->Publish(std::move(newest));
    return log;
  }

  StatePtr current() const {
    const std::lock_guard lock(state_mutex_);
    return current_;
  }

  // Durable and visible when it returns ok. Errors: those of `make_edit`, Apply and PutOnce;
  // kConflict (lost too often).
  Result<StatePtr> Commit(const MakeEdit& make_edit) {
    std::unique_lock commit_lock(commit_mutex_);
    for (int attempt = 0; attempt < kCommitAttemptsMax; ++attempt) {
      const auto outcome = MakeAndAttempt(make_edit);
      if (outcome == PutOutcome::kMade) {
        const Point made = head_;
        const bool checkpoint_due = ClaimCheckpoint();
        commit_lock.unlock();
        if (checkpoint_due) {
          WriteCheckpoint(made);
        }
        return made.state;
      }
      if (!outcome && !IsVerdictOnState(outcome.error().kind)) {
        return std::unexpected(outcome.error());
      }
      // A refusal counts only when it is by the newest version.
      const VersionId judged_by = head_.state->id;
      VARVE_TRY(CatchUp());
      if (!outcome && head_.state->id == judged_by) {
        return std::unexpected(outcome.error());
      }
    }
    return Conflict("the log '{}' of {} was changed by others {} times during one commit", folder_,
                    store_.Describe(), kCommitAttemptsMax);
  }

  // Errors: kNotFound when the version has expired or never was; as Open else.
  Result<StatePtr> Load(VersionId id) const {
    if (StatePtr held = FindLive(id)) {
      return held;
    }
    VARVE_ASSIGN(const LogListing listing, ListLog(store_, folder_));
    if (!listing.edits.contains(id) && !listing.checkpoints.contains(id)) {
      return NotFound("version {} is not in '{}' of {}: it has expired or never was", id, folder_,
                      store_.Describe());
    }
    VARVE_ASSIGN(Point point, Replay(listing, id));
    HandOut(point.state);
    return point.state;
  }

  // The versions that somebody still holds, and the current one.
  std::vector<StatePtr> live() const {
    const std::lock_guard lock(state_mutex_);
    std::vector<StatePtr> out;
    for (const auto& weak : handed_out_) {
      if (StatePtr state = weak.lock()) {
        out.push_back(std::move(state));
      }
    }
    return out;
  }

 private:
  // A version, and what the next one needs of it.
  struct Point {
    StatePtr state = std::make_shared<const State>();
    std::string edit_sha256;      // of the file of its edit; empty before version 1
    VersionId newest_checkpoint;  // up to here, of those that could be read
  };

  // The same while it is being read and nobody shares it, so that replaying copies nothing.
  struct ReadPoint {
    State state = {};
    std::string edit_sha256 = {};
    VersionId newest_checkpoint = {};
  };

  static Point Share(ReadPoint point) {
    return {std::make_shared<const State>(std::move(point.state)), std::move(point.edit_sha256),
            point.newest_checkpoint};
  }

  VersionLog(ObjectStore& store, const Clock& clock, std::string folder)
      : store_(store), clock_(clock), folder_(std::move(folder)) {}

  // Whether the error may be another one on top of a newer version.
  static bool IsVerdictOnState(ErrorKind kind) {
    return kind == ErrorKind::kNotFound || kind == ErrorKind::kAlreadyExists ||
           kind == ErrorKind::kConflict || kind == ErrorKind::kInvalidArgument;
  }

  Result<PutOutcome> MakeAndAttempt(const MakeEdit& make_edit) {
    VARVE_ASSIGN(const Edit edit, make_edit(*head_.state));
    return Attempt(head_, edit);
  }

  // Tries to make the version after `base` and, if that succeeds, publishes it. Before Create and
  // Open return there is one thread; else the caller holds commit_mutex_.
  Result<PutOutcome> Attempt(const Point& base, const Edit& edit) {
    VARVE_ASSIGN(State next, Traits::Apply(*base.state, edit, clock_.Now()));
    const EditLink link{next.id, next.committed_at, base.edit_sha256};
    VARVE_ASSIGN(const std::string bytes, Traits::EncodeEdit(edit, link));
    VARVE_ASSIGN(const PutOutcome outcome, PutOnce(store_, EditPath(folder_, next.id), bytes));
    if (outcome == PutOutcome::kMade) {
      Publish({std::make_shared<const State>(std::move(next)), Sha256Hex(bytes),
               base.newest_checkpoint});
    }
    return outcome;
  }

  // Loads what others have committed after head_. The caller holds commit_mutex_.
  Status CatchUp() {
    while (true) {
      auto next = ReadNext({*head_.state, head_.edit_sha256, head_.newest_checkpoint});
      if (!next) {
        const bool none = next.error().kind == ErrorKind::kNotFound;
        return none ? Status() : std::unexpected(next.error());
      }
      Publish(Share(*std::move(next)));
    }
  }

  // The version after that one. Errors: kNotFound when its file is not there.
  Result<ReadPoint> ReadNext(ReadPoint point) const {
    const VersionId id(point.state.id.value() + 1);
    const std::string path = EditPath(folder_, id);
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
    auto next = Traits::Apply(std::move(point.state), std::move(decoded->edit), link.committed_at);
    if (!next) {
      return Damaged(store_, path, next.error().message);
    }
    if (next->committed_at != link.committed_at) {
      return Damaged(store_, path, "it is not younger than the version before it");
    }
    return ReadPoint{*std::move(next), Sha256Hex(bytes), point.newest_checkpoint};
  }

  Result<ReadPoint> ReadCheckpoint(VersionId id) const {
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
    return ReadPoint{std::move(decoded->state), std::move(decoded->edit_sha256), id};
  }

  // The version, from the newest checkpoint that can be read and the edits after it.
  Result<Point> Replay(const LogListing& listing, VersionId target) const {
    ReadPoint point;
    std::optional<Error> damage;  // of the newest checkpoint, when it cannot be read
    for (auto it = listing.checkpoints.upper_bound(target); it != listing.checkpoints.begin();) {
      auto checkpoint = ReadCheckpoint(*--it);
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

  Result<Point> ReplayFrom(ReadPoint point, const LogListing& listing, VersionId target) const {
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
    return Share(std::move(point));
  }

  std::unexpected<Error> Missing(VersionId id, VersionId target) const {
    return Corruption(
        "the file '{}' of {} is missing, later versions up to {} are there; restore this file from "
        "a backup, nothing was changed",
        EditPath(folder_, id), store_.Describe(), target);
  }

  void Publish(Point point) {
    HandOut(point.state);
    const std::lock_guard lock(state_mutex_);
    current_ = point.state;
    head_ = std::move(point);
  }

  void HandOut(const StatePtr& state) const {
    const std::lock_guard lock(state_mutex_);
    std::erase_if(handed_out_, [](const auto& weak) { return weak.expired(); });
    handed_out_.push_back(state);
  }

  StatePtr FindLive(VersionId id) const {
    const std::lock_guard lock(state_mutex_);
    for (const auto& weak : handed_out_) {
      if (StatePtr state = weak.lock(); state != nullptr && state->id == id) {
        return state;
      }
    }
    return nullptr;
  }

  // Whether the caller, who holds commit_mutex_, is to write a checkpoint of head_.
  bool ClaimCheckpoint() {
    if (head_.state->id.value() - head_.newest_checkpoint.value() < kVersionsPerCheckpoint) {
      return false;
    }
    head_.newest_checkpoint = head_.state->id;
    return true;
  }

  // The version is committed, so that a failure costs time at the next Open and nothing else. It is
  // not repeated before the next 64 versions: a store that is full or down has more important
  // things to write.
  void WriteCheckpoint(const Point& point) const {
    const std::string path = CheckpointPath(folder_, point.state->id);
    const auto bytes = Traits::EncodeCheckpoint(*point.state, point.edit_sha256);
    const auto status = bytes ? store_.PutIfAbsent(path, *bytes) : std::unexpected(bytes.error());
    if (!status && status.error().kind != ErrorKind::kAlreadyExists) {
      LogWarn("the checkpoint '{}' of {} could not be written: {}", path, store_.Describe(),
              status.error().message);
    }
  }

  ObjectStore& store_;
  const Clock& clock_;
  const std::string folder_;
  std::mutex commit_mutex_;
  Point head_;  // under commit_mutex_
  mutable std::mutex state_mutex_;
  StatePtr current_;                                            // under state_mutex_
  mutable std::vector<std::weak_ptr<const State>> handed_out_;  // under state_mutex_
};

}  // namespace varve
