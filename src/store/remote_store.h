// RemoteObjectStore: an ObjectStore over an object service (see open_location.h for how to get
// one).
//
// How the promises of ObjectStore are kept there:
// - Whole or not at all, and durable: what the services themselves promise of a PUT and of the end
//   of an upload in parts.
// - PutIfAbsent is the service's conditional write. Before its first use the store checks on an
//   object of its own that the service really refuses the second write, since some take the
//   condition and ignore it; there PutIfAbsent is kNotSupported, and such a place is fit for
//   exports and repositories that have one writer at a time, but not for live tables.
// - Lost answers: every object carries the name of the call that wrote it. When it is unclear
//   whether a write was carried out, the store looks at the object: its own name means ok, another
//   one means that PutIfAbsent lost. Only when that cannot be learned it is kUnknownOutcome.
// - A reader sees its object after replace and delete when the object has at most
//   kOpenReadsBytesMax, which Open has read, or when the bucket keeps versions. Otherwise ReadAt is
//   kNotFound then: callers keep an object until nobody reads it.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/ids.h"
#include "store/object_store.h"

namespace varve {

class RemoteService;

// Read by Open at once: catalogues, table logs and small segments then cost no second round trip.
inline constexpr size_t kOpenReadsBytesMax = size_t{64} << 10;
// What Get takes into memory at most. Larger objects are read with Open.
inline constexpr size_t kGetBytesMax = size_t{2} << 30;

// Thread-safe. Memory: the objects that are passed, and one part per writer.
class RemoteObjectStore final : public ObjectStore {
 public:
  struct Options {
    std::string prefix;    // in the bucket; "" = all of it
    std::string describe;  // the location
  };
  RemoteObjectStore(std::unique_ptr<RemoteService> service, Options options);
  // Waits of requests under way end at once.
  ~RemoteObjectStore() override;

  Status Put(std::string_view path, std::string_view bytes) override;
  // Errors: also kNotSupported, see above.
  Status PutIfAbsent(std::string_view path, std::string_view bytes) override;
  // The writer must not outlive the store. Errors of Append: also kResourceExhausted when the
  // object has more parts than the service takes.
  Result<std::unique_ptr<ObjectWriter>> NewWriter(std::string_view path) override;
  // Errors: also kIo above kGetBytesMax.
  Result<std::string> Get(std::string_view path) override;
  // The reader may outlive the store; then it does not try again when a request fails.
  Result<std::shared_ptr<const ObjectReader>> Open(std::string_view path) override;
  Result<std::vector<ObjectInfo>> List(std::string_view prefix) override;
  Status Delete(std::string_view path) override;
  Status Copy(std::string_view from, std::string_view to) override;
  std::string Describe() const override { return options_.describe; }

  // Ok when the bucket can be listed. Errors: kIo, with what to do.
  Status CheckAccess();

 private:
  // The key of a path. Errors: kInvalidArgument.
  Result<std::string> KeyOf(std::string_view path) const;
  // Holds a lock while it asks the service, once in the life of the store. Errors: kNotSupported
  // when the service ignores conditions; kIo, kResourceExhausted.
  Status CheckConditions();
  std::string NewWriterName();

  const std::shared_ptr<RemoteService> service_;  // shared with readers
  const Options options_;
  RandomIdSource ids_;
  enum class Conditions { kUnknown, kKept, kIgnored };
  std::mutex conditions_mutex_;
  Conditions conditions_ = Conditions::kUnknown;
};

}  // namespace varve
