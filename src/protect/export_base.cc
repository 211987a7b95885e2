#include "protect/export_base.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/units.h"
#include "protect/snapshot_error.h"
#include "protect/snapshot_folder.h"

namespace varve {
namespace {

std::string NamesText(std::vector<std::string> names) {
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return fmt::format("{}", fmt::join(names, ","));
}

std::string TextOf(const std::optional<std::vector<std::string>>& names) {
  return names ? NamesText(*names) : "everything";
}

// An option of an increment is the base's, or is left out.
Status CheckOption(std::string_view option, bool given, const std::string& base,
                   const std::string& requested) {
  if (!given || base == requested) {
    return {};
  }
  return Named(ErrorKind::kInvalidArgument, kBaseMismatch,
               "{}: the base was made with '{}', this increment asks for '{}': leave the option "
               "out, or make a snapshot without a base",
               option, base, requested);
}

Status CheckOptions(const ExportRequest& request, const Manifest& base) {
  const ExportSelection& selection = base.selection;
  VARVE_TRY(CheckOption("schemas", request.schemas.has_value(), TextOf(selection.schemas),
                        TextOf(request.schemas)));
  VARVE_TRY(CheckOption("tables", request.tables.has_value(), TextOf(selection.tables),
                        TextOf(request.tables)));
  const auto time_text = [](const std::optional<TimestampUs>& time) {
    return time ? FormatTimestamp(time->value()) : "the earliest row";
  };
  VARVE_TRY(CheckOption("start_time", request.start.has_value(), time_text(selection.start),
                        time_text(request.start)));
  VARVE_TRY(CheckOption("chunk_time_window", request.chunk_window.has_value(),
                        FormatDuration(base.chunk_window),
                        FormatDuration(request.chunk_window.value_or(base.chunk_window))));
  VARVE_TRY(CheckOption("format", request.format.has_value(),
                        std::string(DataFormatName(base.format)),
                        std::string(DataFormatName(request.format.value_or(base.format)))));
  if (request.end && *request.end < base.range.end) {
    return Named(ErrorKind::kInvalidArgument, kBaseMismatch,
                 "end_time: the base ends at {}, an increment does not end before that",
                 FormatTimestamp(base.range.end.value()));
  }
  return {};
}

// What of a selection is still there.
void KeepSchemas(std::optional<std::vector<std::string>>& names, const Database& database) {
  if (names) {
    std::erase_if(*names, [&](const std::string& name) { return !database.HasSchema(name); });
  }
}

void KeepTables(ExportRequest& request, const Database& database) {
  if (!request.tables) {
    return;
  }
  const auto is_there = [&](const std::string& name) {
    return std::ranges::any_of(
        request.schemas.value_or(database.ListSchemas()), [&](const std::string& schema) {
          const std::string prefix = schema + ".";
          const auto has = [&](std::string_view relation) {
            return database.FindTable(schema, relation).has_value() ||
                   database.FindView(schema, relation).has_value();
          };
          return has(name) || (name.starts_with(prefix) && has(name.substr(prefix.size())));
        });
  };
  std::erase_if(*request.tables, [&](const std::string& name) { return !is_there(name); });
}

bool HasSameColumns(const TableSchema& a, const TableSchema& b) {
  return std::ranges::equal(a.columns(), b.columns(),
                            [](const ColumnSchema& one, const ColumnSchema& other) {
                              return one.id == other.id && one.name == other.name;
                            });
}

}  // namespace

Result<ExportBase> LoadExportBase(ObjectStore& store, const std::string& location,
                                  const Uuid& db_uuid) {
  const SnapshotFolder folder(store);
  ExportBase base;
  VARVE_ASSIGN(base.manifest, folder.LoadComplete());
  if (base.manifest.db_uuid != db_uuid) {
    return Named(ErrorKind::kInvalidArgument, kBaseMismatch,
                 "db_uuid: snapshot {} at {} is of database {}, this is database {}",
                 base.manifest.snapshot_id.ToString(), location, base.manifest.db_uuid.ToString(),
                 db_uuid.ToString());
  }
  if (base.manifest.schema_only) {
    return Named(
        ErrorKind::kInvalidArgument, kBaseMismatch,
        "schema_only: snapshot {} at {} holds no rows, an increment needs a base that does",
        base.manifest.snapshot_id.ToString(), location);
  }
  VARVE_ASSIGN(base.schema, folder.ReadSchema(base.manifest));
  VARVE_ASSIGN(const std::string text, store.Get(kManifestPath));
  base.identity = {base.manifest.snapshot_id, Sha256Hex(text), location};
  return base;
}

Result<ExportRequest> RequestOfIncrement(ExportRequest request, const ExportBase& base,
                                         const Database& database) {
  VARVE_TRY(CheckOptions(request, base.manifest));
  request.schemas = base.manifest.selection.schemas;
  request.tables = base.manifest.selection.tables;
  request.start = base.manifest.selection.start;
  request.chunk_window = base.manifest.chunk_window;
  request.format = base.manifest.format;
  KeepSchemas(request.schemas, database);
  KeepTables(request, database);
  return request;
}

SchemaChanges ChangesSince(const SnapshotSchema& base, const SnapshotSchema& now) {
  SchemaChanges changes;
  for (const std::string& schema : base.schemas) {
    if (std::ranges::find(now.schemas, schema) == now.schemas.end()) {
      changes.dropped_schemas.push_back(schema);
    }
  }
  for (const TableDefinition& before : base.tables) {
    if (now.Find(before.schema, before.name) == nullptr) {
      changes.dropped_tables.push_back({before.schema, before.name});
    }
  }
  for (const ViewEntry& before : base.views) {
    const bool there = std::ranges::any_of(now.views, [&](const ViewEntry& view) {
      return view.schema == before.schema && view.name == before.name;
    });
    if (!there) {
      changes.dropped_views.push_back({before.schema, before.name});
    }
  }
  for (const TableDefinition& table : now.tables) {
    const TableDefinition* before = base.Find(table.schema, table.name);
    if (before == nullptr || before->uuid != table.uuid) {
      changes.made_tables.push_back({table.schema, table.name});
    } else if (!HasSameColumns(before->columns, table.columns)) {
      BaseColumns& columns = changes.base_columns.emplace_back();
      columns.table = {table.schema, table.name};
      for (const ColumnSchema& column : before->columns.columns()) {
        columns.columns[column.id] = column.name;
      }
    }
  }
  return changes;
}

}  // namespace varve
