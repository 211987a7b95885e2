#include "engine/flush_job.h"

#include <arrow/record_batch.h>

#include <algorithm>

#include "base/log.h"
#include "engine/flush_rows.h"
#include "engine/segment_duration.h"
#include "sst/sst_writer.h"

namespace varve {
namespace {

// Rows that are gathered at once: a row group, so that a dictionary holds just the values of its
// group.
constexpr uint64_t kGatherRowsMax = 1 << 20;

constexpr int64_t kUsPerSecond = 1'000'000;

constexpr std::string_view kFileSuffix = ".parquet";

Result<FileMeta> WriteSegment(const FlushInput& input, const FlushRows& rows, TimestampUs segment,
                              std::span<const RowRef> order, Sequence sequence_max) {
  SstWriterOptions options;
  options.id = input.ids->NewUuid();
  options.path = fmt::format("{}/data/{}/{}.parquet", input.table_folder,
                             segment.value() / kUsPerSecond, options.id.ToString());
  options.segment_start = segment;
  options.compression = input.options.compression;
  options.row_group_rows = input.options.num_rows_per_row_group;
  VARVE_ASSIGN(const auto writer, SstWriter::Open(*input.store, *input.schema, options));
  const uint64_t step = std::min(options.row_group_rows, kGatherRowsMax);
  for (size_t at = 0; at < order.size(); at += step) {
    VARVE_ASSIGN(const auto batch,
                 rows.Gather(order.subspan(at, std::min<size_t>(step, order.size() - at))));
    VARVE_TRY(writer->Write(*batch));
  }
  return writer->Finish(sequence_max);
}

Status WriteSegments(const FlushInput& input, const FlushRows& rows, VersionEdit& edit) {
  const bool may_repeat =
      input.options.update_mode == UpdateMode::kOverwrite &&
      std::ranges::any_of(input.memtables, [](const auto& m) { return m->late_count() > 0; });
  auto segments = rows.BySegment(edit.options->segment_duration->count() * 1000);
  for (auto& [segment, order] : segments) {
    rows.Sort(order);
    if (may_repeat) {
      rows.DropReplaced(order);
    }
    VARVE_ASSIGN(FileMeta file, WriteSegment(input, rows, segment, order, *edit.flushed));
    edit.added_files.push_back(std::move(file));
    order = {};
  }
  return {};
}

}  // namespace

Result<VersionEdit> RunFlush(const FlushInput& input) {
  VARVE_ASSIGN(const FlushRows rows, FlushRows::Make(*input.schema, input.memtables));
  VersionEdit edit;
  edit.kind = EditKind::kFlush;
  edit.flushed = input.memtables.back()->last_sequence();
  edit.options = input.options;
  if (!edit.options->segment_duration) {
    edit.options->segment_duration =
        ChooseSegmentDuration(rows.SampleIntervals(kIntervalSamplesMax));
  }
  if (auto status = WriteSegments(input, rows, edit); !status) {
    DiscardFiles(*input.store, edit);
    return std::unexpected(std::move(status).error());
  }
  if (input.options.segment_duration) {
    edit.options.reset();
  }
  return edit;
}

void DiscardObject(ObjectStore& store, const std::string& path) {
  if (auto status = store.Delete(path); !status) {
    LogWarn("{} was written but not committed and could not be deleted: {}", path,
            status.error().message);
  }
}

void DiscardDataFile(ObjectStore& store, const FileMeta& file) {
  DiscardObject(store, file.path);
  if (file.deletion_vector) {
    DiscardObject(store, file.deletion_vector->path);
  }
}

void DiscardFiles(ObjectStore& store, const VersionEdit& edit) {
  for (const FileMeta& file : edit.added_files) {
    DiscardDataFile(store, file);
  }
  for (const auto& [id, vector] : edit.deletion_vectors) {
    DiscardObject(store, vector.path);
  }
}

std::string DeletionVectorPath(const FileMeta& file, IdSource& ids) {
  const std::string_view stem =
      std::string_view(file.path).substr(0, file.path.size() - kFileSuffix.size());
  return fmt::format("{}-{}.dv", stem, ids.NewUuid().ToString());
}

void DiscardDeletionVectors(ObjectStore& store, VersionEdit& edit) {
  for (const auto& [id, vector] : edit.deletion_vectors) {
    DiscardObject(store, vector.path);
  }
  edit.deletion_vectors.clear();
}

}  // namespace varve
