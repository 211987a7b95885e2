// ObjectFileSystem: the objects of a store as read-only files of DuckDB, under a prefix that nobody
// can guess. It is the only place that DuckDB may open files in (see duckdb_fence.h).
#pragma once

#include <duckdb.hpp>
#include <duckdb/common/file_system.hpp>
#include <memory>
#include <string>

#include "query/lru_cache.h"
#include "store/object_store.h"

namespace varve {

// Bounded by what a process may have open (1024 by default), with room for sockets and logs.
inline constexpr uint64_t kOpenFilesMax = 256;

// "varve-<32 random hexadecimal digits>/"; from the operating system's random numbers.
std::string RandomFilePrefix();

// Thread-safe, as are its handles' positioned reads.
class ObjectFileSystem final : public duckdb::FileSystem {
 public:
  ObjectFileSystem(ObjectStore* store, std::string prefix)
      : store_(store), prefix_(std::move(prefix)), readers_(kOpenFilesMax) {}

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(
      const std::string& path, duckdb::FileOpenFlags flags,
      duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  void Read(duckdb::FileHandle& handle, void* buffer, int64_t size, duckdb::idx_t offset) override;
  int64_t Read(duckdb::FileHandle& handle, void* buffer, int64_t size) override;
  int64_t GetFileSize(duckdb::FileHandle& handle) override;
  duckdb::timestamp_t GetLastModifiedTime(duckdb::FileHandle& handle) override;
  duckdb::FileType GetFileType(duckdb::FileHandle& handle) override;
  bool FileExists(const std::string& path,
                  duckdb::optional_ptr<duckdb::FileOpener> opener) override;
  duckdb::vector<duckdb::OpenFileInfo> Glob(const std::string& path,
                                            duckdb::FileOpener* opener) override;
  void Seek(duckdb::FileHandle& handle, duckdb::idx_t location) override;
  duckdb::idx_t SeekPosition(duckdb::FileHandle& handle) override;
  bool CanHandleFile(const std::string& path) override { return path.starts_with(prefix_); }
  bool CanSeek() override { return true; }
  bool OnDiskFile(duckdb::FileHandle&) override { return true; }
  std::string GetName() const override { return "VarveObjects"; }
  // Paths here are names, never resolved against anything.
  std::string CanonicalizePath(const std::string& path,
                               duckdb::optional_ptr<duckdb::FileOpener>) override {
    return path;
  }

 private:
  ObjectStore* const store_;
  const std::string prefix_;
  LruCache<std::shared_ptr<const ObjectReader>> readers_;
};

}  // namespace varve
