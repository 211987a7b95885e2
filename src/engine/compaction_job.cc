#include "engine/compaction_job.h"

#include <arrow/record_batch.h>

#include <algorithm>

#include "base/check.h"
#include "engine/flush_job.h"
#include "engine/gather_runs.h"
#include "engine/merge_rows.h"
#include "sst/deletion_vector.h"
#include "sst/sst_reader.h"
#include "sst/sst_writer.h"

namespace varve {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;
// Rows that are put together at once: a row group of the default size, so that its dictionaries are
// unified once.
constexpr uint64_t kWindowRowsMax = 122'880;

uint64_t LiveRows(const FileMeta& file) {
  return file.rows - (file.deletion_vector ? file.deletion_vector->rows : 0);
}

// How the rows are spread over files: evenly, so that none is a small remainder which is to be
// merged again.
uint64_t RowsPerOutput(const CompactionInput& input) {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  for (const FileMeta& file : input.files) {
    rows += LiveRows(file);
    bytes += file.size_bytes / std::max<uint64_t>(1, file.rows) * LiveRows(file);
  }
  const auto parts = [](uint64_t whole, uint64_t most) { return (whole + most - 1) / most; };
  const uint64_t files = std::max({uint64_t{1}, parts(rows, input.limits.output_rows_max),
                                   parts(bytes, input.limits.output_bytes_max)});
  return std::max<uint64_t>(1, parts(rows, files));
}

}  // namespace

// One input: opened when its first rows are asked for.
class CompactionJob::Source final : public MergeInput {
 public:
  Source(const CompactionInput& input, const FileMeta& file, std::optional<Uuid>& damaged_input,
         uint64_t& rows_read)
      : input_(input), file_(file), damaged_input_(damaged_input), rows_read_(rows_read) {}

  Result<bool> Next(MergeBatch& batch) override {
    while (true) {
      auto rows = Read();
      if (!rows) {
        NoteDamage(rows.error());
        return std::unexpected(std::move(rows).error());
      }
      if (*rows == nullptr) {
        reader_.reset();
        return false;
      }
      const auto count = static_cast<uint32_t>((*rows)->num_rows());
      batch.first_row = next_row_;
      next_row_ += count;
      rows_read_ += count;
      VARVE_TRY(input_.proceed(Bytes(count)));
      if (deleted_) {
        batch.live = deleted_->Remaining(batch.first_row, count);
        if (batch.live.empty()) {
          continue;
        }
        if (batch.live.size() == count) {
          batch.live = {};
        }
      }
      batch.rows = *std::move(rows);
      return true;
    }
  }

 private:
  Result<std::shared_ptr<arrow::RecordBatch>> Read() {
    if (!opened_) {
      opened_ = true;
      if (file_.deletion_vector) {
        VARVE_ASSIGN(deleted_, ReadDeletionVector(*input_.store, *file_.deletion_vector));
      }
      VARVE_ASSIGN(reader_, SstReader::Open(*input_.store, file_, *input_.schema));
    }
    return reader_->Next();
  }

  void NoteDamage(const Error& error) {
    if (error.kind == ErrorKind::kCorruption || error.kind == ErrorKind::kNotFound ||
        error.kind == ErrorKind::kNotSupported) {
      damaged_input_ = file_.id;
    }
  }

  // Read, and about as much written.
  uint64_t Bytes(uint64_t rows) const {
    return 2 * rows * file_.size_bytes / std::max<uint64_t>(1, file_.rows);
  }

  const CompactionInput& input_;
  const FileMeta& file_;
  std::optional<Uuid>& damaged_input_;
  uint64_t& rows_read_;
  bool opened_ = false;
  std::unique_ptr<SstReader> reader_;
  std::optional<DeletionVector> deleted_;
  uint64_t next_row_ = 0;
};

// The outputs: collects runs, puts them together a window at a time, begins a new file when one is
// full.
class CompactionJob::Sink {
 public:
  Sink(const CompactionInput& input, const MergeRows& merge, RowMapping& mapping, VersionEdit& edit)
      : input_(input),
        merge_(merge),
        mapping_(mapping),
        edit_(edit),
        file_rows_max_(RowsPerOutput(input)),
        window_rows_max_(std::min(kWindowRowsMax, input.options.num_rows_per_row_group)) {
    for (const FileMeta& file : input.files) {
      sequence_max_ = std::max(sequence_max_, file.sequence_max);
    }
  }

  Status Add(MergedRun run) {
    while (run.count > 0) {
      size_t count = 0;
      if (file_rows_ < file_rows_max_) {
        count = std::min<size_t>(run.count, file_rows_max_ - file_rows_);
      } else {
        // Equal keys stay in one file, so that files have no key in common.
        count = LeadingRowsOfLastKey(run);
        if (count == 0) {
          VARVE_TRY(FinishFile());
          continue;
        }
      }
      VARVE_TRY(AddToFile({run.batch, run.first, count}));
      run.first += count;
      run.count -= count;
    }
    return {};
  }

  Status Finish() { return file_rows_ > 0 ? FinishFile() : Status(); }

 private:
  size_t LeadingRowsOfLastKey(const MergedRun& run) const {
    size_t count = 0;
    while (count < run.count &&
           merge_.SameKey(*last_.batch, last_.first, *run.batch, run.first + count)) {
      ++count;
    }
    return count;
  }

