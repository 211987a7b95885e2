// Savepoints: the savepoints of one table, one file each under `tables/<uuid>/savepoint/`
// (savepoint_format.h). They are read once, when they are first asked for, and kept in memory.
//
// Whoever makes a savepoint must keep its version from expiring until Create returns, and whoever
// hides versions must ask for the savepoints while none is being made: Table does both under one
// lock.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meta/savepoint.h"
#include "store/object_store.h"

namespace varve {

// One savepoint takes about 300 bytes in memory; beyond so many a table's new ones are refused.
inline constexpr size_t kSavepointsMax = 1'000'000;

// Thread-safe; calls wait for each other's I/O. The store outlives it. Errors of everything that
// reads: kCorruption that names a file which is damaged, kNotSupported for a newer format, kIo: no
// savepoint is then taken as missing.
class Savepoints {
 public:
  Savepoints(ObjectStore& store, const Uuid& table);

  // "tables/<uuid>/savepoint"
  static std::string Folder(const Uuid& table);
  // "tables/<uuid>/savepoint/savepoint-<id>.json"
  static std::string Path(const Uuid& table, SavepointId id);

  // Sorted by id.
  Result<std::vector<Savepoint>> List();
  // nullopt: there is none.
  Result<std::optional<Savepoint>> Find(SavepointId id);
  Result<std::optional<Savepoint>> Find(std::string_view name);
  Result<bool> Exists(SavepointId id);
  Result<std::optional<SavepointId>> Earliest();
  Result<std::optional<SavepointId>> Latest();

  // Makes it durable, with the next id. Errors: kAlreadyExists (the name), kInvalidArgument (the
  // name is none), kResourceExhausted (kSavepointsMax, full disk), kIo: nothing was made;
  // kUnknownOutcome: it may be there: List says.
  Result<Savepoint> Create(Savepoint savepoint);
  // Puts it in the place of the one of its id. Errors: kNotFound; kUnknownOutcome: one of the two
  // is there; kIo, kResourceExhausted: the former is.
  Status Replace(Savepoint savepoint);
  // Does not ask whether it is locked. Errors: kNotFound; kIo, kResourceExhausted: it is still
  // there; kUnknownOutcome: List says.
  Status Drop(SavepointId id);

 private:
  Status LoadLocked();
  Result<Savepoint> CreateLocked(Savepoint savepoint);
  Status DropLocked(SavepointId id);
  // After a call that may or may not have changed something.
  void ForgetLocked() { loaded_ = false; }

  ObjectStore& store_;
  const Uuid table_;
  std::mutex mutex_;  // held across I/O
  bool loaded_ = false;
  std::map<SavepointId, Savepoint> savepoints_;
  // The largest id that was ever given has a file, if only one that says that it was dropped.
  SavepointId last_;
};

}  // namespace varve
