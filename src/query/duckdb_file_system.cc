#include "query/duckdb_file_system.h"

#include <random>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

class ObjectHandle final : public duckdb::FileHandle {
 public:
  ObjectHandle(duckdb::FileSystem& system, const std::string& path, duckdb::FileOpenFlags flags,
               std::shared_ptr<const ObjectReader> reader)
      : FileHandle(system, path, flags), reader(std::move(reader)) {}
  void Close() override {}

  const std::shared_ptr<const ObjectReader> reader;
  uint64_t position = 0;
};

}  // namespace

std::string RandomFilePrefix() {
  std::random_device device;
  std::string prefix = "varve-";
  for (int i = 0; i < 4; ++i) {
    prefix += fmt::format("{:08x}", device());
  }
  return prefix + "/";
}

duckdb::unique_ptr<duckdb::FileHandle> ObjectFileSystem::OpenFile(
    const std::string& path, duckdb::FileOpenFlags flags,
    duckdb::optional_ptr<duckdb::FileOpener>) {
  if (flags.OpenForWriting() || flags.OpenForAppending() || flags.CreateFileIfNotExists() ||
      flags.OverwriteExistingFile()) {
    throw duckdb::PermissionException("data files are read only");
  }
  const std::string object = path.substr(prefix_.size());
  std::optional<std::shared_ptr<const ObjectReader>> reader = readers_.Find(object);
  if (!reader) {
    reader = OrThrow(store_->Open(object));
    readers_.Insert(object, *reader, 1);
  }
  return duckdb::make_uniq<ObjectHandle>(*this, path, flags, *std::move(reader));
}

void ObjectFileSystem::Read(duckdb::FileHandle& handle, void* buffer, int64_t size,
                            duckdb::idx_t offset) {
  OrThrow(handle.Cast<ObjectHandle>().reader->ReadAt(offset, static_cast<size_t>(size),
                                                     static_cast<char*>(buffer)));
}

int64_t ObjectFileSystem::Read(duckdb::FileHandle& handle, void* buffer, int64_t size) {
  auto& object = handle.Cast<ObjectHandle>();
  const uint64_t left = object.reader->size_bytes() - object.position;
  const uint64_t count = std::min<uint64_t>(left, static_cast<uint64_t>(size));
  OrThrow(object.reader->ReadAt(object.position, count, static_cast<char*>(buffer)));
  object.position += count;
  return static_cast<int64_t>(count);
}

int64_t ObjectFileSystem::GetFileSize(duckdb::FileHandle& handle) {
  return static_cast<int64_t>(handle.Cast<ObjectHandle>().reader->size_bytes());
}

// Objects that versions name never change, so any one time will do.
duckdb::timestamp_t ObjectFileSystem::GetLastModifiedTime(duckdb::FileHandle&) {
  return duckdb::timestamp_t(1);
}

duckdb::FileType ObjectFileSystem::GetFileType(duckdb::FileHandle&) {
  return duckdb::FileType::FILE_TYPE_REGULAR;
}

bool ObjectFileSystem::FileExists(const std::string& path,
                                  duckdb::optional_ptr<duckdb::FileOpener>) {
  return store_->Open(path.substr(prefix_.size())).has_value();
}

duckdb::vector<duckdb::OpenFileInfo> ObjectFileSystem::Glob(const std::string& path,
                                                            duckdb::FileOpener*) {
  return {duckdb::OpenFileInfo(path)};
}

void ObjectFileSystem::Seek(duckdb::FileHandle& handle, duckdb::idx_t location) {
  handle.Cast<ObjectHandle>().position = location;
}

duckdb::idx_t ObjectFileSystem::SeekPosition(duckdb::FileHandle& handle) {
  return handle.Cast<ObjectHandle>().position;
}

}  // namespace varve
