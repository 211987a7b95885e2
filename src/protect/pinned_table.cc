#include "protect/pinned_table.h"

#include <algorithm>
#include <tuple>

namespace varve {

std::vector<const FileMeta*> PinnedTable::FilesIn(const TimeRange& range) const {
  const TimeRange visible{std::max(range.start, visible_from), range.end};
  std::vector<const FileMeta*> files;
  for (const auto& [id, file] : version->files) {
    if (visible.Overlaps(file.time_min, file.time_max)) {
      files.push_back(&file);
    }
  }
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
