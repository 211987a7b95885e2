// Savepoints of several tables at one point in time, and those that tables make by themselves.
#include <algorithm>

#include "base/log.h"
#include "base/units.h"
#include "engine/database.h"

namespace varve {
namespace {

// The moment that all of them are of: between the first and the last mark nothing is written to any
// of them.
void MarkAll(std::list<Table::PendingSavepoint>& pending) {
  std::vector<PausedWrites> paused;
  paused.reserve(pending.size());
  for (auto& each : pending) {
    paused.push_back(each.table()->PauseWrites());
  }
  for (auto& each : pending) {
    each.Mark();
  }
}

void TakeBack(const std::vector<TableSavepoint>& made) {
  for (const TableSavepoint& each : made) {
    if (auto status = each.table->savepoints().Drop(each.savepoint.id); !status) {
      LogWarn("savepoint {} of table {}, one of several that were not all made, is still there: {}",
              each.savepoint.id, each.table->name(), status.error().message);
    }
  }
}

// Partitions have versions of their own; what they have in common is savepoints and time.
Result<VersionRef> OfPartition(const Table& whole, const Table& partition, const VersionRef& ref) {
  if (std::holds_alternative<TimestampUs>(ref)) {
    return ref;
  }
  if (std::holds_alternative<VersionId>(ref)) {
    return InvalidArgument(
        "table {} is partitioned, and each of its partitions has snapshots of its own: say a time "
        "or a savepoint, or read a partition ({})",
        whole.name(), partition.name());
  }
  const auto* const id = std::get_if<SavepointId>(&ref);
  VARVE_ASSIGN(const auto savepoint,
               id != nullptr ? whole.savepoints().Find(*id)
                             : whole.savepoints().Find(std::get<SavepointName>(ref).text));
  if (!savepoint) {
    VARVE_TRY(whole.FindVersion(ref));  // says what there is
  }
  VARVE_ASSIGN(const auto candidates, partition.savepoints().List());
  for (const Savepoint& each : candidates) {
    if (savepoint && each.group == savepoint->group) {
      return each.id;
    }
  }
  return NotFound("{} of table {} has none of its partition {}", Describe(ref), whole.name(),
                  partition.name());
}

}  // namespace

Status Database::SettleVersions(std::list<Table::PendingSavepoint>& pending,
                                const std::optional<VersionRef>& as_of) const {
  if (!as_of) {
    MarkAll(pending);
  }
  for (auto& each : pending) {
    if (as_of) {
      VARVE_ASSIGN(const VersionRef ref, RefInPartition(*each.table(), *as_of));
      VARVE_TRY(each.Choose(ref));
    } else {
      VARVE_TRY(each.Settle());
    }
  }
  return {};
}

Result<VersionRef> Database::RefInPartition(const Table& partition, const VersionRef& ref) const {
  const auto whole = TableOf(partition);
  return whole == nullptr ? Result<VersionRef>(ref) : OfPartition(*whole, partition, ref);
}

Result<std::vector<TableSavepoint>> Database::CreateSavepoints(
    std::vector<std::shared_ptr<Table>> tables, const SavepointSpec& spec,
    const std::optional<VersionRef>& as_of) {
  if (!spec.name.empty()) {
    VARVE_TRY(CheckSavepointName(spec.name));
  }
  for (size_t i = 0, named = tables.size(); i < named; ++i) {
    std::ranges::copy(PartitionsOf(*tables[i]), std::back_inserter(tables));
  }
  std::ranges::sort(tables, {}, [](const auto& table) { return table->id(); });
  tables.erase(std::ranges::unique(tables).begin(), tables.end());
  if (tables.empty()) {
    return InvalidArgument("there is no table to make a savepoint of");
  }
  std::list<Table::PendingSavepoint> pending;
  for (const auto& table : tables) {
    pending.emplace_back(table);
  }
  VARVE_TRY(SettleVersions(pending, as_of));
  const SavepointGroup group{options_.ids->NewUuid(), tables.size()};
  std::vector<TableSavepoint> made;
  for (auto& each : pending) {
    auto savepoint = each.Write(spec, group);
    if (!savepoint) {
      TakeBack(made);
      return std::unexpected(std::move(savepoint).error());
    }
    made.push_back({each.table(), *std::move(savepoint)});
  }
  return made;
}

Status Database::DropSavepoint(Table& table, SavepointId id) {
  VARVE_ASSIGN(const auto savepoint, table.savepoints().Find(id));
  VARVE_TRY(table.DropSavepoint(id));
  for (const auto& partition : PartitionsOf(table)) {
    VARVE_ASSIGN(const auto savepoints, partition->savepoints().List());
    for (const Savepoint& each : savepoints) {
      if (each.group == savepoint->group) {
        VARVE_TRY(partition->DropSavepoint(each.id));
      }
    }
  }
  return {};
}

Status Database::AlterSavepoint(Table& table, const Savepoint& savepoint) {
  VARVE_TRY(table.savepoints().Replace(savepoint));
  for (const auto& partition : PartitionsOf(table)) {
    VARVE_ASSIGN(const auto savepoints, partition->savepoints().List());
    for (Savepoint each : savepoints) {
      if (each.group == savepoint.group) {
        each.retain_until = savepoint.retain_until;
        each.lock_until = savepoint.lock_until;
        VARVE_TRY(partition->savepoints().Replace(each));
      }
    }
  }
  return {};
}

Result<std::vector<TableVersion>> Database::Rollback(const std::shared_ptr<Table>& table,
                                                     const VersionRef& ref) {
  VARVE_TRY(CheckNoPartition(*table));
  std::vector<std::shared_ptr<Table>> tables = PartitionsOf(*table);
  tables.push_back(table);
  // All of them are there before the first is changed.
  std::vector<VersionRef> refs;
  for (const auto& each : tables) {
    VARVE_ASSIGN(VersionRef own, RefInPartition(*each, ref));
    VARVE_TRY(each->FindVersion(own));
    refs.push_back(std::move(own));
  }
  std::vector<TableVersion> versions;
  for (size_t i = 0; i < tables.size(); ++i) {
    auto version = tables[i]->Rollback(refs[i]);
    if (!version) {
      return std::unexpected(version.error().WithContext(fmt::format(
          "{} of {} are rolled back, the statement may be run again", i, tables.size())));
    }
    versions.push_back({tables[i], *std::move(version)});
  }
  return versions;
}

size_t Database::CreateDueSavepoints() {
  size_t made = 0;
  for (const auto& table : AllTables()) {
    const auto interval = table->options().savepoint_create_interval;
    if (!interval || table->partition_of()) {
      continue;  // a partition's are made with those of its table
    }
    const auto savepoints = table->savepoints().List();
    Status status = savepoints ? Status() : std::unexpected(savepoints.error());
    if (savepoints) {
      const auto last = std::find_if(savepoints->rbegin(), savepoints->rend(), [](const auto& s) {
        return s.origin == SavepointOrigin::kAutomatic;
      });
      const int64_t due = std::chrono::microseconds(*interval).count();
      if (last != savepoints->rend() &&
          options_.clock->Now().value() - last->save_time.value() < due) {
        continue;
      }
      const auto created =
          CreateSavepoints({table}, {.origin = SavepointOrigin::kAutomatic}, std::nullopt);
      status = created ? Status() : std::unexpected(created.error());
      made += created ? created->size() : 0;
    }
    if (status) {
      const auto expired = table->ExpireSavepoints();
      status = expired ? Status() : std::unexpected(expired.error());
    }
    if (!status && status.error().kind != ErrorKind::kNotFound) {
      LogWarn("table {}.{}: its automatic savepoint could not be made, it is tried again: {}",
              table->schema_name(), table->name(), status.error().message);
    }
  }
  return made;
}

}  // namespace varve
