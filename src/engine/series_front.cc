#include "engine/series_front.h"

#include <algorithm>

namespace varve {
namespace {

template <class Map>
void MakeRoom(Map& map, size_t added) {
  // Only when it is needed: reserve would also shrink.
  if (map.size() + added > map.max_load()) {
    map.reserve(map.size() + added);
  }
}

}  // namespace

std::vector<int64_t*> SeriesFront::Fronts(const SeriesSet& series) {
  // Room for all first: pointers into the tables stay good while nothing grows.
  MakeRoom(known_, series.size());
  if (files_newest_us_ != kBeforeAllTimes) {
    MakeRoom(unknown_, series.size());
  }
  std::vector<int64_t*> fronts(series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    if (files_newest_us_ == kBeforeAllTimes) {
      fronts[i] = &known_.try_emplace(series.tsid(i), kBeforeAllTimes).first->second;
    } else if (const auto known = known_.find(series.tsid(i)); known != known_.end()) {
      fronts[i] = &known->second;
    } else {
      const UnknownSeries fresh{.front_us = files_newest_us_};
      fronts[i] = &unknown_.try_emplace(series.tsid(i), fresh).first->second.front_us;
    }
  }
  return fronts;
}

std::vector<uint32_t> SeriesFront::AdvanceTable(std::span<const int64_t> times_us) {
  std::vector<uint32_t> late;
  for (uint32_t row = 0; row < times_us.size(); ++row) {
    if (times_us[row] <= newest_us_) {
      late.push_back(row);
    } else {
      newest_us_ = times_us[row];
    }
  }
  return late;
}

std::vector<uint32_t> SeriesFront::Advance(const SeriesSet& series,
                                           std::span<const uint32_t> row_series,
                                           std::span<const int64_t> times_us) {
  if (scope_ == Scope::kTable) {
    return AdvanceTable(times_us);
  }
  std::vector<uint32_t> late;
  const std::vector<int64_t*> fronts = Fronts(series);
  for (uint32_t row = 0; row < times_us.size(); ++row) {
    int64_t& front = *fronts[row_series[row]];
    if (times_us[row] <= front) {
      late.push_back(row);
    } else {
      front = times_us[row];
      newest_us_ = std::max(newest_us_, front);
    }
  }
  if (!unknown_.empty()) {
    NoteUnknown(series, row_series, times_us, late);
  }
  return late;
}

void SeriesFront::NoteUnknown(const SeriesSet& series, std::span<const uint32_t> row_series,
                              std::span<const int64_t> times_us, std::span<const uint32_t> late) {
  for (const uint32_t row : late) {
    if (const auto found = unknown_.find(series.tsid(row_series[row])); found != unknown_.end()) {
      found->second.written_us = std::max(found->second.written_us, times_us[row]);
    }
  }
  for (const uint64_t tsid : series.tsids()) {
    const auto found = unknown_.find(tsid);
    // Beyond all files, the front is exact.
    if (found != unknown_.end() && found->second.front_us > files_newest_us_) {
      known_[tsid] = found->second.front_us;
      unknown_.erase(found);
    }
  }
}

SeriesFront::Unknown SeriesFront::unknown() const {
  Unknown out;
  out.generation = generation_;
  for (const auto& [tsid, series] : unknown_) {
    out.tsids.push_back(tsid);
  }
  std::ranges::sort(out.tsids);
  return out;
}

void SeriesFront::Learn(uint64_t generation, std::span<const SeriesTime> newest_in_files) {
  if (generation != generation_) {
    return;
  }
  for (const SeriesTime& newest : newest_in_files) {
    if (const auto found = unknown_.find(newest.tsid); found != unknown_.end()) {
      known_[newest.tsid] = std::max(newest.time_us, found->second.written_us);
      unknown_.erase(found);
    }
  }
  if (unknown_.empty()) {
    unknown_ = {};  // gives its memory back: it is large just after a table has been opened
  }
}

void SeriesFront::Reset(int64_t files_newest_us) {
  ++generation_;
  newest_us_ = std::max(newest_us_, files_newest_us);
  files_newest_us_ = newest_us_;
  known_ = {};
  unknown_ = {};
}

uint64_t SeriesFront::size_bytes() const {
  const auto slots_of = [](const auto& map) {
    return map.bucket_count() * (sizeof(typename std::decay_t<decltype(map)>::value_type) + 1);
  };
  return slots_of(known_) + slots_of(unknown_);
}

}  // namespace varve
