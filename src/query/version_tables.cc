#include "query/version_tables.h"

#include <algorithm>
#include <map>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

Value Text(std::string_view text) { return Value(std::string(text)); }
Value TextOrNull(std::string_view text) { return text.empty() ? Value() : Text(text); }
Value Time(TimestampUs time) { return Value::TIMESTAMP(duckdb::timestamp_t(time.value())); }
Value TimeOrNull(const std::optional<TimestampUs>& time) { return time ? Time(*time) : Value(); }
Value Count(uint64_t count) { return Value::UBIGINT(count); }

void Append(SystemRow& row, std::initializer_list<Value> values) {
  row.insert(row.end(), values.begin(), values.end());
}

void FillSnapshots(const SystemSources& sources, const OneTable& only, SystemRows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const SystemRow& names) {
    const auto versions = OrThrow(table.Versions());
    const VersionSummary* before = nullptr;
    for (const VersionSummary& version : versions) {
      const bool follows = before != nullptr && before->id.value() + 1 == version.id.value();
      SystemRow& row = rows.emplace_back(names);
      Append(row,
             {Count(version.id.value()), Count(version.schema_id), Text(EditKindText(version.kind)),
              Time(version.committed_at), Count(version.rows),
              follows ? Value::BIGINT(static_cast<int64_t>(version.rows) -
                                      static_cast<int64_t>(before->rows))
                      : Value(),
              Count(version.files), Count(version.bytes)});
      before = &version;
    }
  });
}

// The bytes of the files that a version of a savepoint has and nothing else that is kept: neither
// another savepoint nor a version that is kept by the table's options.
class ExclusiveBytes {
 public:
  ExclusiveBytes(const Table& table, const std::vector<Savepoint>& savepoints)
      : own_(OrThrow(table.OwnBytes())), kept_from_(KeptFrom(OrThrow(table.Versions()))) {
    for (const Savepoint& savepoint : savepoints) {
      ++pins_[savepoint.saved_snapshot_id];
    }
  }

  uint64_t Of(const Savepoint& savepoint) const {
    const VersionId id = savepoint.saved_snapshot_id;
    const auto own = own_.find(id);
    return own != own_.end() && id < kept_from_ && pins_.at(id) == 1 ? own->second : 0;
  }

 private:
  // The versions up to the newest one, without a gap, are there by the table's options; those
  // before are there for savepoints.
  static VersionId KeptFrom(const std::vector<VersionSummary>& versions) {
    size_t first = versions.size() - 1;
    while (first > 0 && versions[first - 1].id.value() + 1 == versions[first].id.value()) {
      --first;
    }
    return versions[first].id;
  }

  const std::map<VersionId, uint64_t> own_;
  const VersionId kept_from_;
  std::map<VersionId, size_t> pins_;
};

void FillSavepoints(const SystemSources& sources, const OneTable& only, SystemRows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const SystemRow& names) {
    const auto savepoints = OrThrow(table.savepoints().List());
    if (savepoints.empty()) {
      return;
    }
    const ExclusiveBytes exclusive(table, savepoints);
    for (const Savepoint& savepoint : savepoints) {
      SystemRow& row = rows.emplace_back(names);
      Append(row,
             {Count(savepoint.id.value()), Count(savepoint.saved_snapshot_id.value()),
              Count(savepoint.schema_id), Time(savepoint.save_time), Count(savepoint.record_count),
              TextOrNull(savepoint.name), Text(SavepointOriginText(savepoint.origin)),
              TimeOrNull(savepoint.retain_until), TimeOrNull(savepoint.lock_until),
              Count(savepoint.held_bytes), Count(exclusive.Of(savepoint)),
              Text(savepoint.group.id.ToString()), Count(savepoint.group.tables)});
    }
  });
}

void FillFiles(const SystemSources& sources, const OneTable& only, SystemRows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const SystemRow& names) {
    const auto version = OrThrow(table.FindVersion(table.current_version()));
    for (const auto& [id, file] : version->files) {
      const auto& deleted = file.deletion_vector;
      SystemRow& row = rows.emplace_back(names);
      Append(row,
             {Text(file.path), Time(file.segment_start), Count(file.schema_id), Count(file.rows),
              Count(deleted ? deleted->rows : 0), Count(file.size_bytes), Time(file.time_min),
              Time(file.time_max), Text(file.sha256), deleted ? Text(deleted->path) : Value()});
    }
  });
}

void FillManifests(const SystemSources& sources, const OneTable& only, SystemRows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const SystemRow& names) {
    const auto files =
        OrThrow(sources.database.store().List(TableLog::Folder(table.uuid()) + "/log"));
    for (const ObjectInfo& file : files) {
      const std::string name = file.path.substr(file.path.rfind('/') + 1);
      SystemRow& row = rows.emplace_back(names);
      const std::string_view kind = name.starts_with("checkpoint-") ? "checkpoint"
                                    : name.starts_with("history-")  ? "history"
                                                                    : "edit";
      Append(row, {Text(file.path), Text(kind), Count(file.size_bytes), Time(file.modified)});
    }
  });
}

