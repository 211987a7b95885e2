// TableLog: the versions of one table, as files that are written once: `tables/<uuid>/log/<version,
// 20 digits>.json` is the edit that made the version, `tables/<uuid>/log/checkpoint-<version>.json`
// the whole version, every 64 (kVersionsPerCheckpoint). version_format.h says what is in them.
//
// A version exists when its edit's file does (put-if-absent decides who made it). Each edit names
// the SHA-256 of its parent's file; Open checks the chain from the newest checkpoint on. Nothing
// that is missing or damaged is passed over, except a checkpoint that an older one and the edits
// after it make up for.
//
// What all versions are is said by histories: `history-<first>-<last>.bin`, one for each 1,024
// (kVersionsPerHistory) versions, written by the next expiry after they are complete, as it runs
// every few minutes. They are derived from the edits: 100,000 versions are 98 files to read instead
// of 100,000. What no history that can be read has is read from the edits; an edit that a history
// has must be there, with the size that it had, and is not read. history_format.h says what is in
// them.
//
// Versions expire: what is left is read from a checkpoint of the oldest one. The edits of some that
// have expired stay as files (kLaggardVersions), so that a process which is behind finds out when
// it commits.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "meta/log_format.h"
#include "meta/version.h"
#include "meta/version_expiry.h"
#include "store/object_store.h"

namespace varve {

struct TableTraits;
template <class Traits>
class VersionLog;

// The versions of a log in order, each by reading one file. One thread; the log outlives it. Who
// walks keeps what is before him from expiring: an expired version may be met, or be kNotFound.
class VersionWalk {
 public:
  virtual ~VersionWalk() = default;
  // The next version; nullptr: there is none yet. Errors: those of TableLog::Load.
  virtual Result<std::shared_ptr<const Version>> Next() = 0;
};

// Thread-safe. `current` and `live` never wait for I/O. The store and the clock outlive it. Several
// objects, also of several processes, may commit to the same log, as long as none is behind by
// kLaggardVersions or more.
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
  // Version 1 of a new table that has what `version` has, in the very same files, as of its schemas
  // and options. The files must stay while the new table is there (TableEntry::shares). Errors: as
  // Create.
  static Result<std::unique_ptr<TableLog>> CreateClone(ObjectStore& store, const Clock& clock,
                                                       const Uuid& table, const Version& version);
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

  // An older version. Errors: kNotFound that names the oldest one there is, when it has expired or
  // never was; else as Open.
  Result<std::shared_ptr<const Version>> Load(VersionId id) const;

  // Begins after that version; VersionId(): before the first one. Errors: as Load.
  Result<std::unique_ptr<VersionWalk>> Walk(VersionId after) const;

  // The versions that can be loaded, in order. Errors: kCorruption that names a file which is
  // missing; kIo.
  Result<std::vector<VersionId>> Versions() const;

  // What they are, in order: from memory, once they have been read. Those that another process has
  // made or hidden meanwhile are not met. Errors: as Load of any of them; kResourceExhausted beyond
  // 200,000.
  Result<std::vector<VersionSummary>> Summaries() const;

  // Of a version that this object has made or met; without I/O. nullopt: of none such.
  std::optional<VersionSummary> SummaryOf(VersionId id) const;

  // Hides the versions whose time is over by the rule, for ever: they cannot be loaded any more,
  // and their files are garbage once nobody holds them (live). `held` are versions that must stay
  // readable from the store: savepoints, clones, consumers. A few that the rule lets go may stay
  // for a while after a version that is held. kPlan changes nothing.
  //
  // All other versions can be loaded at every moment and after a crash at any I/O. Errors:
  // kCorruption, kNotSupported about what the versions that stay are read from, kIo,
  // kResourceExhausted, kUnknownOutcome: some or none were hidden; the next call goes on.
  //
  // Then it writes the histories that are due, 16 at most; that this fails is logged only.
  Result<Expiry> Expire(const RetentionRule& rule, const std::set<VersionId>& held, ExpiryMode mode,
                        uint64_t versions_per_history = kVersionsPerHistory);

  // The paths of all data files and deletion vectors that a version there names, read from the
  // store. All of them or an error: as Load of any version, but for damage to an edit that a
  // history has, whose bytes are not read; kCorruption also when a version that is not in `held`
  // stands alone: those after it are missing.
  Result<std::set<std::string>> References(const std::set<VersionId>& held) const;

  // The bytes of data files that one version there names and no other one does; versions without
  // any are left out. Errors: as Load of any version.
  Result<std::map<VersionId, uint64_t>> OwnBytes() const;

  // The versions of this object that somebody holds, the current one among them, in any order; one
  // may be there twice. Their files must stay.
  std::vector<std::shared_ptr<const Version>> live() const;

 private:
  explicit TableLog(std::unique_ptr<VersionLog<TableTraits>> log);
  const std::unique_ptr<VersionLog<TableTraits>> log_;
};

}  // namespace varve
