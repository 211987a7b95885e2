// RowSorter: rows in any order as data files of a table, within bounded memory.
//
// Rows are collected; when there are enough of them they are sorted and written as a run: a file
// for each segment. In OVERWRITE tables a row replaces the earlier ones of its key: those of its
// run are left out, those of earlier runs go into deletion vectors.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engine/memtable.h"
#include "engine/table_import.h"
#include "model/file_meta.h"
#include "sst/deletion_vector.h"

namespace varve {

// One thread.
class RowSorter {
 public:
  // `place` outlives it. A run is written when its rows take more memory than `bytes_max`.
  RowSorter(const ImportPlace& place, uint64_t bytes_max);
  // Deletes the files that Finish has not handed out; failures are only logged, GC finds the rest.
  ~RowSorter();
  RowSorter(const RowSorter&) = delete;
  RowSorter& operator=(const RowSorter&) = delete;

  // The batch fits the schema of the place (see batch_check.h). Errors: those of Memtable::Add,
  // RunFlush, SstCache::Open and SstFile; the sorter is of no use then.
  Status Add(const RowBatch& batch);
  // Writes what is still in memory. Errors: as Add.
  Status Seal();
  // In OVERWRITE tables: the rows of the other one, which is sealed, as this one is, and writes to
  // the same place, came after those of this one. Errors: those of SstCache::Open and SstFile.
  Status ReplaceBy(const RowSorter& later);
  // The files of all rows, durable; once. Errors: as Add.
  Result<std::vector<FileMeta>> Finish();

 private:
  struct File {
    FileMeta meta;
    DeletionVector replaced;  // by rows of later runs
  };

  // In the files of earlier runs: the rows whose keys the view has.
  Status MaskReplaced(const MemtableView& view);

  const ImportPlace& place_;
  const uint64_t bytes_max_;
  std::unique_ptr<Memtable> memtable_;
  std::vector<File> files_;
  uint64_t batches_ = 0;
};

}  // namespace varve
