#include "protect/chunk_writer.h"

#include <arrow/array/array_primitive.h>
#include <arrow/compute/cast.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

#include "base/checksum.h"
#include "engine/arrow_status.h"
#include "protect/local_file.h"
#include "protect/pinned_rows.h"
#include "sst/sst_writer.h"

namespace varve {
namespace {

// Of one file that is encoded here from several. About half a gigabyte of usual rows.
constexpr uint64_t kFileRowsMax = kPinnedBatchRows * 128;
// Arrow's pool keeps what it is given back, thread by thread; to release it costs time too.
constexpr uint64_t kBatchesPerRelease = 8;
// Of a file of text, which is in the folder for temporary files until it is uploaded.
constexpr uint64_t kTextRowsMax = 1'000'000;

// What a row group holds in memory before it is encoded: narrower rows than 70 bytes fill one of
// the default size.
constexpr uint64_t kRowGroupBytesMax = uint64_t{8} << 20;

// The table's own number of rows, or as many as fit.
uint64_t RowGroupRows(const TableOptions& options, const arrow::RecordBatch& first) {
  const auto bytes = static_cast<uint64_t>(arrow::util::TotalBufferSize(first));
  const uint64_t row_bytes = bytes / static_cast<uint64_t>(first.num_rows()) + 1;
  const uint64_t fit = std::max<uint64_t>(1, kRowGroupBytesMax / row_bytes);
  return std::min<uint64_t>(options.num_rows_per_row_group, fit);
}

// A UUID that follows from what is in the file, so that writing it again gives the same bytes.
Uuid IdOf(const PinnedTable& table, const TimeRange& range, std::span<const FileMeta* const> files,
          size_t number) {
  std::string text =
      fmt::format("{} {} {} {} {} {} {}", table.uuid.ToString(), table.version->id.value(),
                  table.visible_from.value(), range.start.value(), range.end.value(),
                  files.front()->segment_start.value(), number);
  for (const FileMeta* file : files) {
    text += " " + file->id.ToString();
  }
  const std::string digest = Sha256Hex(text);
  const auto part = [&](size_t at) {
    uint64_t value = 0;
    std::from_chars(digest.data() + at, digest.data() + at + 16, value, 16);
    return value;
  };
  constexpr uint64_t kVersionBits = 0xF000;
  constexpr uint64_t kVersion4 = 0x4000;
  constexpr uint64_t kVariantBits = uint64_t{3} << 62;
  constexpr uint64_t kVariant = uint64_t{2} << 62;
  return Uuid((part(0) & ~kVersionBits) | kVersion4, (part(16) & ~kVariantBits) | kVariant);
}

// Rows of a table as its users see them: no tsid, no dictionaries. Keeps the ends of their times.
class UserRows final : public ResultStream {
 public:
  UserRows(ObjectStore& store, const PinnedTable& table, const TimeRange& range,
           std::vector<const FileMeta*> files, const Pace& pace)
      : store_(store),
        table_(table),
        range_(range),
        pace_(pace),
        files_(std::move(files)),
        schema_(SchemaOf(*table.version->schema)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    while (true) {
      if (rows_ == nullptr) {
        if (next_file_ == files_.size()) {
          return nullptr;
        }
        OpenFile();
      }
      VARVE_ASSIGN(const auto batch, rows_->Next());
      if (batch != nullptr) {
        // Before it is encoded: about what is read of it.
        VARVE_TRY(pace_(static_cast<uint64_t>(batch->num_rows()) * bytes_per_row_));
        NoteTimes(*batch);
        return ForUsers(*batch);
      }
      rows_.reset();
    }
  }

  TimestampUs time_min() const { return time_min_; }
  TimestampUs time_max() const { return time_max_; }

 private:
  static std::shared_ptr<arrow::Schema> SchemaOf(const TableSchema& schema) {
    arrow::FieldVector fields;
    for (const ColumnSchema& column : schema.columns()) {
      if (column.name != kTsidColumn) {
        fields.push_back(arrow::field(column.name, ArrowType(column.type), column.nullable));
      }
    }
    return arrow::schema(std::move(fields));
  }

  // One after the other: nobody asks text for an order, and merging holds a batch of each.
  void OpenFile() {
    const FileMeta* const& file = files_[next_file_++];
    bytes_per_row_ = file->size_bytes / std::max<uint64_t>(1, file->rows);
    rows_ = PinnedRows::Open(store_, table_, std::span(&file, 1), range_);
  }

