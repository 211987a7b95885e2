#include "engine/gc.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/gc_names.h"
#include "meta/table_log.h"

namespace varve {
namespace {

// Names in a report that are not Varve's: enough to see what they are.
constexpr size_t kNotOursMax = 100;

struct Candidate {
  GcFile file;
  TablePath::Kind kind = TablePath::Kind::kData;
  Uuid table;
};

struct FolderFiles {
  std::vector<std::pair<ObjectInfo, TablePath>> files;
};

class Pass {
 public:
  Pass(const GcServices& services, const GcRequest& request)
      : services_(services), request_(request) {
    for (const auto& table : request.tables) {
      tables_.emplace(table->uuid(), table);
    }
  }

  Result<GcReport> Run() {
    VARVE_TRY(ListFiles());
    VARVE_ASSIGN(const std::set<Uuid> named, NamedTables());
    for (const auto& [uuid, folder] : folders_) {
      if (IsCancelled()) {
        return Cancelled("garbage collection was stopped, nothing was deleted");
      }
      if (const auto table = tables_.find(uuid); table != tables_.end()) {
        VARVE_TRY(MarkTable(*table->second, folder));
      } else if (!named.contains(uuid)) {
        VARVE_TRY(MarkDropped(uuid, folder));
      }
    }
    if (request_.mode == GcMode::kPlan || candidates_.empty()) {
      return Report();
    }
    VARVE_TRY(CheckAgain());
    DeleteAll();
    return Report();
  }

 private:
  bool IsCancelled() const { return request_.cancelled && request_.cancelled(); }

  Status ListFiles() {
    VARVE_ASSIGN(std::vector<ObjectInfo> objects, services_.store->List(request_.folder));
    for (ObjectInfo& object : objects) {
      if (auto path = ParseTablePath(object.path)) {
        const Uuid table = path->table;
        folders_[table].files.emplace_back(std::move(object), *std::move(path));
      } else if (not_ours_.size() < kNotOursMax) {
        not_ours_.push_back({object.path, object.size_bytes, GcReason::kNotOurs, GcOutcome::kLeft});
      }
    }
    return {};
  }

  // Empty when nothing depends on it: all folders are of tables that are open.
  Result<std::set<Uuid>> NamedTables() const {
    if (std::ranges::all_of(folders_, [&](const auto& f) { return tables_.contains(f.first); })) {
      return std::set<Uuid>();
    }
    VARVE_ASSIGN(std::set<Uuid> named, services_.named_tables());
    const bool none_open =
        std::ranges::all_of(tables_, [](const auto& entry) { return entry.second->dropped(); });
    if (named.empty() && !none_open) {
      return Corruption("the catalogue names no table, and {} are open: nothing is deleted",
                        tables_.size());
    }
    return named;
  }

  bool IsOld(const ObjectInfo& object) const {
    int64_t age_us = 0;
    return !__builtin_sub_overflow(services_.clock->Now().value(), object.modified.value(),
                                   &age_us) &&
           age_us >= std::chrono::microseconds(request_.grace).count();
  }

  Result<std::set<std::string>> SharedFiles(const Uuid& table) const {
    return services_.shared_files ? services_.shared_files(table) : std::set<std::string>();
  }

  Result<std::set<std::string>> References(const Table& table) const {
    auto references = table.References();
    if (references) {
      VARVE_ASSIGN(std::set<std::string> shared, SharedFiles(table.uuid()));
      references->merge(shared);
    }
    if (!references) {
      return std::unexpected(references.error().WithContext(
          fmt::format("table {}.{}: nothing is deleted", table.schema_name(), table.name())));
    }
    return references;
  }

  Status MarkTable(const Table& table, const FolderFiles& folder) {
    // Before the references: what is finished in between is among them.
    const std::set<Uuid> unfinished = table.unfinished_files();
    VARVE_ASSIGN(const std::set<std::string> references, References(table));
    for (const auto& [object, path] : folder.files) {
      if (path.kind != TablePath::Kind::kData || references.contains(object.path)) {
        continue;
      }
      if (unfinished.contains(path.ids.back()) || !IsOld(object)) {
        ++report_.young;
        continue;
      }
      Add(object, path, GcReason::kUnreferenced);
    }
    return {};
  }

