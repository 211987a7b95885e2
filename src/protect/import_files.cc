#include "protect/import_files.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <algorithm>

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

Status WriteAll(const ImportFilesInput& input, const ImportPlace& place,
                std::vector<FileMeta>& files) {
  RowSorter sorter(place, input.sort_bytes_max);
  for (const SnapshotFile* file : input.files) {
    if (!input.range.Overlaps(file->time_min, file->time_max)) {
      continue;
    }
    if (MayBeCopied(input, *file, place)) {
      const auto hashed = input.verified->find(file->path);
      VARVE_CHECK(hashed != input.verified->end(), "{} was not verified", file->path);
      VARVE_ASSIGN(files.emplace_back(),
                   CopyDataFile(*input.snapshot, *file, hashed->second, place, input.pace));
    } else {
      VARVE_TRY(ReadRows(input, *file, place, sorter));
    }
  }
  VARVE_ASSIGN(const auto sorted, sorter.Finish());
  files.insert(files.end(), sorted.begin(), sorted.end());
  return {};
}

}  // namespace

Result<std::vector<FileMeta>> WriteImportFiles(const ImportFilesInput& input,
                                               const ImportPlace& place) {
  std::vector<FileMeta> files;
  if (auto status = WriteAll(input, place, files); !status) {
    for (const FileMeta& file : files) {
      if (!file.path.empty()) {
        DiscardObject(*place.store, file.path);
      }
    }
    return std::unexpected(std::move(status).error());
  }
  return files;
}

}  // namespace varve
