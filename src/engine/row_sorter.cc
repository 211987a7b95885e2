#include "engine/row_sorter.h"

#include <arrow/memory_pool.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/flush_job.h"
#include "engine/key_lookup.h"
#include "sst/sst_cache.h"

namespace varve {
namespace {

// Keys of a run that are looked up at once: 16 bytes each in tables with the default key.
constexpr uint64_t kLookupKeysMax = 1 << 18;

std::vector<uint64_t> Positions(uint64_t first, uint64_t count) {
  std::vector<uint64_t> positions(count);
  std::iota(positions.begin(), positions.end(), first);
  return positions;
}

}  // namespace

RowSorter::RowSorter(const ImportPlace& place, uint64_t bytes_max)
    : place_(place), bytes_max_(bytes_max), memtable_(std::make_unique<Memtable>()) {}

RowSorter::~RowSorter() {
  for (const File& file : files_) {
    DiscardDataFile(*place_.store, file.meta);
  }
}

Status RowSorter::Add(const RowBatch& batch) {
  std::vector<uint32_t> late;
  if (place_.options.update_mode == UpdateMode::kOverwrite) {
    late.resize(batch.row_series.size());
    std::iota(late.begin(), late.end(), 0);
  }
  VARVE_TRY(
      memtable_->Add(batch, place_.schema->timestamp().id, Sequence(++batches_), std::move(late)));
  return memtable_->size_bytes() > bytes_max_ ? Seal() : Status();
}

Status RowSorter::Seal() {
  const auto view = memtable_->View();
  if (view->row_count() == 0) {
    return {};
  }
  if (place_.options.update_mode == UpdateMode::kOverwrite) {
    VARVE_TRY(MaskReplaced(*view));
  }
  VARVE_ASSIGN(
      VersionEdit run,
      RunFlush(
          {place_.store, place_.ids, place_.table_folder, place_.schema, place_.options, {view}}));
  for (FileMeta& meta : run.added_files) {
    files_.push_back({std::move(meta), DeletionVector::FromRows({})});
  }
  memtable_ = std::make_unique<Memtable>();
  arrow::default_memory_pool()->ReleaseUnused();
  return {};
}

Status RowSorter::MaskReplaced(const MemtableView& view) {
  const auto is_near = [&](const File& file) {
    return file.meta.time_min <= view.time_max() && view.time_min() <= file.meta.time_max;
  };
  if (std::ranges::none_of(files_, is_near)) {
    return {};
  }
  for (uint64_t first = 0; first < view.row_count(); first += kLookupKeysMax) {
    const auto rows = Positions(first, std::min(kLookupKeysMax, view.row_count() - first));
    KeySet keys(*place_.schema);
    VARVE_TRY(keys.Add(*place_.schema, view, rows));
    for (File& file : files_) {
      if (keys.CountWithin(file.meta) == 0) {
        continue;
      }
      VARVE_ASSIGN(const auto opened, place_.files->Open(file.meta));
      VARVE_ASSIGN(const auto found, FindRows(*opened, *place_.schema, keys));
      if (!found.empty()) {
        file.replaced = file.replaced.Union(DeletionVector::FromRows(found));
      }
    }
  }
  return {};
}

Status RowSorter::ReplaceBy(const RowSorter& later) {
  if (place_.options.update_mode != UpdateMode::kOverwrite) {
    return {};
  }
  for (File& file : files_) {
    for (const File& newer : later.files_) {
      if (!MayShareKeys(file.meta, newer.meta)) {
        continue;
      }
      VARVE_ASSIGN(const auto opened, place_.files->Open(file.meta));
      VARVE_ASSIGN(const auto opened_newer, place_.files->Open(newer.meta));
      VARVE_ASSIGN(const auto rows, RowsReplaced(*place_.schema, *opened_newer, *opened));
      file.replaced = file.replaced.Union(DeletionVector::FromRows(rows));
    }
  }
  return {};
}

Result<std::vector<FileMeta>> RowSorter::Finish() {
  VARVE_TRY(Seal());
  for (File& file : files_) {
    const uint64_t replaced = file.replaced.size();
    if (replaced > 0 && replaced < file.meta.rows) {
      VARVE_ASSIGN(file.meta.deletion_vector,
                   WriteDeletionVector(*place_.store, DeletionVectorPath(file.meta, *place_.ids),
                                       file.replaced));
    }
  }
  std::vector<FileMeta> metas;
  for (File& file : std::exchange(files_, {})) {
    if (file.replaced.size() == file.meta.rows) {
      DiscardDataFile(*place_.store, file.meta);
    } else {
      metas.push_back(std::move(file.meta));
    }
  }
  return metas;
}

}  // namespace varve
