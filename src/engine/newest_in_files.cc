#include "engine/newest_in_files.h"

#include <arrow/array/array_primitive.h>

#include <algorithm>

#include "engine/series_front.h"

namespace varve {
namespace {

Result<int64_t> TimeAt(const SstFile& file, const ColumnSchema& timestamp, uint64_t row) {
  const size_t block = file.BlockOf(row);
  VARVE_ASSIGN(const auto times, file.Values(timestamp, block));
  return static_cast<const arrow::TimestampArray&>(*times).Value(
      static_cast<int64_t>(row - file.blocks()[block].begin));
}

// Raises the times of the series that the file has newer rows of.
Status RaiseBy(const SstFile& file, const ColumnSchema& timestamp,
               std::vector<SeriesTime>& newest) {
  VARVE_ASSIGN(const auto index, file.Series());
  for (SeriesTime& series : newest) {
    if (series.time_us >= file.meta().time_max.value()) {
      continue;
    }
    if (const auto found = index->Find(series.tsid)) {
      VARVE_ASSIGN(const int64_t time, TimeAt(file, timestamp, index->rows(*found).end - 1));
      series.time_us = std::max(series.time_us, time);
    }
  }
  return {};
}

bool MayRaise(const FileMeta& file, const std::vector<SeriesTime>& newest) {
  return std::ranges::any_of(newest, [&](const SeriesTime& series) {
    return series.time_us < file.time_max.value() && series.tsid >= file.tsid_min &&
           series.tsid <= file.tsid_max;
  });
}

}  // namespace

int64_t NewestInFiles(const Version& version) {
  int64_t newest = kBeforeAllTimes;
  for (const auto& [id, file] : version.files) {
    newest = std::max(newest, file.time_max.value());
  }
  return newest;
}

Result<std::vector<SeriesTime>> NewestInFiles(const Version& version, SstCache& files,
                                              std::span<const uint64_t> tsids) {
  std::vector<SeriesTime> newest;
  for (const uint64_t tsid : tsids) {
    newest.push_back({tsid, kBeforeAllTimes});
  }
  std::vector<const FileMeta*> by_time;
  for (const auto& [id, file] : version.files) {
    by_time.push_back(&file);
  }
  std::ranges::sort(by_time, std::greater(), [](const FileMeta* file) { return file->time_max; });
  size_t read = 0;
  for (const FileMeta* meta : by_time) {
    if (!MayRaise(*meta, newest)) {
      continue;
    }
    if (read++ == kNewestFilesMax) {
      for (SeriesTime& series : newest) {
        series.time_us = std::max(series.time_us, meta->time_max.value());
      }
      break;
    }
    VARVE_ASSIGN(const auto file, files.Open(*meta));
    VARVE_TRY(RaiseBy(*file, version.schema->timestamp(), newest));
  }
  return newest;
}

}  // namespace varve
