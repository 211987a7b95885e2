// SeriesFront: the newest time written of each series of a table, so that a write knows at once,
// without looking anything up, which of its rows cannot replace another: those beyond it. The
// others are late.
//
// Series that have not been written since the table was opened are unknown: nothing of them in
// files is beyond the newest time of all files. A row beyond that is in order; others count as late
// until somebody has learned from the files what is newest of the series.
//
// Memory: 17 bytes a series in a table that is between 44 and 88 percent full: 19 to 39 MB per
// million series.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "model/series_key.h"
#include "sst/sst_file.h"

namespace varve {

inline constexpr int64_t kBeforeAllTimes = std::numeric_limits<int64_t>::min();

// One thread at a time.
class SeriesFront {
 public:
  // Tables with the default key compare times within a series; with other keys a row may have the
  // key of any row of its time, so that there is one front for all.
  enum class Scope : uint8_t { kSeries, kTable };

  // No row in files is beyond `files_newest_us`; kBeforeAllTimes: there are no files.
  SeriesFront(Scope scope, int64_t files_newest_us)
      : scope_(scope), files_newest_us_(files_newest_us), newest_us_(files_newest_us) {}

  // Takes the rows of a write, in their order. `row_series` are indexes into `series`. Returns
  // those that are late, rising.
  std::vector<uint32_t> Advance(const SeriesSet& series, std::span<const uint32_t> row_series,
                                std::span<const int64_t> times_us);

  // Unknown series with late rows, and the state that they were unknown in.
  struct Unknown {
    uint64_t generation = 0;
    std::vector<uint64_t> tsids;
  };
  Unknown unknown() const;
  // The newest times in files of series that were unknown (kBeforeAllTimes: none there), or times
  // after them. Nothing happens when it was reset in between.
  void Learn(uint64_t generation, std::span<const SeriesTime> newest_in_files);

  // Files have come that no write has made: all that was known is void.
  void Reset(int64_t files_newest_us);

  uint64_t size_bytes() const;

 private:
  struct UnknownSeries {
    int64_t front_us;                      // files_newest_us_, or beyond it
    int64_t written_us = kBeforeAllTimes;  // the newest late row
  };
  std::vector<uint32_t> AdvanceTable(std::span<const int64_t> times_us);
  // Where the front of each series is kept; valid until the next call.
  std::vector<int64_t*> Fronts(const SeriesSet& series);
  // Of series that were unknown: what the late rows of this write say.
  void NoteUnknown(const SeriesSet& series, std::span<const uint32_t> row_series,
                   std::span<const int64_t> times_us, std::span<const uint32_t> late);

  const Scope scope_;
  int64_t files_newest_us_;
  int64_t newest_us_;  // of all rows, written or in files
  uint64_t generation_ = 0;
  boost::unordered_flat_map<uint64_t, int64_t> known_;  // by tsid
  boost::unordered_flat_map<uint64_t, UnknownSeries> unknown_;
};

}  // namespace varve
