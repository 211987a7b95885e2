#include "protect/import_files.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <iterator>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "base/check.h"
#include "engine/flush_job.h"
#include "engine/row_sorter.h"
#include "protect/local_file.h"
#include "query/row_batch_builder.h"

namespace varve {
namespace {

bool HasSameColumns(const TableSchema& a, const TableSchema& b) {
  return std::ranges::equal(a.columns(), b.columns(),
                            [](const auto& one, const auto& other) {
                              return one.id == other.id && one.name == other.name &&
                                     one.type == other.type && one.tag == other.tag &&
                                     one.nullable == other.nullable;
                            }) &&
         a.key_size() == b.key_size();
}

// Whether the file may become one of the table's as it is.
bool MayBeCopied(const ImportFilesInput& input, const SnapshotFile& file,
                 const ImportPlace& place) {
  if (input.format != DataFormat::kParquet || !file.notes ||
      !HasSameColumns(input.definition->columns, *place.schema)) {
    return false;
  }
  const int64_t segment = std::chrono::microseconds(*place.options.segment_duration).count();
  const TimestampUs start = file.notes->segment_start;
  return input.range.Contains(file.time_min) && input.range.Contains(file.time_max) &&
         SegmentStart(file.time_min, segment) == start &&
         SegmentStart(file.time_max, segment) == start;
}

Status AddRows(const ImportFilesInput& input, const ImportPlace& place,
               const RowFileContents& contents, const arrow::RecordBatch& batch,
               RowSorter& sorter) {
  const TableSchema& schema = *place.schema;
  ColumnArrays columns(schema.columns().size());
  for (size_t i = 0; i < contents.columns.size(); ++i) {
    columns[contents.columns[i]] = batch.column(static_cast<int>(i));
  }
  const auto& times = columns[schema.timestamp_index()];
  if (times == nullptr) {
    return InvalidArgument("the file has no column {}", schema.timestamp().name);
  }
  const auto& values = static_cast<const arrow::TimestampArray&>(*times);
  const auto is_wanted = [&](int64_t row) {
    return values.IsNull(row) || input.range.Contains(TimestampUs(values.Value(row)));
  };
  for (int64_t first = 0; first < values.length();) {
    int64_t end = first;
    while (end < values.length() && is_wanted(end)) {
      ++end;
    }
    if (end > first) {
      ColumnArrays slices(columns.size());
      for (size_t i = 0; i < columns.size(); ++i) {
        slices[i] = columns[i] ? columns[i]->Slice(first, end - first) : nullptr;
      }
      VARVE_ASSIGN(const RowBatch rows, BuildRowBatch(schema, input.definition->name, slices));
      VARVE_TRY(sorter.Add(rows));
    }
    first = end + 1;
  }
  return {};
}

Status ReadRows(const ImportFilesInput& input, const SnapshotFile& file, const ImportPlace& place,
                RowSorter& sorter) {
  const std::string_view format = DataFormatName(input.format);
  const LocalFile local(input.temp_folder, "import", format);
  VARVE_TRY(DownloadFile(*input.snapshot, file.path, file.sha256, local.path(), input.pace));
  VARVE_ASSIGN(const RowFileContents contents,
               input.rows->Read(local.path(), format, *place.schema));
  while (true) {
    VARVE_ASSIGN(const auto batch, contents.rows->Next());
    if (batch == nullptr) {
      return {};
    }
    VARVE_TRY(AddRows(input, place, contents, *batch, sorter));
  }
}

// Some of the files, one after the other, on one thread.
class Share {
 public:
  Share(const ImportFilesInput& input, const ImportPlace& place,
        std::span<const SnapshotFile* const> files)
      : input_(input), place_(place), files_(files), sorter_(place, input.sort_bytes_max) {}
  // Of what nobody has taken nothing is left.
  ~Share() {
    for (const FileMeta& file : copied_) {
      DiscardDataFile(*place_.store, file);
    }
  }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  Status Write() {
    for (const SnapshotFile* file : files_) {
      if (MayBeCopied(input_, *file, place_)) {
        const auto hashed = input_.verified->find(file->path);
        VARVE_CHECK(hashed != input_.verified->end(), "{} was not verified", file->path);
        VARVE_ASSIGN(FileMeta copied,
                     CopyDataFile(*input_.snapshot, *file, hashed->second, place_, input_.pace));
        copied_.push_back(std::move(copied));
      } else {
        VARVE_TRY(ReadRows(input_, *file, place_, sorter_));
      }
    }
    return sorter_.Seal();
  }
  // Both have been written.
  Status ReplaceBy(const Share& later) { return sorter_.ReplaceBy(later.sorter_); }

