// MemoryObjectStore: an ObjectStore whose objects live as long as it does. For tests and for
// servers that keep nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "store/object_store.h"

namespace varve {

// Thread-safe. The clock gives the objects' times of modification and outlives the store.
class MemoryObjectStore final : public ObjectStore {
 public:
  explicit MemoryObjectStore(const Clock* clock) : clock_(clock) {}

  Status Put(std::string_view path, std::string_view bytes) override;
  Status PutIfAbsent(std::string_view path, std::string_view bytes) override;
  Result<std::unique_ptr<ObjectWriter>> NewWriter(std::string_view path) override;
  Result<std::string> Get(std::string_view path) override;
  Result<std::shared_ptr<const ObjectReader>> Open(std::string_view path) override;
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override;
  Status Delete(std::string_view path) override;
  Status Copy(std::string_view from, std::string_view to) override;
  std::string Describe() const override { return "memory"; }

 private:
  struct Object {
    std::shared_ptr<const std::string> bytes;
    TimestampUs modified;
  };

  Result<std::shared_ptr<const std::string>> Find(std::string_view path);
  void Set(std::string_view path, std::shared_ptr<const std::string> bytes);

  const Clock* const clock_;
  std::mutex mutex_;
  std::map<std::string, Object, std::less<>> objects_;
};

}  // namespace varve
