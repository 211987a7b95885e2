#include "engine/newest_rows.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <fmt/core.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>
#include <memory>
#include <string>

#include "sst/sst_file.h"

namespace varve {
namespace {

// Of a sample: enough for the newest buckets of a dashboard, little enough to cost nothing.
constexpr size_t kSampleFilesMax = 16;
constexpr size_t kSampleSeriesMax = 4;       // of each file
constexpr uint64_t kSampleRowsMax = 16'384;  // of each series
constexpr size_t kSampleTimesMax = 65'536;   // of all memtables

// By tsid: the newest time that has been found.
using NewestTimes = boost::unordered_flat_map<uint64_t, int64_t>;

const arrow::TimestampArray& Times(const arrow::Array& array) {
  return static_cast<const arrow::TimestampArray&>(array);
}

Result<const arrow::Array*> TimesOf(const MemChunk& chunk, uint32_t timestamp_column) {
  const auto found = std::ranges::find(chunk.column_ids, timestamp_column);
  if (found == chunk.column_ids.end()) {
    return Internal("rows without a timestamp are in memory");
  }
  return chunk.rows->column(static_cast<int>(found - chunk.column_ids.begin())).get();
}

// Calls `visit(position, row of the chunk, time)` for the rows of memory before `before` that have
// been neither replaced nor expired.
template <class Visit>
Status ForEachRow(const ReadView& view, const MemoryRows& memory, TimestampUs before,
                  const Visit& visit) {
  uint64_t position = 0;
  for (const auto& chunk : memory.rows->chunks()) {
    VARVE_ASSIGN(const arrow::Array* times, TimesOf(*chunk, view.schema->timestamp().id));
    const int64_t* values = Times(*times).raw_values();
    for (size_t row = 0; row < chunk->series.size(); ++row, ++position) {
      const int64_t time = values[row];
      if (time < before.value() && time >= view.visible_from.value() &&
          !(memory.replaced && memory.replaced->Contains(position))) {
        visit(*chunk, position, row, time);
      }
    }
  }
  return {};
}

Result<std::vector<uint64_t>> LastInMemory(const ReadView& view, const MemoryRows& memory,
                                           TimestampUs before, NewestTimes& newest) {
  struct Last {
    int64_t time = 0;
    uint64_t position = UINT64_MAX;
  };
  std::vector<Last> last(memory.rows->series_count());
  VARVE_TRY(ForEachRow(view, memory, before,
                       [&](const MemChunk& chunk, uint64_t position, size_t row, int64_t time) {
                         Last& of_series = last[chunk.series[row]];
                         if (of_series.position == UINT64_MAX || time >= of_series.time) {
                           of_series = {time, position};
                         }
                       }));
  std::vector<uint64_t> rows;
  for (uint32_t series = 0; series < last.size(); ++series) {
    if (last[series].position == UINT64_MAX) {
      continue;
    }
    rows.push_back(last[series].position);
    const auto [found, added] = newest.try_emplace(memory.rows->tsid(series), last[series].time);
    found->second = std::max(found->second, last[series].time);
  }
  std::ranges::sort(rows);
  return rows;
}

// The times of a file's rows, one block at a time.
class FileTimes {
 public:
  FileTimes(const SstFile& file, const ColumnSchema& column) : file_(file), column_(column) {}

  Result<int64_t> At(uint64_t row) {
    if (!values_ || row < block_.begin || row >= block_.end) {
      const size_t block = file_.BlockOf(row);
      VARVE_ASSIGN(values_, file_.Values(column_, block));
      block_ = file_.blocks()[block];
    }
    return Times(*values_).Value(static_cast<int64_t>(row - block_.begin));
  }

 private:
  const SstFile& file_;
  const ColumnSchema& column_;
  std::shared_ptr<arrow::Array> values_;
  RowRange block_;
};

// The rows of one file that are the last of their series, as far as `newest` does not know better.
class LastInFile {
 public:
  // `meta` is the view's: that of an open file may be of an older version, with fewer rows deleted.
  LastInFile(const ReadView& view, const FileMeta& meta, const SstFile& file, TimestampUs before)
      : view_(view),
        meta_(meta),
        file_(file),
        before_(before),
        times_(file, view.schema->timestamp()) {}

