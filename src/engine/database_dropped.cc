// Tables that have been dropped and can come back, and tables that begin as copies of others.
#include <algorithm>
#include <list>

#include "base/log.h"
#include "engine/database.h"

namespace varve {

std::vector<DroppedTable> Database::ListDropped() const {
  std::vector<DroppedTable> out;
  const auto catalogue = catalogue_->current();
  for (const auto& [id, dropped] : catalogue->dropped) {
    out.push_back(dropped);
  }
  return out;
}

Result<std::shared_ptr<Table>> Database::UndropTable(std::string_view schema, std::string_view name,
                                                     std::string_view as) {
  VARVE_TRY(CheckIdentifier("table", as));
  std::lock_guard ddl(ddl_mutex_);
  const auto catalogue = catalogue_->current();
  const DroppedTable* const dropped = catalogue->FindDropped(schema, name);
  if (dropped == nullptr) {
    return NotFound(
        "there is no dropped table {0} in schema {1}: it was not dropped, or longer ago than its "
        "drop.time-retained",
        name, schema);
  }
  VARVE_TRY(CheckNew(schema, as));
  std::vector<std::shared_ptr<Table>> before;
  {
    std::lock_guard lock(dropped_mutex_);
    for (const TableEntry& entry : catalogue->KeptTables()) {
      const auto found = dropped_.find(entry.uuid);
      if (found != dropped_.end()) {
        before.push_back(found->second.lock());
      }
    }
  }
  for (const auto& table : before) {
    if (table != nullptr) {
      table->Drain();
    }
  }
  VARVE_ASSIGN(const auto entries, catalogue_->RestoreTable(dropped->table.id, as));
  std::shared_ptr<Table> table;
  // The table last: who finds it finds its partitions.
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    VARVE_ASSIGN(table, OpenTable(*entry));
  }
  return table;
}

Result<std::vector<Uuid>> Database::PurgeDropped() {
  std::lock_guard ddl(ddl_mutex_);
  VARVE_ASSIGN(const auto purged, catalogue_->PurgeTables());
  std::vector<Uuid> out;
  for (const TableEntry& entry : purged) {
    out.push_back(entry.uuid);
    if (auto status = options_.wal->Drop(entry.id); !status) {
      LogWarn("the log of the dropped table {} is still there: {}", entry.name,
              status.error().message);
    }
  }
  return out;
}

Result<std::set<std::string>> Database::SharedFiles(const Uuid& table) const {
  std::set<std::string> shared;
  const auto is_sharer = [&](const std::vector<Uuid>& shares) {
    return std::ranges::find(shares, table) != shares.end();
  };
  const auto catalogue = catalogue_->current();
  for (const TableEntry& entry : catalogue->KeptTables()) {
    if (!is_sharer(entry.shares)) {
      continue;
    }
    if (const auto open = TableById(entry.id)) {
      VARVE_ASSIGN(auto references, open->References());
      shared.merge(references);
      continue;
    }
    // Dropped, and kept.
    VARVE_ASSIGN(const auto log, TableLog::Open(*options_.store, *options_.clock, entry.uuid));
    VARVE_ASSIGN(const auto savepoints, Savepoints(*options_.store, entry.uuid).List());
    std::set<VersionId> pinned;
    for (const Savepoint& savepoint : savepoints) {
      pinned.insert(savepoint.saved_snapshot_id);
    }
    VARVE_ASSIGN(auto references, log->References(pinned));
    shared.merge(references);
  }
  // Somebody may still read one that is gone.
  std::lock_guard lock(dropped_mutex_);
  for (const auto& [uuid, dropped] : dropped_) {
    if (const auto reader = dropped.lock(); reader != nullptr && is_sharer(reader->shares())) {
      shared.merge(reader->LiveReferences());
    }
  }
  return shared;
}

Result<std::shared_ptr<Table>> Database::CloneTable(const std::shared_ptr<Table>& source,
                                                    const std::optional<VersionRef>& as_of,
                                                    std::string_view schema,
                                                    std::string_view name) {
  VARVE_TRY(CheckIdentifier("table", name));
  VARVE_TRY(CheckNoPartition(*source));
  std::vector<std::shared_ptr<Table>> sources = PartitionsOf(*source);
  sources.insert(sources.begin(), source);
  std::lock_guard ddl(ddl_mutex_);
  VARVE_TRY(CheckNew(schema, name));
  for (uint32_t i = 1; i < sources.size(); ++i) {
    VARVE_TRY(CheckNew(schema, PartitionName(name, i - 1)));
  }
  // While these live, no version of the sources expires, and their files stay.
  std::list<Table::PendingSavepoint> versions;
  for (const auto& each : sources) {
    versions.emplace_back(each);
  }
  VARVE_TRY(SettleVersions(versions, as_of));
  std::vector<Catalogue::NewTable> tables;
  for (const auto& each : versions) {
    Catalogue::NewTable& table = tables.emplace_back();
    table.uuid = options_.ids->NewUuid();
    table.shares = each.table()->shares();
    table.shares.push_back(each.table()->uuid());
    VARVE_TRY(TableLog::CreateClone(*options_.store, *options_.clock, table.uuid, *each.version()));
  }
  const Catalogue::NewTable first = tables.front();
  tables.erase(tables.begin());
  VARVE_ASSIGN(const TableEntry entry,
               source->partitioning() ? catalogue_->AddPartitionedTable(
                                            schema, name, first, *source->partitioning(), tables)
                                      : catalogue_->AddTable(schema, name, first));
  for (const TableEntry& partition : catalogue_->current()->PartitionsOf(entry)) {
    VARVE_TRY(OpenTable(partition));
  }
  return OpenTable(entry);
}

}  // namespace varve