  void NoteTimes(const arrow::RecordBatch& batch) {
    const auto& times = static_cast<const arrow::TimestampArray&>(
        *batch.column(static_cast<int>(table_.version->schema->timestamp_index())));
    for (int64_t i = 0; i < times.length(); ++i) {
      time_min_ = std::min(time_min_, TimestampUs(times.Value(i)));
      time_max_ = std::max(time_max_, TimestampUs(times.Value(i)));
    }
  }

  Result<std::shared_ptr<arrow::RecordBatch>> ForUsers(const arrow::RecordBatch& batch) const {
    const auto& columns = table_.version->schema->columns();
    arrow::ArrayVector out;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].name == kTsidColumn) {
        continue;
      }
      auto column = batch.column(static_cast<int>(i));
      if (column->type_id() == arrow::Type::DICTIONARY) {
        VARVE_ASSIGN(column, FromArrow(arrow::compute::Cast(*column, ArrowType(columns[i].type))));
      }
      out.push_back(std::move(column));
    }
    return arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(out));
  }

  ObjectStore& store_;
  const PinnedTable& table_;
  const TimeRange range_;
  const Pace& pace_;
  const std::vector<const FileMeta*> files_;
  const std::shared_ptr<arrow::Schema> schema_;
  size_t next_file_ = 0;
  uint64_t bytes_per_row_ = 0;
  std::unique_ptr<PinnedRows> rows_;
  TimestampUs time_min_{std::numeric_limits<int64_t>::max()};
  TimestampUs time_max_{std::numeric_limits<int64_t>::min()};
};

// Puts files into parts, one after the other.
class PartPlan {
 public:
  explicit PartPlan(DataFormat format) : format_(format) {}

  // `whole`: all of the file is wanted, as it is.
  void Add(const FileMeta& file, bool whole) {
    if (format_ == DataFormat::kParquet && whole) {
      parts_.push_back({ChunkPart::Kind::kCopy, parts_.size(), {&file}});
      return;
    }
    if (!open_.empty() && !Fits(file)) {
      Close();
    }
    open_.push_back(&file);
    open_rows_ += file.rows;
  }

  std::vector<ChunkPart> Finish() {
    Close();
    return std::move(parts_);
  }

 private:
  // Whether the file goes with those that are open.
  bool Fits(const FileMeta& file) const {
    const uint64_t rows = open_rows_ + file.rows;
    if (format_ != DataFormat::kParquet) {
      return rows <= kTextRowsMax;
    }
    return rows <= kFileRowsMax && open_.size() < kMergedFilesMax &&
           open_.front()->segment_start == file.segment_start;
  }
  void Close() {
    if (!open_.empty()) {
      parts_.push_back(
          {format_ == DataFormat::kParquet ? ChunkPart::Kind::kEncode : ChunkPart::Kind::kText,
           parts_.size(), std::exchange(open_, {})});
      open_rows_ = 0;
    }
  }

  const DataFormat format_;
  std::vector<ChunkPart> parts_;
  std::vector<const FileMeta*> open_;  // of the part that is collected
  uint64_t open_rows_ = 0;
};

// Where the file is from does not matter: its content is what the meta says.
void Describe(SnapshotFile& file, const FileMeta& meta) {
  file.size_bytes = meta.size_bytes;
  file.rows = meta.rows;
  file.sha256 = meta.sha256;
  file.time_min = meta.time_min;
  file.time_max = meta.time_max;
  file.notes = DataFileNotes{meta.segment_start, meta.tsid_min, meta.tsid_max, meta.null_counts};
}

}  // namespace

std::vector<ChunkPart> ChunkWriter::Plan(const PinnedTable& table, const Chunk& chunk,
                                         const ChunkSource& source) const {
  const auto& wanted = source.change == ChunkChange::kAdd ? source.added : source.files;
  PartPlan plan(options_.format);
  for (const FileMeta* file : table.FilesIn(chunk.range)) {
    if (std::ranges::binary_search(wanted, file->id, {}, &SourceFile::id)) {
      plan.Add(*file, table.IsWholeIn(*file, chunk.range));
    }
  }
  return plan.Finish();
}

