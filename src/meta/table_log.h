// TableLog: the versions of one table, as files that are written once: `tables/<uuid>/log/<version,
// 20 digits>.json` is the edit that made the version, `tables/<uuid>/log/checkpoint-<version>.json`
// the whole version, every 64 (kVersionsPerCheckpoint). version_format.h says what is in them.
//
// A version exists when its edit's file does (put-if-absent decides who made it). Each edit names
// the SHA-256 of its parent's file; Open checks the chain from the newest checkpoint on. Nothing
// that is missing or damaged is passed over, except a checkpoint that an older one and the edits
// after it make up for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "meta/log_format.h"
#include "meta/version.h"
#include "store/object_store.h"

namespace varve {

struct TableTraits;
template <class Traits>
class VersionLog;

// Thread-safe. `current` and `live` never wait for I/O. The store and the clock outlive it. Several
// objects, also of several processes, may commit to the same log. Whoever expires old versions
// keeps the files of all that a process which is behind may still build on.
class TableLog {
 public:
  // "tables/<uuid>"
  static std::string Folder(const Uuid& table);

  // Version 1 of a new table. It becomes visible to users only when the catalogue names it. Errors:
  // kAlreadyExists; kInvalidArgument for options that do not hold together; kUnknownOutcome: take
  // another uuid; kIo, kResourceExhausted: nothing was made.
  static Result<std::unique_ptr<TableLog>> Create(ObjectStore& store, const Clock& clock,
                                                  const Uuid& table, TableSchema schema,
                                                  TableOptions options);
  // The newest version. Errors: kNotFound; kCorruption that names the file, what is wrong and what
  // to do; kNotSupported for a newer format; kIo.
  static Result<std::unique_ptr<TableLog>> Open(ObjectStore& store, const Clock& clock,
                                                const Uuid& table);
  ~TableLog();

  // The newest version that this object has made or met: Open and Commit meet those of others.
  std::shared_ptr<const Version> current() const;

  // Commits the edit on top of the newest version; it is durable and visible when this returns ok.
  // A commit of another process is loaded and the edit applied again, a limited number of times.
  // Errors: those of Apply; kConflict (also when it lost too often); kUnknownOutcome: it may be
  // committed: keep all files of the edit, and open the log again; kIo, kResourceExhausted: not
  // committed, the files of the edit are garbage; kCorruption: as Open, not committed.
  Result<std::shared_ptr<const Version>> Commit(VersionEdit edit);

  // An older version. Errors: kNotFound when it has expired or never was; else as Open.
  Result<std::shared_ptr<const Version>> Load(VersionId id) const;

  // The versions of this object that somebody holds, the current one among them, in any order; one
  // may be there twice. Their files must stay.
  std::vector<std::shared_ptr<const Version>> live() const;

 private:
  explicit TableLog(std::unique_ptr<VersionLog<TableTraits>> log);
  const std::unique_ptr<VersionLog<TableTraits>> log_;
};

}  // namespace varve
