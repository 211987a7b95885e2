// LogTour: shows what all versions of a log are, from as few files as can be: a base, the histories
// that go on from it, and the edits that no history has. Private to this folder.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "meta/history_finder_internal.h"
#include "meta/log_reader_internal.h"

namespace varve {

// Whether the version that a step leads to can be loaded.
enum class Presence : uint8_t { kThere, kExpired };

// One thread. The reader and the listing outlive it.
//
// A Visitor has
//   Status Base(const State&)             a whole version, which is there
//   Status Step(const Step&, Presence)    the version after the one that was shown last
// Their errors end the tour.
template <class Traits>
class LogTour {
 public:
  using Reader = LogReader<Traits>;

  LogTour(const Reader& reader, const LogListing& listing)
      : reader_(reader), listing_(listing), histories_(reader.store(), reader.folder(), listing) {}

  // Shows the versions that can be loaded, in order, up to `last`; of others only steps that lead
  // from one to the next. Errors: as reading the files; kCorruption when the file of an edit is
  // another one than the history says.
  template <class Visitor>
  Status Run(VersionId last, Visitor& visitor) {
    for (const VersionRun& run : listing_.Runs()) {
      if (last < run.first) {
        break;
      }
      VARVE_TRY(Enter(run.first, visitor));
      while (at_ < std::min(run.last, last)) {
        VARVE_TRY(GoOn(visitor));
      }
    }
    return {};
  }

 private:
  // To the base of a run, through what has expired if histories have that: a version that is held
  // for a savepoint is then known without its checkpoint, of which there may be thousands.
  template <class Visitor>
  Status Enter(VersionId base, Visitor& visitor) {
    bool found = at_ != VersionId();
    while (found && at_ < base) {
      const bool arrives = at_.value() + 1 == base.value();
      VARVE_ASSIGN(found, StepByHistory(arrives ? Presence::kThere : Presence::kExpired, visitor));
    }
    if (at_ != base) {
      VARVE_ASSIGN(auto point, reader_.ReadBase(listing_, base));
      return Show(std::move(point), visitor);
    }
    return {};
  }

  template <class Visitor>
  Status GoOn(Visitor& visitor) {
    VARVE_ASSIGN(const bool stepped, StepByHistory(Presence::kThere, visitor));
    if (stepped) {
      return {};
    }
    const VersionId id(at_.value() + 1);
    if (!listing_.edits.contains(id)) {
      VARVE_ASSIGN(auto point, reader_.ReadCheckpoint(id));
      return Show(std::move(point), visitor);
    }
    if (!point_) {
      VARVE_ASSIGN(point_, reader_.Replay(listing_, at_));
      if (point_->edit_sha256 != edit_sha256_) {
        return Damaged(reader_.store(), histories_.path(),
                       fmt::format("its version {} is not the one that is there", at_));
      }
    }
    VARVE_ASSIGN(auto next, reader_.ReadStep(*std::exchange(point_, std::nullopt)));
    VARVE_TRY(visitor.Step(next.step, Presence::kThere));
    Arrive(std::move(next.point));
    return {};
  }

  // Whether a history has the next version.
  template <class Visitor>
  Result<bool> StepByHistory(Presence presence, Visitor& visitor) {
    if constexpr (Traits::kHasHistories) {
      const VersionId id(at_.value() + 1);
      VARVE_ASSIGN(const VersionStep* step, histories_.Find(id, edit_sha256_));
      if (step != nullptr) {
        VARVE_TRY(visitor.Step(*step, presence));
        at_ = id;
        edit_sha256_ = step->edit_sha256;
        point_.reset();
        return true;
      }
    }
    return false;
  }

  template <class Visitor>
  Status Show(typename Reader::Point point, Visitor& visitor) {
    VARVE_TRY(visitor.Base(point.state));
    Arrive(std::move(point));
    return {};
  }

  void Arrive(typename Reader::Point point) {
    at_ = point.state.id;
    edit_sha256_ = point.edit_sha256;
    point_ = std::move(point);
  }

  const Reader& reader_;
  const LogListing& listing_;
  HistoryFinder histories_;
  VersionId at_;  // shown last; VersionId(): none
  std::string edit_sha256_;
  std::optional<typename Reader::Point> point_;  // the same, unless it was in a history
};

}  // namespace varve