  Status MarkDropped(const Uuid& uuid, const FolderFiles& folder) {
    const DroppedState state = services_.dropped(uuid);
    if (state == DroppedState::kInUse) {
      report_.held += folder.files.size();
      return {};
    }
    // A table is made before the catalogue names it.
    const bool old =
        std::ranges::all_of(folder.files, [&](const auto& file) { return IsOld(file.first); });
    if (state == DroppedState::kUnknown && !old) {
      report_.young += folder.files.size();
      return {};
    }
    VARVE_ASSIGN(const std::set<std::string> shared, SharedFiles(uuid));
    for (const auto& [object, path] : folder.files) {
      if (!shared.contains(object.path)) {
        Add(object, path, GcReason::kDroppedTable);
      }
    }
    return {};
  }

  void Add(const ObjectInfo& object, const TablePath& path, GcReason reason) {
    candidates_.push_back(
        {{object.path, object.size_bytes, reason, GcOutcome::kPlanned}, path.kind, path.table});
  }

  // Takes back what is needed by now.
  Status CheckAgain() {
    VARVE_ASSIGN(const std::set<Uuid> named, NamedTables());
    std::map<Uuid, std::set<std::string>> references;
    for (const Candidate& candidate : candidates_) {
      if (!references.contains(candidate.table)) {
        const bool dropped = candidate.file.reason == GcReason::kDroppedTable;
        VARVE_ASSIGN(references[candidate.table], dropped
                                                      ? SharedFiles(candidate.table)
                                                      : References(*tables_.at(candidate.table)));
      }
    }
    std::erase_if(candidates_, [&](const Candidate& candidate) {
      return references.at(candidate.table).contains(candidate.file.path) ||
             (candidate.file.reason == GcReason::kDroppedTable && named.contains(candidate.table));
    });
    return {};
  }

  void DeleteAll() {
    // What says that a table was there goes before its rows.
    std::ranges::stable_sort(candidates_, {}, [](const Candidate& c) {
      return c.kind == TablePath::Kind::kData ? 1 : 0;
    });
    const auto deadline = services_.clock->Steady() + request_.budget.time;
    uint64_t files = 0;
    uint64_t bytes = 0;
    for (Candidate& candidate : candidates_) {
      GcFile& file = candidate.file;
      if (files >= request_.budget.files || bytes >= request_.budget.bytes ||
          services_.clock->Steady() > deadline || IsCancelled()) {
        file.outcome = GcOutcome::kDeferred;
        continue;
      }
      ++files;
      const Status deleted = services_.store->Delete(file.path);
      file.outcome = deleted ? GcOutcome::kDeleted : GcOutcome::kFailed;
      bytes += deleted ? file.bytes : 0;
      if (!deleted && report_.first_error.empty()) {
        report_.first_error = deleted.error().message;
      }
    }
  }

  GcReport Report() {
    for (Candidate& candidate : candidates_) {
      report_.files.push_back(std::move(candidate.file));
    }
    std::ranges::move(not_ours_, std::back_inserter(report_.files));
    return std::move(report_);
  }

  const GcServices& services_;
  const GcRequest& request_;
  std::map<Uuid, std::shared_ptr<Table>> tables_;
  std::map<Uuid, FolderFiles> folders_;
  std::vector<Candidate> candidates_;
  std::vector<GcFile> not_ours_;
  GcReport report_;
};

}  // namespace

std::string_view GcReasonText(GcReason reason) {
  switch (reason) {
    case GcReason::kUnreferenced:
      return "no version names it";
    case GcReason::kDroppedTable:
      return "its table has been dropped";
    case GcReason::kNotOurs:
      return "not a name of Varve's";
  }
  return "";
}

std::string_view GcOutcomeText(GcOutcome outcome) {
  switch (outcome) {
    case GcOutcome::kPlanned:
      return "would be deleted";
    case GcOutcome::kDeleted:
      return "deleted";
    case GcOutcome::kFailed:
      return "failed";
    case GcOutcome::kDeferred:
      return "deferred";
    case GcOutcome::kLeft:
      return "left";
  }
  return "";
}

uint64_t GcReport::Count(GcOutcome outcome) const {
  return static_cast<uint64_t>(std::ranges::count(files, outcome, &GcFile::outcome));
}

uint64_t GcReport::Bytes(GcOutcome outcome) const {
  uint64_t bytes = 0;
  for (const GcFile& file : files) {
    bytes += file.outcome == outcome ? file.bytes : 0;
  }
  return bytes;
}

bool GcReport::complete() const {
  return young == 0 && held == 0 && Count(GcOutcome::kFailed) == 0 &&
         Count(GcOutcome::kDeferred) == 0;
}

Result<GcReport> CollectGarbage(const GcServices& services, const GcRequest& request) {
  return Pass(services, request).Run();
}

}  // namespace varve
