// VersionLog: a log of versions, as TableLog and Catalogue use it. One file per version, made once:
// `<folder>/<version>` is the edit that made it, `<folder>/checkpoint-<version>` a whole version,
// from which reading starts. A version exists when its edit's file does. Private to this folder.
//
// Traits say what a version is:
//   Summary                  with Summary::committed_at, and Summary Summarize(State)
//   Step                     what an edit changes: with Step::summary, Step::edit_bytes and
//   Step::edit_sha256, and Step StepOf(Edit), without these three
//   kHasHistories            whether Step is VersionStep, and histories are written and read
//   State, Edit              with State::id and State::committed_at; State{} is what the first edit
//   is applied to Apply(State, Edit, now)  -> Result<State> EncodeEdit(Edit, EditLink),
//   EncodeCheckpoint(State, edit_sha256)   -> Result<std::string> DecodeEdit(bytes),
//   DecodeCheckpoint(bytes)                         -> Result<DecodedEdit / DecodedCheckpoint>
//
// Locks: `commit_mutex_` is held across the I/O of a commit and orders commits; `state_mutex_` is
// held for copies of pointers only, so that readers never wait for I/O.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "meta/history_writer_internal.h"
#include "meta/log_expiry_internal.h"
#include "meta/log_files_internal.h"
#include "meta/log_format.h"
#include "meta/log_reader_internal.h"
#include "meta/log_tour_internal.h"
#include "meta/version_expiry.h"
#include "store/object_store.h"

namespace varve {

// Each lost attempt is another's success; who loses so often competes with a process that should
// not be there.
inline constexpr int kCommitAttemptsMax = 100;

// An expiry may take away what is being read; a log that changes under every look at it is not read
// at all.
inline constexpr int kReadAttemptsMax = 10;

// Of how many versions the summaries are kept in memory: some 25 MB, and more than a log has that
// is expired now and then.
inline constexpr size_t kSummariesMax = 200'000;

// Thread-safe. The store and the clock outlive it.
template <class Traits>
class VersionLog {
 private:
  // A version, and what the next one needs of it.
  struct Point {
    std::shared_ptr<const typename Traits::State> state =
        std::make_shared<const typename Traits::State>();
    std::string edit_sha256;      // of the file of its edit; empty before version 1
    VersionId newest_checkpoint;  // up to here, of those that could be read
  };

  using ReadPoint = typename LogReader<Traits>::Point;

 public:
  using State = typename Traits::State;
  using Edit = typename Traits::Edit;
  using Summary = typename Traits::Summary;
  using StatePtr = std::shared_ptr<const State>;
  using Reader = LogReader<Traits>;
  // Makes the edit for the version that it will be applied to; called again after a lost attempt.
  using MakeEdit = std::function<Result<Edit>(const State&)>;

  // Makes version 1. Errors: kAlreadyExists; those of Apply and PutOnce.
  static Result<std::unique_ptr<VersionLog>> Create(ObjectStore& store, const Clock& clock,
                                                    std::string folder, Edit first) {
    std::unique_ptr<VersionLog> log(new VersionLog(store, clock, std::move(folder)));
    VARVE_ASSIGN(const PutOutcome outcome, log->Attempt(Point{}, first));
    if (outcome == PutOutcome::kTaken) {
      return AlreadyExists("there is a log already in '{}' of {}", log->reader_.folder(),
                           store.Describe());
    }
    return log;
  }

  // Reads the newest version. Errors: kNotFound when there is no file of the log; kCorruption,
  // kNotSupported, kIo.
  static Result<std::unique_ptr<VersionLog>> Open(ObjectStore& store, const Clock& clock,
                                                  std::string folder) {
    std::unique_ptr<VersionLog> log(new VersionLog(store, clock, std::move(folder)));
    VARVE_ASSIGN(Point newest, log->Read([&](const LogListing& listing) -> Result<VersionId> {
      if (listing.empty()) {
        return NotFound("there is no log in '{}' of {}", log->reader_.folder(), store.Describe());
      }
      return listing.newest();
    }));
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
    return Conflict("the log '{}' of {} was changed by others {} times during one commit", folder(),
                    store().Describe(), kCommitAttemptsMax);
  }