  Result<std::vector<uint64_t>> Find(NewestTimes& newest) {
    VARVE_ASSIGN(deleted_, view_.Deleted(meta_));
    VARVE_ASSIGN(const auto index, file_.Series());
    const int64_t bound = std::min(file_.meta().time_max.value(), before_.value() - 1);
    std::vector<uint64_t> rows;
    for (size_t series = 0; series < index->size(); ++series) {
      const auto known = newest.find(index->tsid(series));
      if (known != newest.end() && known->second >= bound) {
        continue;
      }
      VARVE_ASSIGN(const auto last, LastOf(index->rows(series)));
      if (!last) {
        continue;
      }
      VARVE_ASSIGN(const int64_t time, times_.At(*last));
      if (time < view_.visible_from.value() || (known != newest.end() && known->second >= time)) {
        continue;
      }
      newest[index->tsid(series)] = time;
      rows.push_back(*last);
    }
    return rows;
  }

 private:
  Result<std::optional<uint64_t>> LastOf(RowRange rows) const {
    if (file_.meta().time_max >= before_) {
      VARVE_ASSIGN(rows, file_.NarrowToTime(rows, view_.visible_from.value(), before_.value()));
    }
    while (rows.end > rows.begin && deleted_ && deleted_->Contains(rows.end - 1)) {
      --rows.end;
    }
    return rows.end > rows.begin ? std::optional(rows.end - 1) : std::nullopt;
  }

  const ReadView& view_;
  const FileMeta& meta_;
  const SstFile& file_;
  const TimestampUs before_;
  FileTimes times_;
  std::shared_ptr<const DeletionVector> deleted_;
};

// The files with visible rows before `before`, those with the newest rows first.
std::vector<const FileMeta*> NewestFiles(const ReadView& view, TimestampUs before) {
  std::vector<const FileMeta*> files;
  for (const auto& [id, file] : view.version->files) {
    if (file.time_min < before && file.time_max >= view.visible_from) {
      files.push_back(&file);
    }
  }
  std::ranges::sort(files, std::greater<>(), [](const FileMeta* file) { return file->time_max; });
  return files;
}

// The times of the newest visible rows of one series of a file.
Status SampleSeries(const ReadView& view, const FileMeta& meta, const SstFile& file, RowRange rows,
                    TimestampUs before, std::vector<int64_t>& times) {
  VARVE_ASSIGN(rows, file.NarrowToTime(rows, view.visible_from.value(), before.value()));
  rows.begin = std::max(rows.begin, rows.end - std::min(rows.end, kSampleRowsMax));
  VARVE_ASSIGN(const auto deleted, view.Deleted(meta));
  FileTimes values(file, view.schema->timestamp());
  for (uint64_t row = rows.begin; row < rows.end; ++row) {
    if (deleted && deleted->Contains(row)) {
      continue;
    }
    VARVE_ASSIGN(const int64_t time, values.At(row));
    times.push_back(time);
  }
  return {};
}

Status SampleFile(const ReadView& view, const FileMeta& meta, TimestampUs before,
                  std::vector<int64_t>& times) {
  VARVE_ASSIGN(const auto file, view.files->Open(meta));
  VARVE_ASSIGN(const auto index, file->Series());
  const size_t step = std::max<size_t>(1, index->size() / kSampleSeriesMax);
  for (size_t series = 0; series < index->size(); series += step) {
    VARVE_TRY(SampleSeries(view, meta, *file, index->rows(series), before, times));
  }
  return {};
}

// The values that rows have in some tags, to see whether any come twice.
class TagSets {
 public:
  explicit TagSets(std::span<const ColumnSchema* const> tags) : tags_(tags) {}

  // Series from now on are those of the place whose values `values_of` gives.
  template <class ValuesOf>
  Status Open(const ValuesOf& values_of) {
    values_.clear();
    for (const ColumnSchema* tag : tags_) {
      VARVE_ASSIGN(auto values, values_of(*tag));
      values_.push_back(std::move(values));
    }
    return {};
  }

  // false: one of them has been added before.
  bool AddAll(const std::vector<size_t>& series) {
    return std::ranges::all_of(series, [&](size_t one) { return seen_.insert(KeyOf(one)).second; });
  }