  Status AddToFile(MergedRun run) {
    file_rows_ += run.count;
    last_ = {run.batch, run.first + run.count - 1, 1};
    while (run.count > 0) {
      const size_t count = std::min<size_t>(run.count, window_rows_max_ - window_rows_);
      AddToWindow({run.batch, run.first, count});
      run.first += count;
      run.count -= count;
      if (window_rows_ == window_rows_max_) {
        VARVE_TRY(WriteWindow());
      }
    }
    return {};
  }

  // The live rows of a batch are one stretch for each gap between deleted ones.
  void AddToWindow(const MergedRun& run) {
    const MergeBatch& batch = *run.batch;
    window_rows_ += run.count;
    for (size_t i = 0; i < run.count;) {
      const uint32_t first = batch.offset(run.first + i);
      size_t count = run.count;
      if (!batch.live.empty()) {
        count = 1;
        while (i + count < run.count && batch.live[run.first + i + count] == first + count) {
          ++count;
        }
      }
      AddStretch(batch, {0, first, static_cast<uint32_t>(count)});
      i += count;
    }
  }

  void AddStretch(const MergeBatch& batch, RowRun run) {
    mapping_.Append(batch.input, batch.first_row + run.first, run.count);
    run.batch = PlaceOf(batch);
    if (!runs_.empty() && runs_.back().batch == run.batch &&
        runs_.back().first + runs_.back().count == run.first) {
      runs_.back().count += run.count;
    } else {
      runs_.push_back(run);
    }
  }

  // The place of the batch's rows in the window.
  uint32_t PlaceOf(const MergeBatch& batch) {
    uint32_t& place = places_[batch.input];
    if (place >= batches_.size() || batches_[place] != batch.rows) {
      place = static_cast<uint32_t>(batches_.size());
      batches_.push_back(batch.rows);
    }
    return place;
  }

  Status WriteWindow() {
    if (window_rows_ == 0) {
      return {};
    }
    if (writer_ == nullptr) {
      VARVE_TRY(OpenFile());
    }
    VARVE_ASSIGN(const auto rows, GatherRuns(batches_, runs_));
    batches_.clear();
    runs_.clear();
    window_rows_ = 0;
    return writer_->Write(*rows);
  }

  Status OpenFile() {
    const FileMeta& first = input_.files.front();
    SstWriterOptions options;
    options.id = input_.ids->NewUuid();
    options.path = fmt::format("{}/data/{}/{}.parquet", input_.table_folder,
                               first.segment_start.value() / kUsPerSecond, options.id.ToString());
    options.segment_start = first.segment_start;
    options.compression = input_.options.compression;
    options.row_group_rows = input_.options.num_rows_per_row_group;
    VARVE_ASSIGN(writer_, SstWriter::Open(*input_.store, *input_.schema, std::move(options)));
    return {};
  }

  Status FinishFile() {
    VARVE_TRY(WriteWindow());
    VARVE_ASSIGN(FileMeta file, writer_->Finish(sequence_max_));
    edit_.added_files.push_back(std::move(file));
    writer_.reset();
    file_rows_ = 0;
    return {};
  }

  const CompactionInput& input_;
  const MergeRows& merge_;
  RowMapping& mapping_;
  VersionEdit& edit_;
  const uint64_t file_rows_max_;
  const uint64_t window_rows_max_;
  Sequence sequence_max_;

  std::unique_ptr<SstWriter> writer_;
  uint64_t file_rows_ = 0;
  MergedRun last_;  // the last row, if there is one

  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  std::vector<uint32_t> places_ = std::vector<uint32_t>(input_.files.size(), 0);
  std::vector<RowRun> runs_;
  uint64_t window_rows_ = 0;
};

CompactionJob::CompactionJob(CompactionInput input)
    : input_(std::move(input)), mapping_(input_.files.size()) {
  VARVE_CHECK(!input_.files.empty() && input_.files.size() <= kCompactionInputsMax);
}

uint64_t CompactionJob::bytes_read() const {
  uint64_t bytes = 0;
  for (const FileMeta& file : input_.files) {
    bytes += file.size_bytes;
  }
  return bytes;
}

Status CompactionJob::Merge(VersionEdit& edit) {
  std::vector<std::unique_ptr<Source>> sources;
  std::vector<MergeInput*> inputs;
  uint64_t live_rows = 0;
  for (const FileMeta& file : input_.files) {
    inputs.push_back(
        sources.emplace_back(std::make_unique<Source>(input_, file, damaged_input_, rows_read_))
            .get());
    live_rows += LiveRows(file);
  }
  const auto merge = MergeRows::Make(*input_.schema, std::move(inputs));
  Sink sink(input_, *merge, mapping_, edit);
  while (true) {
    VARVE_ASSIGN(auto run, merge->Next());
    if (!run) {
      break;
    }
    VARVE_TRY(sink.Add(*std::move(run)));
  }
  VARVE_TRY(sink.Finish());
  if (mapping_.row_count() != live_rows) {
    return Internal("merging {} files of {} gave {} rows, not {}", input_.files.size(),
                    input_.table_folder, mapping_.row_count(), live_rows);
  }
  return {};
}

Result<VersionEdit> CompactionJob::Run() {
  VersionEdit edit;
  edit.kind = EditKind::kCompact;
  edit.base = input_.base;
  for (const FileMeta& file : input_.files) {
    edit.removed_files.push_back(file.id);
  }
  if (auto status = Merge(edit); !status) {
    DiscardFiles(*input_.store, edit);
    return std::unexpected(std::move(status).error());
  }
  return edit;
}

}  // namespace varve
