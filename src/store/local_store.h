// LocalObjectStore: an ObjectStore in a folder of the local file system. The object "a/b" is the
// file `<root>/a/b`.
//
// A new object is written to `<root>/tmp/`, synced, and then renamed (Put, Finish, Copy) or linked
// (PutIfAbsent: the file system lets exactly one link win) to its place, whose folder is synced.
// What a crash leaves is in `tmp/` only, and the next Open removes it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "store/object_store.h"

namespace varve {

struct LocalStoreOptions {
  std::string root;  // made if it is missing
};

// Thread-safe. Several processes may use one root at once: unfinished files are locked by their
// writers, and Open removes only those that nobody holds.
class LocalObjectStore final : public ObjectStore {
 public:
  // Errors: kIo, kResourceExhausted when the root cannot be made or written, with what to do about
  // it.
  static Result<std::unique_ptr<LocalObjectStore>> Open(const LocalStoreOptions& options);
  ~LocalObjectStore() override;

  Status Put(std::string_view path, std::string_view bytes) override;
  Status PutIfAbsent(std::string_view path, std::string_view bytes) override;
  // The writer must not outlive the store.
  Result<std::unique_ptr<ObjectWriter>> NewWriter(std::string_view path) override;
  Result<std::string> Get(std::string_view path) override;
  Result<std::shared_ptr<const ObjectReader>> Open(std::string_view path) override;
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override;
  // Also removes the folders that it leaves empty.
  Status Delete(std::string_view path) override;
  Status Copy(std::string_view from, std::string_view to) override;
  std::string Describe() const override { return root_; }

 private:
  friend class LocalWriter;
  class TemporaryFile;
  enum class IfPresent { kReplace, kFail };

  LocalObjectStore(std::string root, std::string run_name);

  std::string FilePath(std::string_view path) const;
  Result<TemporaryFile> NewTemporaryFile();
  Status PutObject(std::string_view path, std::string_view bytes, IfPresent if_present);
  // The synced file becomes the object.
  Status Publish(TemporaryFile& file, const std::string& target, IfPresent if_present);
  // Ok once the folder is there and all folder entries that lead to it are durable.
  Status EnsureFolder(const std::string& folder);
  void RemoveEmptyFolders(std::string folder);

  const std::string root_;
  const std::string
      run_name_;  // sets this store's temporary files apart from those of other processes
  std::atomic<uint64_t> temporary_files_ = 0;
  // Held across mkdir, rmdir and fsync of folders: a folder must not be used before its own entry
  // is durable, also when another thread made it.
  std::mutex folders_mutex_;
  std::unordered_set<std::string> durable_folders_;
};

}  // namespace varve
