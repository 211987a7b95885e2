#include "main/check_command.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "base/clock.h"
#include "base/ids.h"
#include "base/units.h"
#include "meta/catalogue.h"
#include "meta/savepoints.h"
#include "meta/table_log.h"
#include "sst/deletion_vector.h"
#include "sst/sst_reader.h"
#include "store/folder_lock.h"
#include "store/local_store.h"
#include "wal/rocksdb_wal.h"

namespace varve {
namespace {

constexpr std::string_view kFormatFile = "FORMAT";

class FolderCheck {
 public:
  FolderCheck(ObjectStore& store, const CheckOutput& output) : store_(store), output_(output) {}

  void CheckTables() {
    auto catalogue = Catalogue::Open(store_, clock_, ids_);
    if (!catalogue) {
      Finding(catalogue.error().message);
      return;
    }
    for (const TableEntry& entry : (*catalogue)->current()->KeptTables()) {
      CheckTable(entry);
    }
  }

  void CheckWal(const std::string& folder) {
    auto wal = RocksDbWal::Open({.folder = folder});
    if (!wal) {
      Finding(wal.error().message);
      return;
    }
    uint64_t records = 0;
    for (const auto& [table, flushed] : flushed_) {
      const Status replayed =
          (*wal)->Replay(table, flushed, [&records](Sequence, std::string_view) {
            ++records;
            return Status();
          });
      if (!replayed) {
        Finding(replayed.error().message);
      }
    }
    output_.progress(fmt::format("write-ahead log: {} records that are not in files yet", records));
    if (const Status closed = (*wal)->Close(); !closed) {
      Finding(closed.error().message);
    }
  }

  size_t findings() const { return findings_; }

 private:
  void Finding(std::string_view message) {
    ++findings_;
    output_.finding(message);
  }

  void CheckTable(const TableEntry& entry) {
    const std::string name = entry.schema + "." + entry.name;
    const auto log = TableLog::Open(store_, clock_, entry.uuid);
    if (!log) {
      Finding(fmt::format("table {}: {}", name, log.error().message));
      return;
    }
    flushed_.emplace(entry.id, (*log)->current()->flushed);
    const auto objects = store_.List(TableLog::Folder(entry.uuid));
    if (!objects) {
      Finding(fmt::format("table {}: {}", name, objects.error().message));
      return;
    }
    const auto versions = (*log)->Versions();
    if (!versions) {
      Finding(fmt::format("table {}: {}", name, versions.error().message));
      return;
    }
    CheckSavepoints(name, entry.uuid, *versions);
    // Of all versions that are kept: a file that several name is read once.
    std::set<std::string> referenced;
    for (const VersionId id : *versions) {
      CheckVersion(name, **log, id, referenced);
    }
    uint64_t bytes = 0;
    uint64_t unreferenced = 0;
    for (const ObjectInfo& object : *objects) {
      const bool data = object.path.find("/data/") != std::string::npos;
      bytes += referenced.contains(object.path) ? object.size_bytes : 0;
      unreferenced += data && !referenced.contains(object.path) ? 1 : 0;
    }
    output_.progress(
        fmt::format("table {}: {} versions, {} files, {}{}", name, versions->size(),
                    referenced.size(), FormatSize(bytes),
                    unreferenced == 0 ? "" : fmt::format(", {} unreferenced", unreferenced)));
  }

  void CheckSavepoints(const std::string& table, const Uuid& uuid,
                       const std::vector<VersionId>& versions) {
    const auto savepoints = Savepoints(store_, uuid).List();
    if (!savepoints) {
      Finding(fmt::format("table {}: {}", table, savepoints.error().message));
      return;
    }
    for (const Savepoint& savepoint : *savepoints) {
      if (!std::ranges::binary_search(versions, savepoint.saved_snapshot_id)) {
        Finding(fmt::format("table {}: savepoint {} is of version {}, which is not there", table,
                            savepoint.id, savepoint.saved_snapshot_id));
      }
    }
  }

  void CheckVersion(const std::string& table, const TableLog& log, VersionId id,
                    std::set<std::string>& referenced) {
    const auto version = log.Load(id);
    if (!version) {
      Finding(fmt::format("table {}, version {}: {}", table, id.value(), version.error().message));
      return;
    }
    for (const auto& [uuid, file] : (*version)->files) {
      if (referenced.insert(file.path).second) {
        Note(table, VerifyFile(store_, file));
      }
      if (file.deletion_vector && referenced.insert(file.deletion_vector->path).second) {
        Note(table, ReadDeletionVector(store_, *file.deletion_vector));
      }
    }
  }

  template <class T>
  void Note(const std::string& table, const Result<T>& result) {
    if (!result) {
      Finding(fmt::format("table {}: {}", table, result.error().message));
    }
  }

  ObjectStore& store_;
  const CheckOutput& output_;
  SystemClock clock_;
  RandomIdSource ids_;
  std::map<TableId, Sequence> flushed_;
  size_t findings_ = 0;
};

}  // namespace

Status CheckDataFolder(const std::string& folder, const CheckOutput& output) {
  // Opening would make what is missing; a check must not.
  std::error_code error;
  if (!std::filesystem::exists(folder + "/" + std::string(kFormatFile), error)) {
    return NotFound("{} is not a data folder: it holds no file {}", folder, kFormatFile);
  }
  VARVE_ASSIGN(const auto lock, FolderLock::Acquire(folder));
  VARVE_ASSIGN(const auto store, LocalObjectStore::Open({.root = folder}));
  FolderCheck check(*store, output);
  check.CheckTables();
  check.CheckWal(folder + "/" + std::string(kWalFolder));
  if (check.findings() > 0) {
    return Corruption(
        "{}: {} finding{}. Restore the named files from a copy; start no server on this folder "
        "before",
        folder, check.findings(), check.findings() == 1 ? "" : "s");
  }
  return {};
}

}  // namespace varve