 private:
  std::string KeyOf(size_t series) const {
    std::string key;
    for (const auto& values : values_) {
      const auto row = static_cast<int64_t>(series);
      const bool there = values->type_id() == arrow::Type::STRING && values->IsValid(row);
      const std::string_view text =
          there ? static_cast<const arrow::StringArray&>(*values).GetView(row) : "";
      key += fmt::format("{}{}:", there ? 's' : 'n', text.size());
      key += text;
    }
    return key;
  }

  const std::span<const ColumnSchema* const> tags_;
  std::vector<std::shared_ptr<arrow::Array>> values_;
  boost::unordered_flat_set<std::string> seen_;
};

std::vector<size_t> SeriesOfRows(const MemtableView& memtable,
                                 const std::vector<uint64_t>& positions) {
  std::vector<size_t> series;
  size_t chunk = 0;
  uint64_t first = 0;  // of the chunk
  for (const uint64_t position : positions) {
    while (position >= first + memtable.chunks()[chunk]->series.size()) {
      first += memtable.chunks()[chunk++]->series.size();
    }
    series.push_back(memtable.chunks()[chunk]->series[position - first]);
  }
  return series;
}

}  // namespace

Result<std::optional<RowSelection>> LastRows(const ReadView& view, TimestampUs before) {
  if (!view.schema->HasDefaultKey()) {
    return std::nullopt;
  }
  RowSelection selection;
  NewestTimes newest;
  for (const MemoryRows& memory : view.memtables) {
    VARVE_ASSIGN(auto rows, LastInMemory(view, memory, before, newest));
    selection.memtables.push_back(std::move(rows));
  }
  for (const FileMeta* meta : NewestFiles(view, before)) {
    VARVE_ASSIGN(const auto file, view.files->Open(*meta));
    if (!file->HasSeries()) {
      return std::nullopt;
    }
    VARVE_ASSIGN(auto rows, LastInFile(view, *meta, *file, before).Find(newest));
    if (!rows.empty()) {
      selection.files.emplace(meta->id, std::move(rows));
    }
  }
  return selection;
}

Result<bool> DifferInTags(const ReadView& view, const RowSelection& rows,
                          std::span<const ColumnSchema* const> tags) {
  TagSets sets(tags);
  for (size_t i = 0; i < rows.memtables.size(); ++i) {
    if (!rows.memtables[i].empty()) {
      const MemtableView& memtable = *view.memtables[i].rows;
      VARVE_TRY(sets.Open([&](const ColumnSchema& tag) { return memtable.TagValues(tag); }));
      if (!sets.AddAll(SeriesOfRows(memtable, rows.memtables[i]))) {
        return false;
      }
    }
  }
  for (const auto& [id, positions] : rows.files) {
    VARVE_ASSIGN(const auto file, view.files->Open(view.version->files.at(id)));
    if (!file->HasSeries()) {
      return false;
    }
    VARVE_TRY(sets.Open([&](const ColumnSchema& tag) { return file->TagValues(tag); }));
    VARVE_ASSIGN(const auto index, file->Series());
    std::vector<size_t> series;
    for (const uint64_t position : positions) {
      series.push_back(index->SeriesOf(position));
    }
    if (!sets.AddAll(series)) {
      return false;
    }
  }
  return true;
}

Result<std::vector<int64_t>> SampleNewestTimes(const ReadView& view, TimestampUs before) {
  boost::unordered_flat_set<int64_t> in_memory;
  for (const MemoryRows& memory : view.memtables) {
    VARVE_TRY(
        ForEachRow(view, memory, before, [&](const MemChunk&, uint64_t, size_t, int64_t time) {
          if (in_memory.size() < kSampleTimesMax) {
            in_memory.insert(time);
          }
        }));
  }
  std::vector<int64_t> times(in_memory.begin(), in_memory.end());
  auto files =
      view.schema->HasDefaultKey() ? NewestFiles(view, before) : std::vector<const FileMeta*>();
  files.resize(std::min(files.size(), kSampleFilesMax));
  for (const FileMeta* meta : files) {
    VARVE_TRY(SampleFile(view, *meta, before, times));
  }
  std::ranges::sort(times, std::greater<>());
  const auto repeated = std::ranges::unique(times);
  times.erase(repeated.begin(), repeated.end());
  return times;
}

}  // namespace varve