Result<std::optional<SnapshotFile>> ChunkWriter::Write(const PinnedTable& table, const Chunk& chunk,
                                                       const ChunkPart& part) const {
  switch (part.kind) {
    case ChunkPart::Kind::kCopy:
      return Copy(table, chunk, part);
    case ChunkPart::Kind::kEncode:
      return Encode(table, chunk, part);
    case ChunkPart::Kind::kText:
      return WriteText(table, chunk, part);
  }
  return Internal("no such kind of part");
}

SnapshotFile ChunkWriter::NewFile(const PinnedTable& table, const Chunk& chunk,
                                  const ChunkPart& part) const {
  SnapshotFile file;
  file.schema = table.schema;
  file.table = table.table;
  file.partition = table.partition;
  std::string number;
  if (table.partition) {
    number += fmt::format("-p{}", *table.partition);
  }
  if (part.number > 0) {
    number += fmt::format("-{}", part.number + 1);
  }
  file.path = fmt::format("data/{}/{}.{}{}.{}", chunk.id, SnapshotSegment(table.schema),
                          SnapshotSegment(table.table), number, DataFormatName(options_.format));
  return file;
}

ChunkWriter::Written ChunkWriter::Copy(const PinnedTable& table, const Chunk& chunk,
                                       const ChunkPart& part) const {
  const FileMeta& source = *part.files.front();
  SnapshotFile file = NewFile(table, chunk, part);
  VARVE_TRY(CopyObject(*options_.source, source.path, *options_.target, file.path, source.sha256,
                       options_.pace));
  Describe(file, source);
  return file;
}

ChunkWriter::Written ChunkWriter::Encode(const PinnedTable& table, const Chunk& chunk,
                                         const ChunkPart& part) const {
  const Version& version = *table.version;
  uint64_t bytes = 0;
  uint64_t file_rows = 0;
  for (const FileMeta* file : part.files) {
    bytes += file->size_bytes;
    file_rows += file->rows;
  }
  const auto rows = PinnedRows::Open(*options_.source, table, part.files, chunk.range);
  SnapshotFile file = NewFile(table, chunk, part);
  std::unique_ptr<SstWriter> writer;
  for (uint64_t batches = 1;; ++batches) {
    VARVE_ASSIGN(const auto batch, rows->Next());
    if (batch == nullptr) {
      break;
    }
    VARVE_TRY(options_.pace(static_cast<uint64_t>(batch->num_rows()) * bytes /
                            std::max<uint64_t>(1, file_rows)));
    if (writer == nullptr) {
      VARVE_ASSIGN(writer,
                   SstWriter::Open(*options_.target, *version.schema,
                                   {.id = IdOf(table, chunk.range, part.files, part.number),
                                    .path = file.path,
                                    .segment_start = part.files.front()->segment_start,
                                    .compression = version.options.compression,
                                    .row_group_rows = RowGroupRows(version.options, *batch)}));
    }
    VARVE_TRY(writer->Write(*batch));
    if (batches % kBatchesPerRelease == 0) {
      arrow::default_memory_pool()->ReleaseUnused();
    }
  }
  if (writer == nullptr) {
    return std::nullopt;
  }
  VARVE_ASSIGN(const FileMeta meta, writer->Finish(Sequence(0)));
  Describe(file, meta);
  return file;
}

ChunkWriter::Written ChunkWriter::WriteText(const PinnedTable& table, const Chunk& chunk,
                                            const ChunkPart& part) const {
  const std::string_view format = DataFormatName(options_.format);
  UserRows rows(*options_.source, table, chunk.range, part.files, options_.pace);
  const LocalFile local(options_.temp_folder, "export", format);
  VARVE_ASSIGN(const uint64_t count, options_.text->Write(local.path(), format, rows));
  if (count == 0) {
    return std::nullopt;
  }
  SnapshotFile file = NewFile(table, chunk, part);
  // The rows have been paid for as they were read.
  VARVE_ASSIGN(const CopiedObject copied, UploadFile(local.path(), *options_.target, file.path,
                                                     [](uint64_t) { return Status(); }));
  file.size_bytes = copied.size_bytes;
  file.sha256 = copied.sha256;
  file.rows = count;
  file.time_min = rows.time_min();
  file.time_max = rows.time_max();
  return file;
}

}  // namespace varve