  // Errors: kNotFound when the version has expired or never was; as Open else.
  Result<StatePtr> Load(VersionId id) const {
    if (StatePtr held = FindLive(id)) {
      return held;
    }
    VARVE_ASSIGN(Point point, Read([&](const LogListing& listing) -> Result<VersionId> {
                   VARVE_TRY(reader_.CheckThere(listing, id));
                   return id;
                 }));
    HandOut(point.state);
    return point.state;
  }

  // The versions after one, each read by its edit alone. One thread; the log outlives it.
  class Walk {
   public:
    // The next version; nullptr: there is none. Errors: as Load.
    Result<StatePtr> Next() {
      const VersionId id(point_.state->id.value() + 1);
      auto next =
          log_->reader_.ReadNext({*point_.state, point_.edit_sha256, point_.newest_checkpoint});
      if (!next && next.error().kind == ErrorKind::kNotFound) {
        // The edit of a version that an expiry has made a base of is gone, or there is none yet.
        VARVE_ASSIGN(const LogListing listing, log_->reader_.List());
        if (listing.newest() < id) {
          return nullptr;
        }
        VARVE_TRY(log_->reader_.CheckThere(listing, id));
        next = listing.checkpoints.contains(id) ? log_->reader_.ReadCheckpoint(id)
                                                : log_->reader_.Missing(id, listing.newest());
      }
      if (!next) {
        return std::unexpected(std::move(next).error());
      }
      point_ = Share(*std::move(next));
      log_->HandOut(point_.state);
      return point_.state;
    }

   private:
    friend class VersionLog;
    Walk(const VersionLog& log, Point point) : log_(&log), point_(std::move(point)) {}
    const VersionLog* log_;
    Point point_;
  };

  // Begins after that version; VersionId(): before the first one. Errors: as Load.
  Result<Walk> WalkFrom(VersionId id) const {
    if (id == VersionId()) {
      return Walk(*this, {});
    }
    VARVE_ASSIGN(Point point, Read([&](const LogListing& listing) -> Result<VersionId> {
                   VARVE_TRY(reader_.CheckThere(listing, id));
                   return id;
                 }));
    return Walk(*this, std::move(point));
  }

  TimestampUs Now() const { return clock_.Now(); }

  // The versions that can be loaded, in order. Errors: kCorruption when a file is missing; kIo.
  Result<std::vector<VersionId>> Versions() const {
    VARVE_ASSIGN(const LogListing listing, reader_.List());
    return reader_.VersionsIn(listing);
  }

  // Of the versions that can be loaded, in order, as far as this object knows: what other processes
  // have done since it looked is not in it. Errors: as Load, of any of them.
  Result<std::vector<Summary>> Summaries() const {
    {
      const std::lock_guard lock(state_mutex_);
      if (all_known_) {
        return Known();
      }
    }
    const std::lock_guard no_expiry(expiry_mutex_);
    VARVE_ASSIGN(const LogListing listing, ListAll());
    return WithSummaries(listing);
  }

  // nullopt: it was neither made nor met here.
  std::optional<Summary> KnownSummary(VersionId id) const {
    const std::lock_guard lock(state_mutex_);
    const auto found = summaries_.find(id);
    return found == summaries_.end() ? std::nullopt : std::optional(found->second);
  }

  // Shows the visitor (LogTour) all versions that can be loaded, from the store. Errors: as Load,
  // of any of them; those of the visitor; kCorruption when there is a gap behind versions of which
  // none is in `held`.
  template <class Visitor>
  Status Visit(const std::set<VersionId>& held, Visitor& visitor) const {
    VARVE_ASSIGN(const LogListing listing, ListAll());
    VARVE_TRY(reader_.CheckGaps(listing, held));
    return Visit(listing, visitor);
  }

  // The same without a look at gaps, and with nothing expiring meanwhile.
  template <class Visitor>
  Status VisitAll(Visitor& visitor) const {
    const std::lock_guard no_expiry(expiry_mutex_);
    VARVE_ASSIGN(const LogListing listing, ListAll());
    return Visit(listing, visitor);
  }

