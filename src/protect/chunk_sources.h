// What chunks are made of: the data files, with their deletion vectors, that have rows of a table
// in a chunk; and what has changed in that since another snapshot. Rows are never read for it: a
// file never changes, so the same files are the same rows.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <vector>

#include "protect/manifest.h"
#include "protect/pinned_table.h"

namespace varve {

// Tables and partitions by their UUIDs; the tables outlive it.
class TableIndex {
 public:
  explicit TableIndex(std::span<const PinnedTable> tables);
  // nullptr: it is not among them, or has another name now.
  const PinnedTable* Find(const ChunkSource& source) const;

 private:
  std::map<Uuid, const PinnedTable*> tables_;
};

// Of each chunk, in their order, the sources of the tables that may have rows in it (kWhole). The
// chunks follow each other, all but the last one of the length of the window.
std::vector<std::vector<ChunkSource>> SourcesOf(std::span<const PinnedTable> tables,
                                                std::span<const TimeRange> chunks,
                                                std::chrono::milliseconds window);

// The sources of a chunk of an increment, with what has changed since `base`, the base's chunk that
// starts where this one does and ends there or earlier; nullptr: it has none. Those of the base
// that have no rows any more are among them; those without any rows now and before are not.
//
// A file that is gone, another deletion vector, rows that have expired, and rows of a former file
// beyond the end of the base's chunk make all partitions of a table kReplace.
std::vector<ChunkSource> CompareSources(std::vector<ChunkSource> now, const TimeRange& range,
                                        const Chunk* base, const TableIndex& tables);

}  // namespace varve
