// FileMatches: the rows in files that late rows in memory have replaced.
//
// It remembers, per memtable, what has been looked up where: another call looks up only the late
// rows written since, and all of them in files that are new (after a flush or a compaction).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/key_lookup.h"
#include "engine/memtable.h"
#include "meta/version.h"
#include "sst/deletion_vector.h"
#include "sst/sst_cache.h"

namespace varve {

// By file: rows of it.
using FileRows = std::map<Uuid, std::shared_ptr<const DeletionVector>>;

// One thread at a time.
class FileMatches {
 public:
  // `lookups` counts the keys that are looked up in files.
  FileMatches(std::shared_ptr<SstCache> files, std::shared_ptr<std::atomic<uint64_t>> lookups)
      : files_(std::move(files)), lookups_(std::move(lookups)) {}

  // The rows in files of the version that the views' late rows replace and that the version's own
  // deletion vectors do not have. The views are memtables whose rows are in no file of the version,
  // perhaps not all. Reads files; a damaged one is said in the log and passed over. Other errors:
  // those of SstCache::Open, SstFile and SstCache::Deletions; what has been found until then is
  // kept.
  Result<FileRows> Find(const Version& version,
                        std::span<const std::shared_ptr<const MemtableView>> views);

 private:
  struct Memory {
    // Late rows before it have been looked up in these files (sorted), which are the version's.
    uint64_t rows_done = 0;
    std::vector<Uuid> files_done;
    VersionId version_done;
    std::map<Uuid, DeletionVector> found;
  };
  Status Update(Memory& memory, const Version& version, const MemtableView& view);
  Result<std::vector<uint64_t>> RowsIn(const Version& version, const FileMeta& file,
                                       const KeySet& keys);
  Status LookUp(Memory& memory, const Version& version, const FileMeta& file, const KeySet& keys);

  const std::shared_ptr<SstCache> files_;
  const std::shared_ptr<std::atomic<uint64_t>> lookups_;
  std::map<Sequence, Memory> memories_;  // by MemtableView::first_sequence
  std::set<Uuid> damaged_;               // files that the log has named
};

}  // namespace varve
