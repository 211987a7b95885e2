// HistoryWriter: writes the histories of a log that are due, from its edits. Private to this
// folder.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "meta/history_format.h"
#include "meta/log_reader_internal.h"

namespace varve {

// Of a log that was made before there were histories, so many are made up for at a time: 16,384
// edits are read in half a second from a disk.
inline constexpr size_t kHistoriesAtATimeMax = 16;

// One thread. The reader and the listing outlive it.
template <class Traits>
class HistoryWriter {
 public:
  HistoryWriter(const LogReader<Traits>& reader, const LogListing& listing,
                uint64_t versions_per_history)
      : reader_(reader), listing_(listing), versions_(versions_per_history) {}

  // Of each `versions_per_history` versions that have been made the part that can be loaded one
  // after another, the oldest first. A failure costs whoever reads all versions time and nothing
  // else, and the next call makes up for it: it is only logged.
  void WriteDue() {
    size_t written = 0;
    for (const VersionRun& run : listing_.Runs()) {
      for (uint64_t last = RoundUp(run.first.value()); last <= run.last.value();
           last += versions_) {
        const VersionRun range{VersionId(std::max(last - versions_, run.first.value()) + 1),
                               VersionId(last)};
        if (range.last < range.first || IsWritten(range.last)) {
          continue;
        }
        if (written++ == kHistoriesAtATimeMax) {
          return;
        }
        if (const Status status = Write(range); !status) {
          LogWarn("a history of versions {} to {} in '{}' of {} could not be written: {}",
                  range.first, range.last, reader_.folder(), reader_.store().Describe(),
                  status.error().message);
          return;
        }
      }
    }
  }

 private:
  uint64_t RoundUp(uint64_t version) const {
    return (version + versions_ - 1) / versions_ * versions_;
  }

  bool IsWritten(VersionId version) const {
    return std::ranges::any_of(listing_.histories, [&](const HistoryFile& history) {
      return history.range.first <= version && version <= history.range.last;
    });
  }

  Status Write(const VersionRun& range) {
    const VersionId before(range.first.value() - 1);
    if (!point_ || point_->state.id != before) {
      VARVE_ASSIGN(point_, reader_.Replay(listing_, before));
    }
    VersionHistory history{.parent_sha256 = point_->edit_sha256};
    while (point_->state.id < range.last) {
      const VersionId id(point_->state.id.value() + 1);
      if (!listing_.edits.contains(id)) {
        // It is known whole, and not what it has changed.
        VARVE_ASSIGN(point_, reader_.ReadCheckpoint(id));
        history = {.parent_sha256 = point_->edit_sha256};
        continue;
      }
      VARVE_ASSIGN(auto next, reader_.ReadStep(*std::exchange(point_, std::nullopt)));
      point_ = std::move(next.point);
      history.steps.push_back(std::move(next.step));
    }
    if (history.steps.empty()) {
      return {};
    }
    const VersionRun written{history.steps.front().summary.id, range.last};
    const Status put =
        reader_.store().PutIfAbsent(HistoryPath(reader_.folder(), written), EncodeHistory(history));
    return !put && put.error().kind == ErrorKind::kAlreadyExists ? Status() : put;
  }

  const LogReader<Traits>& reader_;
  const LogListing& listing_;
  const uint64_t versions_;
  std::optional<typename LogReader<Traits>::Point> point_;  // where the last one ended
};

}  // namespace varve
