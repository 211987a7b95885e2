// SstCache: what has been read and decoded of data files, kept within a budget of memory: open
// files, decoded values, series indexes, deletion vectors. Files are immutable, so nothing in it
// ever goes stale; everything in it can be read again.
#pragma once

#include <compare>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"
#include "base/result.h"
#include "model/file_meta.h"
#include "sst/deletion_vector.h"
#include "store/object_store.h"

namespace varve {

class SstFile;

// Bounded by what a process may have open (1024 by default), with room for sockets and logs.
inline constexpr size_t kOpenSstFilesMax = 256;

struct SstCacheStats {
  uint64_t bytes = 0;  // held now
  uint64_t entries = 0;
  uint64_t hits = 0;  // since start
  uint64_t misses = 0;
  uint64_t evictions = 0;
};

// Thread-safe. The store outlives it; the files that it hands out may outlive it.
class SstCache : public std::enable_shared_from_this<SstCache> {
 public:
  // Which part of which file a value is.
  struct Key {
    Uuid file;
    uint32_t kind = 0;   // column id, or one of SstFile's own kinds
    uint32_t place = 0;  // block, row group
    bool operator==(const Key&) const = default;
  };

  static std::shared_ptr<SstCache> Make(ObjectStore& store, uint64_t bytes_max);
  ~SstCache();

  // The file, open. `meta` is of a version that the caller holds. Errors: kNotFound, kIo;
  // kCorruption when it is not the file of the meta; kNotSupported when a newer Varve wrote it.
  // Every message names the file.
  Result<std::shared_ptr<const SstFile>> Open(const FileMeta& meta);

  // Errors: as ReadDeletionVector.
  Result<std::shared_ptr<const DeletionVector>> Deletions(const Uuid& file,
                                                          const DeletionVectorMeta& meta);

  // For SstFile. Find answers nullptr when it is not there. Of two inserted under one key the first
  // stays; what was used last is kept while there is room. A value larger than an eighth of the
  // budget is not kept, so that one answer never empties the cache.
  std::shared_ptr<const void> Find(const Key& key);
  void Insert(const Key& key, std::shared_ptr<const void> value, uint64_t bytes);

  uint64_t bytes_max() const;
  SstCacheStats stats() const;

 private:
  struct State;
  explicit SstCache(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace varve