  Result<std::vector<FileMeta>> Take() {
    VARVE_ASSIGN(auto files, sorter_.Finish());
    std::ranges::move(std::exchange(copied_, {}), std::back_inserter(files));
    return files;
  }

 private:
  const ImportFilesInput& input_;
  const ImportPlace& place_;
  const std::span<const SnapshotFile* const> files_;
  RowSorter sorter_;
  std::vector<FileMeta> copied_;
};

// Neighbours together, about as many bytes in each share.
std::vector<std::span<const SnapshotFile* const>> Divide(std::span<const SnapshotFile* const> files,
                                                         size_t shares_max) {
  uint64_t bytes_left = 0;
  for (const SnapshotFile* file : files) {
    bytes_left += file->size_bytes;
  }
  std::vector<std::span<const SnapshotFile* const>> shares;
  for (size_t shares_left = std::min(shares_max, files.size()); shares_left > 1; --shares_left) {
    // The others have one at least.
    const size_t count_max = files.size() - shares_left + 1;
    const uint64_t wanted = bytes_left / shares_left;
    size_t count = 1;
    uint64_t bytes = files.front()->size_bytes;
    while (count < count_max && bytes < wanted) {
      bytes += files[count++]->size_bytes;
    }
    shares.push_back(files.first(count));
    files = files.subspan(count);
    bytes_left -= bytes;
  }
  shares.push_back(files);
  return shares;
}

// Writes all shares at once; the first error, which ends the others too.
Status WriteShares(std::deque<Share>& shares, std::atomic<bool>& failed) {
  std::mutex mutex;
  Status first;
  const auto write = [&](Share& share) {
    auto status = share.Write();
    const std::lock_guard lock(mutex);
    if (!status && !failed.exchange(true)) {
      first = std::move(status);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < shares.size(); ++i) {
      threads.emplace_back(write, std::ref(shares[i]));
    }
    write(shares.front());
  }
  return first;
}

}  // namespace

Result<std::vector<FileMeta>> WriteImportFiles(const ImportFilesInput& input,
                                               const ImportPlace& place) {
  std::vector<const SnapshotFile*> files = input.files;
  std::erase_if(files, [&](const SnapshotFile* file) {
    return !input.range.Overlaps(file->time_min, file->time_max);
  });
  if (files.empty()) {
    return std::vector<FileMeta>();
  }
  std::atomic<bool> failed = false;
  ImportFilesInput stoppable = input;
  stoppable.pace = [&](uint64_t bytes) -> Status {
    return failed ? Cancelled("another file could not be imported") : input.pace(bytes);
  };
  std::deque<Share> shares;
  for (const auto part : Divide(files, input.threads)) {
    shares.emplace_back(stoppable, place, part);
  }
  VARVE_TRY(WriteShares(shares, failed));
  std::vector<FileMeta> written;
  for (size_t i = 0; i < shares.size(); ++i) {
    for (size_t later = i + 1; later < shares.size(); ++later) {
      VARVE_TRY(shares[i].ReplaceBy(shares[later]));
    }
  }
  for (Share& share : shares) {
    auto taken = share.Take();
    if (!taken) {
      for (const FileMeta& file : written) {
        DiscardDataFile(*place.store, file);
      }
      return std::unexpected(std::move(taken).error());
    }
    std::ranges::move(*taken, std::back_inserter(written));
  }
  return written;
}

}  // namespace varve
