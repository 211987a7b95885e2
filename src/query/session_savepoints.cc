// Savepoints, and going back to what a table was.
#include <algorithm>

#include "base/units.h"
#include "query/literals.h"
#include "query/session_internal.h"

namespace varve {
namespace {

// A time in ISO 8601, or in milliseconds.
Result<TimestampUs> TimeOf(const std::string& text) {
  const bool number =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  int64_t us = 0;
  if (number) {
    constexpr size_t kDigitsMax = 15;  // beyond the year 30,000
    if (text.size() > kDigitsMax) {
      return InvalidArgument("{} is no time in milliseconds since 1970", text);
    }
    us = std::stoll(text) * 1000;
  } else {
    VARVE_ASSIGN(us, ParseTimestampText(text));
  }
  return TimestampUs(us);
}

std::string TimeText(const std::optional<TimestampUs>& time) {
  return time ? FormatTimestamp(time->value()) : "";
}

std::unique_ptr<ResultStream> Listing(const std::vector<TableSavepoint>& savepoints) {
  std::vector<std::string> schemas;
  std::vector<std::string> tables;
  std::vector<uint64_t> ids;
  std::vector<std::string> names;
  std::vector<uint64_t> snapshots;
  std::vector<uint64_t> schema_ids;
  std::vector<std::string> times;
  std::vector<uint64_t> records;
  std::vector<std::string> origins;
  std::vector<std::string> retained;
  std::vector<std::string> locked;
  std::vector<uint64_t> bytes;
  for (const TableSavepoint& each : savepoints) {
    const Savepoint& savepoint = each.savepoint;
    schemas.push_back(each.table->schema_name());
    tables.push_back(each.table->name());
    ids.push_back(savepoint.id.value());
    names.push_back(savepoint.name);
    snapshots.push_back(savepoint.saved_snapshot_id.value());
    schema_ids.push_back(savepoint.schema_id);
    times.push_back(FormatTimestamp(savepoint.save_time.value()));
    records.push_back(savepoint.record_count);
    origins.emplace_back(SavepointOriginText(savepoint.origin));
    retained.push_back(TimeText(savepoint.retain_until));
    locked.push_back(TimeText(savepoint.lock_until));
    bytes.push_back(savepoint.held_bytes);
  }
  return TableOf({{"schema", StringArray(schemas)},
                  {"table_name", StringArray(tables)},
                  {"savepoint_id", UInt64Array(ids)},
                  {"name", StringArray(names)},
                  {"saved_snapshot_id", UInt64Array(snapshots)},
                  {"schema_id", UInt64Array(schema_ids)},
                  {"save_time", StringArray(times)},
                  {"record_count", UInt64Array(records)},
                  {"origin", StringArray(origins)},
                  {"retain_until", StringArray(retained)},
                  {"locked_until", StringArray(locked)},
                  {"held_bytes", UInt64Array(bytes)}});
}

// What CREATE SAVEPOINT answers.
std::unique_ptr<ResultStream> Made(const std::vector<TableSavepoint>& savepoints) {
  std::vector<std::string> schemas;
  std::vector<std::string> tables;
  std::vector<uint64_t> ids;
  std::vector<uint64_t> snapshots;
  std::vector<uint64_t> records;
  for (const TableSavepoint& each : savepoints) {
    schemas.push_back(each.table->schema_name());
    tables.push_back(each.table->name());
    ids.push_back(each.savepoint.id.value());
    snapshots.push_back(each.savepoint.saved_snapshot_id.value());
    records.push_back(each.savepoint.record_count);
  }
  return TableOf({{"schema", StringArray(schemas)},
                  {"table_name", StringArray(tables)},
                  {"savepoint_id", UInt64Array(ids)},
                  {"saved_snapshot_id", UInt64Array(snapshots)},
                  {"record_count", UInt64Array(records)}});
}

}  // namespace

Result<VersionRef> SessionImpl::VersionOf(const VersionText& text) const {
  switch (text.kind) {
    case VersionText::Kind::kVersion:
      return ParseVersionRef(text.text);
    case VersionText::Kind::kSavepoint:
      return ParseVersionRef("savepoint." + text.text);
    case VersionText::Kind::kTimestamp:
      break;
  }
  VARVE_ASSIGN(const TimestampUs time, TimeOf(text.text));
  return time;
}

std::vector<std::shared_ptr<Table>> SessionImpl::AllTables() const {
  std::vector<std::shared_ptr<Table>> out;
  for (const std::string& schema : database().ListSchemas()) {
    const auto tables = database().ListTables(schema);
    if (!tables) {
      continue;  // dropped meanwhile
    }
    std::ranges::copy_if(*tables, std::back_inserter(out),
                         [](const auto& table) { return !table->partition_of(); });
  }
  return out;
}

Result<std::vector<TableSavepoint>> SessionImpl::FindSavepoints(
    const std::string& savepoint, const std::optional<TableName>& table) const {
  VARVE_ASSIGN(const VersionRef ref, ParseVersionRef("savepoint." + savepoint));
  const auto* const id = std::get_if<SavepointId>(&ref);
  std::vector<std::shared_ptr<Table>> tables;
  if (table) {
    VARVE_ASSIGN(auto found, Find(*table));
    tables.push_back(std::move(found));
  } else if (id != nullptr) {
    return InvalidArgument(
        "savepoint {} of which table? Numbers are counted in each: say FOR TABLE t, or a name",
        savepoint);
  } else {
    tables = AllTables();
  }
  std::vector<TableSavepoint> out;
  for (const auto& each : tables) {
    VARVE_ASSIGN(const auto found,
                 id != nullptr ? each->savepoints().Find(*id) : each->savepoints().Find(savepoint));
    if (found) {
      out.push_back({each, *found});
    }
  }
  if (out.empty()) {
    return NotFound("there is no savepoint {}{}: SHOW SAVEPOINTS lists those there are", savepoint,
                    table ? " of table " + table->table : "");
  }
  return out;
}

Result<QueryResult> SessionImpl::Run(const CreateSavepointStatement& statement) {
  std::vector<std::shared_ptr<Table>> tables;
  for (const TableName& name : statement.tables) {
    VARVE_ASSIGN(auto table, Find(name));
    tables.push_back(std::move(table));
  }
  if (statement.schema) {
    VARVE_ASSIGN(const ResolvedName name,
                 Resolve({statement.schema->catalog, statement.schema->schema, ""}));
    VARVE_ASSIGN(tables, database().ListTables(name.schema));
  } else if (tables.empty()) {
    tables = AllTables();
  }
  SavepointSpec spec{.name = statement.name};
  if (statement.retain) {
    VARVE_ASSIGN(const auto retain, ParseDuration(*statement.retain));
    spec.retain_until =
        TimestampUs(engine_.clock.Now().value() + std::chrono::microseconds(retain).count());
  }
  if (statement.lock_until) {
    VARVE_ASSIGN(spec.lock_until, TimeOf(*statement.lock_until));
  }
  std::optional<VersionRef> as_of;
  if (statement.as_of) {
    VARVE_ASSIGN(as_of, VersionOf(*statement.as_of));
  }
  VARVE_ASSIGN(auto made, database().CreateSavepoints(std::move(tables), spec, as_of));
  std::erase_if(made, [](const TableSavepoint& each) { return each.table->partition_of(); });
  return Made(made);
}

Result<QueryResult> SessionImpl::Run(const DropSavepointStatement& statement) {
  const auto found = FindSavepoints(statement.savepoint, statement.table);
  if (!found) {
    const bool ignore =
        statement.if_missing == IfMissing::kIgnore && found.error().kind == ErrorKind::kNotFound;
    return ignore ? Result<QueryResult>(AffectedRows{}) : std::unexpected(found.error());
  }
  for (const TableSavepoint& each : *found) {
    VARVE_TRY(database().DropSavepoint(*each.table, each.savepoint.id));
  }
  return AffectedRows{.rows = found->size()};
}

Result<QueryResult> SessionImpl::Run(const AlterSavepointStatement& statement) {
  using Change = AlterSavepointStatement::Change;
  VARVE_ASSIGN(auto found, FindSavepoints(statement.savepoint, statement.table));
  for (TableSavepoint& each : found) {
    Savepoint& savepoint = each.savepoint;
    if (statement.change == Change::kRetainForever) {
      savepoint.retain_until.reset();
    } else if (statement.change == Change::kRetain) {
      VARVE_ASSIGN(const auto retain, ParseDuration(statement.value));
      savepoint.retain_until =
          TimestampUs(engine_.clock.Now().value() + std::chrono::microseconds(retain).count());
    } else {
      VARVE_ASSIGN(const TimestampUs until, TimeOf(statement.value));
      if (savepoint.locked(engine_.clock.Now()) && until < *savepoint.lock_until) {
        return InvalidArgument(
            "savepoint {} of table {} is locked until {}: a lock is not taken "
            "back, only made longer",
            savepoint.id, each.table->name(), TimeText(savepoint.lock_until));
      }
      savepoint.lock_until = until;
    }
    VARVE_TRY(database().AlterSavepoint(*each.table, savepoint));
  }
  return AffectedRows{.rows = found.size()};
}

Result<QueryResult> SessionImpl::Run(const ShowSavepointsStatement& statement) {
  std::vector<std::shared_ptr<Table>> tables;
  if (statement.table) {
    VARVE_ASSIGN(auto table, Find(*statement.table));
    tables.push_back(std::move(table));
  } else {
    tables = AllTables();
  }
  std::vector<TableSavepoint> all;
  for (const auto& table : tables) {
    VARVE_ASSIGN(auto savepoints, table->savepoints().List());
    for (Savepoint& savepoint : savepoints) {
      all.push_back({table, std::move(savepoint)});
    }
  }
  return Listing(all);
}

Result<QueryResult> SessionImpl::Run(const RollbackTableStatement& statement) {
  VARVE_ASSIGN(const auto table, Find(statement.name));
  VARVE_TRY(AllowWrite(*table));
  VARVE_ASSIGN(const VersionRef ref, VersionOf(statement.to));
  VARVE_ASSIGN(const std::vector<TableVersion> versions, database().Rollback(table, ref));
  std::vector<std::string> names;
  std::vector<uint64_t> snapshots;
  std::vector<uint64_t> records;
  for (const TableVersion& each : versions) {
    names.push_back(each.table->name());
    snapshots.push_back(each.version->id.value());
    records.push_back(each.version->row_count());
  }
  return TableOf({{"table_name", StringArray(names)},
                  {"snapshot_id", UInt64Array(snapshots)},
                  {"record_count", UInt64Array(records)}});
}

Result<QueryResult> SessionImpl::Run(const CloneTableStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  const bool ignore_present = statement.if_present == IfPresent::kIgnore;
  if (ignore_present && database().FindTable(name.schema, name.table)) {
    return AffectedRows{};
  }
  VARVE_ASSIGN(const auto source, Find(statement.source));
  std::optional<VersionRef> as_of;
  if (statement.as_of) {
    VARVE_ASSIGN(as_of, VersionOf(*statement.as_of));
  }
  const auto cloned = database().CloneTable(source, as_of, name.schema, name.table);
  if (!cloned && !(ignore_present && cloned.error().kind == ErrorKind::kAlreadyExists)) {
    return std::unexpected(cloned.error());
  }
  return AffectedRows{};
}

Result<QueryResult> SessionImpl::Run(const UndropTableStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  VARVE_TRY(database().UndropTable(name.schema, name.table, statement.new_name));
  return AffectedRows{};
}

}  // namespace varve
