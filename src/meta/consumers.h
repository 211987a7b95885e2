// Consumers: the consumers of one table, one file each under `tables/<uuid>/consumer/`
// (consumer_format.h). They are read once, when they are first asked for, and kept in memory.
//
// Who makes or moves one must keep the versions that it needs from expiring until the call returns,
// and who hides versions must ask for the consumers while none is being made or moved: Table does
// both under one lock.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meta/consumer.h"
#include "store/object_store.h"

namespace varve {

// Of one table. Each holds versions and costs a file to read at the start; more are a mistake.
inline constexpr size_t kConsumersMax = 1'000;

// Thread-safe; calls wait for each other's I/O. The store outlives it. Errors of everything that
// reads: kCorruption that names a file which is damaged, kNotSupported for a newer format, kIo: no
// consumer is then taken as missing.
class Consumers {
 public:
  Consumers(ObjectStore& store, const Uuid& table);

  // "tables/<uuid>/consumer"
  static std::string Folder(const Uuid& table);
  // "tables/<uuid>/consumer/consumer-<name>.json"
  static std::string Path(const Uuid& table, std::string_view name);

  // Sorted by name.
  Result<std::vector<Consumer>> List();
  // nullopt: there is none.
  Result<std::optional<Consumer>> Find(std::string_view name);

  // Makes it durable. Errors: kAlreadyExists, kInvalidArgument (the name is none),
  // kResourceExhausted (kConsumersMax, full disk), kIo: nothing was made; kUnknownOutcome: it may
  // be there: List says.
  Status Create(Consumer consumer);
  // Puts it in the place of the one of its name. Errors: kNotFound; kUnknownOutcome: one of the two
  // is there; kIo, kResourceExhausted: the former is.
  Status Replace(Consumer consumer);
  // Errors: kNotFound; kIo, kResourceExhausted: it is still there; kUnknownOutcome: List says.
  Status Drop(std::string_view name);

 private:
  Status LoadLocked();
  // Runs what writes; after an error that leaves open what is there, all is read anew.
  Status WriteLocked(const std::function<Status()>& write);

  ObjectStore& store_;
  const Uuid table_;
  std::mutex mutex_;  // held across I/O
  bool loaded_ = false;
  std::map<std::string, Consumer, std::less<>> consumers_;
};

}  // namespace varve
