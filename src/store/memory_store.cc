#include "store/memory_store.h"

#include <cstring>
#include <utility>

namespace varve {
namespace {

class MemoryReader final : public ObjectReader {
 public:
  MemoryReader(std::string path, std::shared_ptr<const std::string> bytes)
      : path_(std::move(path)), bytes_(std::move(bytes)) {}

  uint64_t size_bytes() const override { return bytes_->size(); }

  Status ReadAt(uint64_t offset, size_t size, char* out) const override {
    if (offset > bytes_->size() || size > bytes_->size() - offset) {
      return Corruption("the object '{}' in memory ends at byte {}, bytes {} to {} were asked for",
                        path_, bytes_->size(), offset, offset + size);
    }
    if (size > 0) {
      std::memcpy(out, bytes_->data() + offset, size);
    }
    return {};
  }

 private:
  const std::string path_;
  const std::shared_ptr<const std::string> bytes_;
};

class MemoryWriter final : public ObjectWriter {
 public:
  explicit MemoryWriter(std::function<void(std::string)> finish) : finish_(std::move(finish)) {}

  Status Append(std::string_view bytes) override {
    bytes_.append(bytes);
    return {};
  }

  Status Finish() override {
    finish_(std::move(bytes_));
    return {};
  }

 private:
  const std::function<void(std::string)> finish_;
  std::string bytes_;
};

}  // namespace

Status MemoryObjectStore::Put(std::string_view path, std::string_view bytes) {
  VARVE_TRY(CheckObjectPath(path));
  Set(path, std::make_shared<const std::string>(bytes));
  return {};
}

Status MemoryObjectStore::PutIfAbsent(std::string_view path, std::string_view bytes) {
  VARVE_TRY(CheckObjectPath(path));
  Object object{std::make_shared<const std::string>(bytes), clock_->Now()};
  const std::lock_guard lock(mutex_);
  if (!objects_.try_emplace(std::string(path), std::move(object)).second) {
    return AlreadyExists("the object '{}' is already in memory", path);
  }
  return {};
}

Result<std::unique_ptr<ObjectWriter>> MemoryObjectStore::NewWriter(std::string_view path) {
  VARVE_TRY(CheckObjectPath(path));
  return std::make_unique<MemoryWriter>([this, path = std::string(path)](std::string bytes) {
    Set(path, std::make_shared<const std::string>(std::move(bytes)));
  });
}

Result<std::string> MemoryObjectStore::Get(std::string_view path) {
  VARVE_ASSIGN(const auto bytes, Find(path));
  return *bytes;
}

Result<std::shared_ptr<const ObjectReader>> MemoryObjectStore::Open(std::string_view path) {
  VARVE_ASSIGN(auto bytes, Find(path));
  return std::make_shared<const MemoryReader>(std::string(path), std::move(bytes));
}

Result<std::vector<ObjectInfo>> MemoryObjectStore::List(std::string_view prefix) {
  std::string folder;
  if (!prefix.empty()) {
    VARVE_TRY(CheckObjectPath(prefix));
    folder = std::string(prefix) + "/";
  }
  std::vector<ObjectInfo> out;
  const std::lock_guard lock(mutex_);
  for (auto it = objects_.lower_bound(folder);
       it != objects_.end() && it->first.starts_with(folder); ++it) {
    out.push_back({it->first, it->second.bytes->size(), it->second.modified});
  }
  return out;
}

Status MemoryObjectStore::Delete(std::string_view path) {
  VARVE_TRY(CheckObjectPath(path));
  const std::lock_guard lock(mutex_);
  if (const auto it = objects_.find(path); it != objects_.end()) {
    objects_.erase(it);
  }
  return {};
}

Status MemoryObjectStore::Copy(std::string_view from, std::string_view to) {
  VARVE_TRY(CheckObjectPath(to));
  VARVE_ASSIGN(auto bytes, Find(from));
  Set(to, std::move(bytes));
  return {};
}

Result<std::shared_ptr<const std::string>> MemoryObjectStore::Find(std::string_view path) {
  VARVE_TRY(CheckObjectPath(path));
  const std::lock_guard lock(mutex_);
  const auto it = objects_.find(path);
  if (it == objects_.end()) {
    return NotFound("there is no object '{}' in memory", path);
  }
  return it->second.bytes;
}

void MemoryObjectStore::Set(std::string_view path, std::shared_ptr<const std::string> bytes) {
  Object object{std::move(bytes), clock_->Now()};
  const std::lock_guard lock(mutex_);
  objects_.insert_or_assign(std::string(path), std::move(object));
}

}  // namespace varve