void FillSchemas(const SystemSources& sources, const OneTable& only, SystemRows& rows) {
  ForEachTable(sources.database, only, [&](const Table& table, const SystemRow& names) {
    const auto version = OrThrow(table.FindVersion(table.current_version()));
    for (const auto& [id, schema] : version->schemas) {
      std::string columns;
      for (const ColumnSchema& column : schema->columns()) {
        columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", column.name,
                               ColumnTypeName(column.type));
      }
      SystemRow& row = rows.emplace_back(names);
      Append(row, {Count(id), Text(columns), Text(schema->timestamp().name),
                   Value::BOOLEAN(schema == version->schema)});
    }
  });
}

void FillDropped(const SystemSources& sources, const OneTable&, SystemRows& rows) {
  for (const DroppedTable& dropped : sources.database.ListDropped()) {
    rows.push_back({Text(kDefaultCatalogName), Text(dropped.table.schema), Text(dropped.table.name),
                    Count(dropped.table.id.value()), Time(dropped.dropped_at),
                    Time(dropped.kept_until)});
  }
}

}  // namespace

namespace {

std::vector<SystemColumn> Columns(std::initializer_list<SystemColumn> own) {
  std::vector<SystemColumn> columns = {{"catalog", LogicalType::VARCHAR},
                                       {"schema", LogicalType::VARCHAR},
                                       {"table_name", LogicalType::VARCHAR}};
  columns.insert(columns.end(), own.begin(), own.end());
  return columns;
}

SystemTable Snapshots() {
  return {"snapshots", "varve_snapshots",
          Columns({{"snapshot_id", LogicalType::UBIGINT},
                   {"schema_id", LogicalType::UBIGINT},
                   {"commit_kind", LogicalType::VARCHAR},
                   {"commit_time", LogicalType::TIMESTAMP},
                   {"total_record_count", LogicalType::UBIGINT},
                   {"delta_record_count", LogicalType::BIGINT},
                   {"file_count", LogicalType::UBIGINT},
                   {"file_size_in_bytes", LogicalType::UBIGINT}}),
          FillSnapshots, true};
}

SystemTable SavepointsTable() {
  return {"savepoints", "varve_savepoints",
          Columns({{"savepoint_id", LogicalType::UBIGINT},
                   {"saved_snapshot_id", LogicalType::UBIGINT},
                   {"schema_id", LogicalType::UBIGINT},
                   {"save_time", LogicalType::TIMESTAMP},
                   {"record_count", LogicalType::UBIGINT},
                   {"name", LogicalType::VARCHAR},
                   {"origin", LogicalType::VARCHAR},
                   {"retain_until", LogicalType::TIMESTAMP},
                   {"locked_until", LogicalType::TIMESTAMP},
                   {"held_bytes", LogicalType::UBIGINT},
                   {"exclusive_bytes", LogicalType::UBIGINT},
                   {"group_id", LogicalType::VARCHAR},
                   {"group_tables", LogicalType::UBIGINT}}),
          FillSavepoints, true};
}

SystemTable Files() {
  return {"files", "varve_files",
          Columns({{"file_path", LogicalType::VARCHAR},
                   {"segment_start", LogicalType::TIMESTAMP},
                   {"schema_id", LogicalType::UBIGINT},
                   {"record_count", LogicalType::UBIGINT},
                   {"deleted_record_count", LogicalType::UBIGINT},
                   {"file_size_in_bytes", LogicalType::UBIGINT},
                   {"min_time", LogicalType::TIMESTAMP},
                   {"max_time", LogicalType::TIMESTAMP},
                   {"sha256", LogicalType::VARCHAR},
                   {"deletion_vector_path", LogicalType::VARCHAR}}),
          FillFiles, true};
}

}  // namespace

std::vector<SystemTable> VersionTables() {
  return {Snapshots(),
          SavepointsTable(),
          Files(),
          {"manifests", "varve_manifests",
           Columns({{"file_path", LogicalType::VARCHAR},
                    {"kind", LogicalType::VARCHAR},
                    {"file_size_in_bytes", LogicalType::UBIGINT},
                    {"modified", LogicalType::TIMESTAMP}}),
           FillManifests, true},
          {"schemas", "varve_schemas",
           Columns({{"schema_id", LogicalType::UBIGINT},
                    {"columns", LogicalType::VARCHAR},
                    {"timestamp_key", LogicalType::VARCHAR},
                    {"is_current", LogicalType::BOOLEAN}}),
           FillSchemas, true},
          {"dropped_tables", "varve_dropped_tables",
           Columns({{"table_id", LogicalType::UBIGINT},
                    {"dropped_at", LogicalType::TIMESTAMP},
                    {"kept_until", LogicalType::TIMESTAMP}}),
           FillDropped}};
}

}  // namespace varve