  // Hides the versions that `choose` picks out of all there are; the newest stays whatever it
  // picks. At every moment, and after a crash at any I/O, all others can be loaded. What an earlier
  // expiry has left is removed too. The edits of the newest kLaggardVersions stay as files, so that
  // a process which is behind finds out that it is. Errors: as Load, of what the versions that stay
  // need: nothing more was hidden; those of PutIfAbsent and Delete: the next expiry goes on. Then
  // writes the histories that are due.
  using Choose = std::function<std::vector<VersionId>(std::span<const CommittedVersion>)>;
  Result<Expiry> Expire(const Choose& choose, ExpiryMode mode, uint64_t versions_per_history) {
    const std::lock_guard one_at_a_time(expiry_mutex_);
    VARVE_ASSIGN(const LogListing listing, ListAll());
    VARVE_ASSIGN(const std::vector<Summary> summaries, WithSummaries(listing));
    std::vector<CommittedVersion> versions;
    versions.reserve(summaries.size());
    for (const Summary& summary : summaries) {
      versions.push_back({summary.id, summary.committed_at});
    }
    const ExpiryPlan plan = PlanExpiry(folder(), listing, versions, choose(versions));
    if (mode == ExpiryMode::kExpire) {
      for (const VersionId base : plan.new_bases) {
        VARVE_TRY(MakeBase(listing, base));
      }
      VARVE_TRY(RemoveAll(listing, plan));
      ForgetSummaries(plan);
      if constexpr (Traits::kHasHistories) {
        HistoryWriter<Traits>(reader_, plan.after, versions_per_history).WriteDue();
      }
    }
    return plan.expiry;
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
  ObjectStore& store() const { return reader_.store(); }
  const std::string& folder() const { return reader_.folder(); }

  static Point Share(ReadPoint point) {
    return {std::make_shared<const State>(std::move(point.state)), std::move(point.edit_sha256),
            point.newest_checkpoint};
  }

  VersionLog(ObjectStore& store, const Clock& clock, std::string folder)
      : reader_(store, std::move(folder)), clock_(clock) {}

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
    VARVE_ASSIGN(const PutOutcome outcome,
                 PutOnce(reader_.store(), EditPath(reader_.folder(), next.id), bytes));
    if (outcome == PutOutcome::kMade) {
      Publish({std::make_shared<const State>(std::move(next)), Sha256Hex(bytes),
               base.newest_checkpoint});
    }
    return outcome;
  }

  // Loads what others have committed after head_. The caller holds commit_mutex_.
  Status CatchUp() {
    while (true) {
      auto next = reader_.ReadNext({*head_.state, head_.edit_sha256, head_.newest_checkpoint});
      if (!next) {
        const bool none = next.error().kind == ErrorKind::kNotFound;
        return none ? Status() : std::unexpected(next.error());
      }
      Publish(Share(*std::move(next)));
    }
  }

  // damage is still there when it is looked at again.
  template <class Target>
  Result<Point> Read(const Target& target) const {
    VARVE_ASSIGN(LogListing listing, reader_.List());
    for (int attempt = 1;; ++attempt) {
      VARVE_ASSIGN(const VersionId id, target(listing));
      auto point = reader_.Replay(listing, id);
      if (point) {
        return Share(*std::move(point));
      }
      if (point.error().kind != ErrorKind::kCorruption || attempt == kReadAttemptsMax) {
        return std::unexpected(std::move(point).error());
      }
      VARVE_ASSIGN(LogListing again, reader_.List());
      if (again == listing) {
        return std::unexpected(std::move(point).error());
      }
      listing = std::move(again);
    }
  }

  // Errors: kCorruption when the newest version that is known here is not there.
  Result<LogListing> ListAll() const {
    const VersionId known = current()->id;
    VARVE_ASSIGN(LogListing listing, reader_.List());
    if (listing.newest() < known) {
      return reader_.Missing(VersionId(listing.newest().value() + 1), known);
    }
    return listing;
  }

  // --- expiry ---

  template <class Visitor>
  Status Visit(const LogListing& listing, Visitor& visitor) const {
    VARVE_TRY(reader_.VersionsIn(listing));
    return LogTour<Traits>(reader_, listing).Run(listing.newest(), visitor);
  }

  // Of all versions that the listing has: known for those that were made or met here, else read
  // once.
  Result<std::vector<Summary>> WithSummaries(const LogListing& listing) const {
    VARVE_ASSIGN(const std::vector<VersionId> versions, reader_.VersionsIn(listing));
    if (const auto unknown = LastUnknown(versions)) {
      Remember remember(*this);
      VARVE_TRY(LogTour<Traits>(reader_, listing).Run(*unknown, remember));
    }
    const std::lock_guard lock(state_mutex_);
    std::vector<Summary> out;
    out.reserve(versions.size());
    for (const VersionId id : versions) {
      const auto summary = summaries_.find(id);
      if (summary == summaries_.end()) {
        return ResourceExhausted("'{}' of {} has more than {} versions: expire some", folder(),
                                 store().Describe(), kSummariesMax);
      }
      out.push_back(summary->second);
    }
    all_known_ = true;
    return out;
  }

