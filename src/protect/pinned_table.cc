#include "protect/pinned_table.h"

#include <algorithm>
#include <tuple>

namespace varve {
namespace {

TimeRange Visible(const PinnedTable& table, const TimeRange& range) {
  return {std::max(range.start, table.visible_from), range.end};
}

}  // namespace

FilesByTime::FilesByTime(const Version& version) {
  for (const auto& [id, file] : version.files) {
    files_.push_back(&file);
  }
  std::ranges::sort(files_, {}, [](const FileMeta* file) { return file->time_min; });
  for (const FileMeta* file : files_) {
    latest_upto_.push_back(latest_upto_.empty() ? file->time_max
                                                : std::max(latest_upto_.back(), file->time_max));
  }
}

size_t FilesByTime::First(const TimeRange& range) const {
  if (range.end <= range.start) {
    return files_.size();
  }
  return static_cast<size_t>(std::ranges::lower_bound(latest_upto_, range.start) -
                             latest_upto_.begin());
}

std::vector<const FileMeta*> FilesByTime::Overlapping(const TimeRange& range) const {
  std::vector<const FileMeta*> found;
  for (size_t i = First(range); i < files_.size() && files_[i]->time_min < range.end; ++i) {
    if (range.Overlaps(files_[i]->time_min, files_[i]->time_max)) {
      found.push_back(files_[i]);
    }
  }
  return found;
}

std::vector<const FileMeta*> PinnedTable::FilesIn(const TimeRange& range) const {
  auto files = by_time.Overlapping(Visible(*this, range));
  std::ranges::sort(files, {}, [](const FileMeta* file) {
    return std::tuple(file->segment_start, file->sequence_max, file->time_min, file->id);
  });
  return files;
}

bool PinnedTable::IsWholeIn(const FileMeta& file, const TimeRange& range) const {
  return !file.deletion_vector && file.schema_id == version->schema->schema_id() &&
         range.Contains(file.time_min) && range.Contains(file.time_max) &&
         visible_from <= file.time_min;
}

}  // namespace varve
