#include "sst/sst_cache.h"

#include <optional>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "sst/sst_file.h"
#include "sst/sst_file_internal.h"

namespace varve {
namespace {

// Of an entry beside its value: the nodes of the list and of the table.
constexpr uint64_t kEntryBytes = 160;
constexpr uint64_t kBudgetShareMax = 8;  // no value takes more than this part of the budget

struct KeyHash {
  size_t operator()(const SstCache::Key& key) const {
    uint64_t hash = key.file.low() ^ (uint64_t{key.kind} << 32 | key.place);
    hash *= 0x9e3779b97f4a7c15;  // file ids are random, kinds and places are small numbers
    return static_cast<size_t>(hash ^ hash >> 32);
  }
};

struct UuidHash {
  size_t operator()(const Uuid& id) const { return static_cast<size_t>(id.low()); }
};

// A file has another vector in each version that replaces rows of it.
struct CachedDeletions {
  std::string path;
  DeletionVector vector;
};

}  // namespace

struct SstCache::State {
  struct Entry {
    Key key;
    std::shared_ptr<const void> value;
    uint64_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the last used first
  struct OpenFile {
    Uuid id;
    std::shared_ptr<const SstFile> file;
  };
  using OpenFiles = std::list<OpenFile>;  // the last used first

  State(ObjectStore& store, uint64_t bytes_max) : store(store), bytes_max(bytes_max) {}

  std::shared_ptr<const SstFile> FindFile(const Uuid& id) {
    const auto found = files_by_id.find(id);
    if (found == files_by_id.end()) {
      return nullptr;
    }
    files.splice(files.begin(), files, found->second);
    return found->second->file;
  }

  // Moves what goes beyond the budget into `evicted`, to be freed without the lock.
  Entries Evict() {
    Entries evicted;
    while (stats.bytes > bytes_max && entries.size() > 1) {
      stats.bytes -= entries.back().bytes;
      by_key.erase(entries.back().key);
      evicted.splice(evicted.begin(), entries, std::prev(entries.end()));
      ++stats.evictions;
    }
    return evicted;
  }

  ObjectStore& store;
  const uint64_t bytes_max;
  std::mutex mutex;
  Entries entries;
  std::unordered_map<Key, Entries::iterator, KeyHash> by_key;
  OpenFiles files;
  std::unordered_map<Uuid, OpenFiles::iterator, UuidHash> files_by_id;
  SstCacheStats stats;
};

SstCache::SstCache(std::unique_ptr<State> state) : state_(std::move(state)) {}
SstCache::~SstCache() = default;

std::shared_ptr<SstCache> SstCache::Make(ObjectStore& store, uint64_t bytes_max) {
  return std::shared_ptr<SstCache>(new SstCache(std::make_unique<State>(store, bytes_max)));
}

Result<std::shared_ptr<const SstFile>> SstCache::Open(const FileMeta& meta) {
  {
    const std::lock_guard lock(state_->mutex);
    if (auto file = state_->FindFile(meta.id)) {
      return file;
    }
  }
  VARVE_ASSIGN(auto opened, OpenSstFile(state_->store, meta, weak_from_this()));
  std::optional<State::OpenFile> closed;  // outlives the lock: closing is a call to the system
  const std::lock_guard lock(state_->mutex);
  if (auto file = state_->FindFile(meta.id)) {
    return file;  // somebody else was quicker
  }
  state_->files.push_front({meta.id, opened});
  state_->files_by_id[meta.id] = state_->files.begin();
  if (state_->files.size() > kOpenSstFilesMax) {
    closed = std::move(state_->files.back());
    state_->files_by_id.erase(closed->id);
    state_->files.pop_back();
  }
  return opened;
}

Result<std::shared_ptr<const DeletionVector>> SstCache::Deletions(const Uuid& file,
                                                                  const DeletionVectorMeta& meta) {
  const Key key{file, kDeletionsKind, static_cast<uint32_t>(Xxh3(meta.path))};
  const auto found = std::static_pointer_cast<const CachedDeletions>(Find(key));
  if (found != nullptr && found->path == meta.path) {
    return std::shared_ptr<const DeletionVector>(found, &found->vector);
  }
  VARVE_ASSIGN(DeletionVector vector, ReadDeletionVector(state_->store, meta));
  auto read = std::make_shared<const CachedDeletions>(meta.path, std::move(vector));
  Insert(key, read, meta.size_bytes);
  return std::shared_ptr<const DeletionVector>(read, &read->vector);
}

std::shared_ptr<const void> SstCache::Find(const Key& key) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->by_key.find(key);
  if (found == state_->by_key.end()) {
    ++state_->stats.misses;
    return nullptr;
  }
  ++state_->stats.hits;
  state_->entries.splice(state_->entries.begin(), state_->entries, found->second);
  return found->second->value;
}

void SstCache::Insert(const Key& key, std::shared_ptr<const void> value, uint64_t bytes) {
  bytes += kEntryBytes;
  if (bytes > state_->bytes_max / kBudgetShareMax) {
    return;
  }
  State::Entries evicted;  // outlives the lock
  const std::lock_guard lock(state_->mutex);
  if (state_->by_key.contains(key)) {
    return;
  }
  state_->entries.push_front({key, std::move(value), bytes});
  state_->by_key[key] = state_->entries.begin();
  state_->stats.bytes += bytes;
  evicted = state_->Evict();
}

uint64_t SstCache::bytes_max() const { return state_->bytes_max; }

SstCacheStats SstCache::stats() const {
  const std::lock_guard lock(state_->mutex);
  SstCacheStats stats = state_->stats;
  stats.entries = state_->entries.size();
  return stats;
}

}  // namespace varve