  std::optional<VersionId> LastUnknown(const std::vector<VersionId>& versions) const {
    const std::lock_guard lock(state_mutex_);
    const auto unknown = std::find_if(versions.rbegin(), versions.rend(),
                                      [&](VersionId id) { return !summaries_.contains(id); });
    return unknown == versions.rend() ? std::nullopt : std::optional(*unknown);
  }

  // A visitor that learns the summaries.
  class Remember {
   public:
    explicit Remember(const VersionLog& log) : log_(log) {}
    Status Base(const State& state) {
      log_.RememberSummary(state.id, Traits::Summarize(state));
      return {};
    }
    Status Step(const typename Traits::Step& step, Presence presence) {
      if (presence == Presence::kThere) {
        log_.RememberSummary(step.summary.id, step.summary);
      }
      return {};
    }

   private:
    const VersionLog& log_;
  };

  void RememberSummary(VersionId id, const Summary& summary) const {
    const std::lock_guard lock(state_mutex_);
    summaries_.insert_or_assign(summaries_.end(), id, summary);
    if (summaries_.size() > kSummariesMax) {
      summaries_.erase(summaries_.begin());
      all_known_ = false;
    }
  }

  // Requires state_mutex_.
  std::vector<Summary> Known() const {
    std::vector<Summary> out;
    out.reserve(summaries_.size());
    for (const auto& [id, summary] : summaries_) {
      out.push_back(summary);
    }
    return out;
  }

  Status MakeBase(const LogListing& listing, VersionId id) const {
    VARVE_ASSIGN(const ReadPoint point, reader_.Replay(listing, id));
    VARVE_ASSIGN(const std::string bytes, Traits::EncodeCheckpoint(point.state, point.edit_sha256));
    const Status put = store().PutIfAbsent(CheckpointPath(folder(), id), bytes);
    return !put && put.error().kind == ErrorKind::kAlreadyExists ? Status() : put;
  }

  // Looks at each base, and that the chain goes on from the newest of them, before what is before
  // them goes.
  Status RemoveAll(const LogListing& listing, const ExpiryPlan& plan) const {
    if (plan.removals.empty()) {
      return {};
    }
    for (const VersionId base : plan.bases) {
      const bool made = std::ranges::find(plan.new_bases, base) != plan.new_bases.end();
      VARVE_ASSIGN(const ReadPoint point,
                   made ? reader_.ReadCheckpoint(base) : reader_.ReadBase(listing, base));
      if (base == plan.bases.back() && base < listing.newest()) {
        VARVE_TRY(reader_.ReadEdit(point));
      }
    }
    for (const std::string& path : plan.removals) {
      VARVE_TRY(store().Delete(path));
    }
    return {};
  }

  void ForgetSummaries(const ExpiryPlan& plan) const {
    const std::lock_guard lock(state_mutex_);
    for (const Expiry::Hidden& hidden : plan.expiry.versions) {
      summaries_.erase(hidden.version.id);
    }
  }

  void Publish(Point point) {
    HandOut(point.state);
    RememberSummary(point.state->id, Traits::Summarize(*point.state));
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
    const std::string path = CheckpointPath(folder(), point.state->id);
    const auto bytes = Traits::EncodeCheckpoint(*point.state, point.edit_sha256);
    const auto status = bytes ? store().PutIfAbsent(path, *bytes) : std::unexpected(bytes.error());
    if (!status && status.error().kind != ErrorKind::kAlreadyExists) {
      LogWarn("the checkpoint '{}' of {} could not be written: {}", path, store().Describe(),
              status.error().message);
    }
  }

  const Reader reader_;
  const Clock& clock_;
  std::mutex commit_mutex_;
  Point head_;  // under commit_mutex_
  mutable std::mutex state_mutex_;
  StatePtr current_;                                            // under state_mutex_
  mutable std::vector<std::weak_ptr<const State>> handed_out_;  // under state_mutex_
  mutable std::map<VersionId, Summary> summaries_;              // under state_mutex_
  mutable bool all_known_ = false;  // summaries_ has all that can be loaded; under state_mutex_
  // Held across the I/O of an expiry, and of reading what there is. Before state_mutex_.
  mutable std::mutex expiry_mutex_;
};

}  // namespace varve
