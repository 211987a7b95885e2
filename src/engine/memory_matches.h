// MemoryMatches: the rows of a table's memtables that later rows, also in memory, have replaced.
//
// Late rows are resolved in bulk: the keys of those that are new since the last time are put into
// a hash table, with where each was written last, and the memtables' rows that are near them in
// time are compared with it. All but the last one are replaced.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/memtable.h"
#include "model/table_schema.h"
#include "sst/deletion_vector.h"

namespace varve {

// One thread at a time.
class MemoryMatches {
 public:
  // Takes the late rows that the views have beyond those of the last call. `views` are all
  // memtables of the table, oldest first, each as it was the last time or with more rows.
  Status Update(const TableSchema& schema,
                std::span<const std::shared_ptr<const MemtableView>> views);

  // Of a memtable of the last Update: positions from the first row of its first chunk; nullptr:
  // none.
  std::shared_ptr<const DeletionVector> Replaced(const MemtableView& view) const;

 private:
  struct Memory {
    uint64_t rows_done = 0;
    std::shared_ptr<const DeletionVector> replaced;
  };
  std::map<Sequence, Memory> memories_;  // by MemtableView::first_sequence
};

}  // namespace varve
