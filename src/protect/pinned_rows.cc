#include "protect/pinned_rows.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <optional>

#include "engine/gather_runs.h"
#include "engine/merge_rows.h"
#include "sst/deletion_vector.h"
#include "sst/sst_reader.h"

namespace varve {
namespace {

// One file: opened when its first rows are asked for.
class Source final : public MergeInput {
 public:
  Source(ObjectStore& store, const PinnedTable& table, const FileMeta& file, TimeRange range)
      : store_(store), schema_(*table.version->schema), file_(file), range_(range) {}

  Result<bool> Next(MergeBatch& batch) override {
    while (true) {
      VARVE_ASSIGN(const auto rows, Read());
      if (rows == nullptr) {
        reader_.reset();
        return false;
      }
      const auto count = static_cast<uint32_t>(rows->num_rows());
      batch.first_row = next_row_;
      next_row_ += count;
      batch.live = Live(*rows, batch.first_row);
      if (batch.live.empty()) {
        continue;
      }
      if (batch.live.size() == count) {
        batch.live = {};
      }
      batch.rows = rows;
      return true;
    }
  }

 private:
  Result<std::shared_ptr<arrow::RecordBatch>> Read() {
    if (reader_ == nullptr) {
      if (file_.deletion_vector) {
        VARVE_ASSIGN(deleted_, ReadDeletionVector(store_, *file_.deletion_vector));
      }
      VARVE_ASSIGN(reader_, SstReader::Open(store_, file_, schema_));
    }
    return reader_->Next();
  }

  // The rows that are neither deleted nor out of the range.
  std::vector<uint32_t> Live(const arrow::RecordBatch& rows, uint64_t first) const {
    const auto count = static_cast<uint32_t>(rows.num_rows());
    std::vector<uint32_t> live;
    if (deleted_) {
      live = deleted_->Remaining(first, count);
    } else {
      live.resize(count);
      for (uint32_t i = 0; i < count; ++i) {
        live[i] = i;
      }
    }
    const auto& times = static_cast<const arrow::TimestampArray&>(
        *rows.column(static_cast<int>(schema_.timestamp_index())));
    std::erase_if(live,
                  [&](uint32_t row) { return !range_.Contains(TimestampUs(times.Value(row))); });
    return live;
  }

  ObjectStore& store_;
  const TableSchema& schema_;
  const FileMeta& file_;
  const TimeRange range_;
  std::unique_ptr<SstReader> reader_;
  std::optional<DeletionVector> deleted_;
  uint64_t next_row_ = 0;
};

uint64_t RowBytes(const arrow::RecordBatch& batch) {
  return static_cast<uint64_t>(arrow::util::TotalBufferSize(batch) / batch.num_rows()) + 1;
}

class MergedPinnedRows final : public PinnedRows {
 public:
  MergedPinnedRows(ObjectStore& store, const PinnedTable& table,
                   std::span<const FileMeta* const> files, const TimeRange& range)
      : version_(table.version), places_(files.size(), 0), row_bytes_(files.size(), 1) {
    const TimeRange visible{std::max(range.start, table.visible_from), range.end};
    std::vector<MergeInput*> inputs;
    for (const FileMeta* file : files) {
      inputs.push_back(
          sources_.emplace_back(std::make_unique<Source>(store, table, *file, visible)).get());
    }
    merge_ = MergeRows::Make(*version_->schema, std::move(inputs));
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    batches_.clear();
    runs_.clear();
    uint64_t rows = 0;
    uint64_t bytes = 0;
    while (rows < kPinnedBatchRows && bytes < kPinnedBatchBytes) {
      if (!run_) {
        VARVE_ASSIGN(run_, merge_->Next());
        if (!run_) {
          break;
        }
      }
      const uint32_t place = PlaceOf(*run_->batch);
      const uint64_t fit = (kPinnedBatchBytes - bytes) / row_bytes_[run_->batch->input] + 1;
      const size_t count = std::min<size_t>(run_->count, std::min(kPinnedBatchRows - rows, fit));
      Add(*run_->batch, place, run_->first, count);
      rows += count;
      bytes += count * row_bytes_[run_->batch->input];
      run_->first += count;
      run_->count -= count;
      if (run_->count == 0) {
        run_.reset();
      }
    }
    if (rows == 0) {
      return nullptr;
    }
    return GatherRuns(batches_, runs_);
  }

 private:
  // The live rows of a batch are one stretch for each gap between others.
  void Add(const MergeBatch& batch, uint32_t place, size_t first, size_t count) {
    for (size_t i = first; i < first + count;) {
      const uint32_t row = batch.offset(i);
      uint32_t length = 1;
      while (i + length < first + count && batch.offset(i + length) == row + length) {
        ++length;
      }
      if (!runs_.empty() && runs_.back().batch == place &&
          runs_.back().first + runs_.back().count == row) {
        runs_.back().count += length;
      } else {
        runs_.push_back({place, row, length});
      }
      i += length;
    }
  }

  uint32_t PlaceOf(const MergeBatch& batch) {
    uint32_t& place = places_[batch.input];
    if (place >= batches_.size() || batches_[place] != batch.rows) {
      place = static_cast<uint32_t>(batches_.size());
      batches_.push_back(batch.rows);
      row_bytes_[batch.input] = RowBytes(*batch.rows);
    }
    return place;
  }

  const std::shared_ptr<const Version> version_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::unique_ptr<MergeRows> merge_;
  std::optional<MergedRun> run_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  std::vector<uint32_t> places_;     // by input: where its last batch is in batches_
  std::vector<uint64_t> row_bytes_;  // by input: of a row of that batch
  std::vector<RowRun> runs_;
};

}  // namespace

std::unique_ptr<PinnedRows> PinnedRows::Open(ObjectStore& store, const PinnedTable& table,
                                             std::span<const FileMeta* const> files,
                                             const TimeRange& range) {
  return std::make_unique<MergedPinnedRows>(store, table, files, range);
}

}  // namespace varve
