#include "meta/catalogue.h"

#include <utility>

#include "meta/catalogue_format.h"
#include "meta/version_log_internal.h"

namespace varve {

struct CatalogueTraits {
  using State = CatalogueVersion;
  using Edit = CatalogueEdit;
  using Summary = CommittedVersion;
  struct Step {
    CommittedVersion summary;
    uint64_t edit_bytes = 0;
    std::string edit_sha256 = {};
  };
  static constexpr bool kHasHistories = false;
  static Step StepOf(const CatalogueEdit&) { return {}; }
  static Summary Summarize(const CatalogueVersion& version) {
    return {version.id, version.committed_at};
  }
  static Result<CatalogueVersion> Apply(CatalogueVersion base, CatalogueEdit edit,
                                        TimestampUs now) {
    return varve::Apply(std::move(base), std::move(edit), now);
  }
  static Result<std::string> EncodeEdit(const CatalogueEdit& edit, const EditLink& link) {
    return EncodeCatalogueEdit(edit, link);
  }
  static Result<std::string> EncodeCheckpoint(const CatalogueVersion& version,
                                              std::string_view sha256) {
    return EncodeCatalogueCheckpoint(version, sha256);
  }
  static Result<DecodedEdit<CatalogueEdit>> DecodeEdit(std::string_view bytes) {
    return DecodeCatalogueEdit(bytes);
  }
  static Result<DecodedCheckpoint<CatalogueVersion>> DecodeCheckpoint(std::string_view bytes) {
    return DecodeCatalogueCheckpoint(bytes);
  }
};

namespace {

using Log = VersionLog<CatalogueTraits>;

constexpr std::string_view kFormatFile = "FORMAT";
constexpr std::string_view kCatalogueFolder = "catalogue";
constexpr std::string_view kTablesFolder = "tables";

Result<bool> IsEmpty(ObjectStore& store, std::string_view folder) {
  VARVE_ASSIGN(const auto objects, store.List(folder));
  return objects.empty();
}

// A file of the store that is missing while what depends on it is there has been lost: a new one in
// its place would hide the data.
Status CheckEmpty(ObjectStore& store, std::string_view folder, std::string_view missing) {
  VARVE_ASSIGN(const bool empty, IsEmpty(store, folder));
  if (!empty) {
    return Corruption(
        "'{}' of {} is missing, but there are files under '{}'; restore '{}' from a backup, "
        "nothing was changed",
        missing, store.Describe(), folder, missing);
  }
  return {};
}

Result<Uuid> ReadFormat(ObjectStore& store, const std::string& path) {
  VARVE_ASSIGN(const std::string bytes, store.Get(path));
  auto db_uuid = DecodeStoreFormat(bytes);
  if (!db_uuid) {
    return DecodeFailed(store, path, db_uuid.error());
  }
  return db_uuid;
}

Result<Uuid> ReadOrMakeFormat(ObjectStore& store, IdSource& ids) {
  const std::string path(kFormatFile);
  auto found = ReadFormat(store, path);
  if (found || found.error().kind != ErrorKind::kNotFound) {
    return found;
  }
  VARVE_TRY(CheckEmpty(store, kCatalogueFolder, kFormatFile));
  VARVE_TRY(CheckEmpty(store, kTablesFolder, kFormatFile));
  const Uuid db_uuid = ids.NewUuid();
  VARVE_ASSIGN(const std::string bytes, EncodeStoreFormat(db_uuid));
  VARVE_ASSIGN(const PutOutcome outcome, PutOnce(store, path, bytes));
  return outcome == PutOutcome::kMade ? db_uuid : ReadFormat(store, path);
}

Result<std::unique_ptr<Log>> OpenOrMakeLog(ObjectStore& store, const Clock& clock) {
  const std::string folder = fmt::format("{}/log", kCatalogueFolder);
  auto opened = Log::Open(store, clock, folder);
  if (opened || opened.error().kind != ErrorKind::kNotFound) {
    return opened;
  }
  VARVE_TRY(CheckEmpty(store, kTablesFolder, folder));
  CatalogueEdit first;
  first.added_schema = kDefaultSchema;
  auto made = Log::Create(store, clock, folder, std::move(first));
  if (!made && made.error().kind == ErrorKind::kAlreadyExists) {
    return Log::Open(store, clock, folder);
  }
  return made;
}

}  // namespace

Catalogue::Catalogue(const Clock& clock, const Uuid& db_uuid, std::unique_ptr<Log> log)
    : clock_(clock), db_uuid_(db_uuid), log_(std::move(log)) {}

Catalogue::~Catalogue() = default;

Result<std::unique_ptr<Catalogue>> Catalogue::Open(ObjectStore& store, const Clock& clock,
                                                   IdSource& ids) {
  VARVE_ASSIGN(const Uuid db_uuid, ReadOrMakeFormat(store, ids));
  VARVE_ASSIGN(auto log, OpenOrMakeLog(store, clock));
  return std::unique_ptr<Catalogue>(new Catalogue(clock, db_uuid, std::move(log)));
}

std::shared_ptr<const CatalogueVersion> Catalogue::current() const { return log_->current(); }

Result<TableEntry> Catalogue::AddTable(std::string_view schema, std::string_view name,
                                       NewTable table) {
  TableEntry entry{.uuid = table.uuid,
                   .schema = std::string(schema),
                   .name = std::string(name),
                   .shares = std::move(table.shares)};
  VARVE_TRY(log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
    entry.id = TableId(base.last_table_id.value() + 1);
    entry.created_at = clock_.Now();
    return CatalogueEdit{.kind = CatalogueEditKind::kAddTable, .added_table = entry};
  }));
  return entry;
}

Result<TableEntry> Catalogue::AddPartitionedTable(std::string_view schema, std::string_view name,
                                                  NewTable table, Partitioning partitioning,
                                                  const std::vector<NewTable>& partitions) {
  TableEntry entry{.uuid = table.uuid,
                   .schema = std::string(schema),
                   .name = std::string(name),
                   .partitioning = std::move(partitioning),
                   .shares = std::move(table.shares)};
  VARVE_TRY(log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
    entry.id = TableId(base.last_table_id.value() + 1);
    entry.created_at = clock_.Now();
    CatalogueEdit edit{.kind = CatalogueEditKind::kAddTable, .added_table = entry};
    for (uint32_t i = 0; i < partitions.size(); ++i) {
      edit.added_partitions.push_back({.id = TableId(entry.id.value() + 1 + i),
                                       .uuid = partitions[i].uuid,
                                       .schema = entry.schema,
                                       .name = PartitionName(name, i),
                                       .created_at = entry.created_at,
                                       .partition_of = entry.id,
                                       .shares = partitions[i].shares});
    }
    return edit;
  }));
  return entry;
}

Result<TableEntry> Catalogue::RemoveTable(std::string_view schema, std::string_view name,
                                          const std::optional<TimestampUs>& kept_until) {
  TableEntry removed;
  VARVE_TRY(log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
    const TableEntry* found = base.Find(schema, name);
    if (found == nullptr) {
      return NotFound("there is no table '{}' in schema '{}'", name, schema);
    }
    removed = *found;
    return CatalogueEdit{.kind = CatalogueEditKind::kRemoveTable,
                         .removed_table = removed,
                         .kept_until = kept_until};
  }));
  return removed;
}

Result<std::vector<TableEntry>> Catalogue::RestoreTable(TableId table, std::string_view name) {
  const CatalogueEdit edit{.kind = CatalogueEditKind::kRestoreTable,
                           .restored_table = TableRestore{table, std::string(name)}};
  VARVE_ASSIGN(const auto made,
               log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
                 const auto dropped = base.dropped.find(table);
                 if (dropped == base.dropped.end()) {
                   return NotFound("table {} is not kept any more", table);
                 }
                 return edit;
               }));
  for (const auto& [schema, tables] : made->schemas) {
    for (const auto& [key, entry] : tables) {
      if (entry.id == table) {
        std::vector<TableEntry> restored = made->PartitionsOf(entry);
        restored.insert(restored.begin(), entry);
        return restored;
      }
    }
  }
  return Internal("table {} was restored and is not there", table);
}

Result<std::vector<TableEntry>> Catalogue::PurgeTables() {
  const auto past = [&](const CatalogueVersion& version) {
    std::vector<TableEntry> out;
    for (const auto& [id, each] : version.dropped) {
      if (each.kept_until <= clock_.Now()) {
        out.push_back(each.table);
      }
    }
    return out;
  };
  std::vector<TableEntry> purged = past(*current());
  if (purged.empty()) {
    return purged;
  }
  VARVE_TRY(log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
    purged = past(base);
    CatalogueEdit edit{.kind = CatalogueEditKind::kPurgeTables};
    for (const TableEntry& table : purged) {
      if (!table.partition_of) {
        edit.purged_tables.push_back(table.id);
      }
    }
    return edit;
  }));
  return purged;
}

Status Catalogue::RenameTable(std::string_view schema, std::string_view from, std::string_view to) {
  VARVE_TRY(log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
    const TableEntry* found = base.Find(schema, from);
    if (found == nullptr) {
      return NotFound("there is no table '{}' in schema '{}'", from, schema);
    }
    return CatalogueEdit{.kind = CatalogueEditKind::kRenameTable,
                         .renamed_table = TableRename{*found, std::string(to)}};
  }));
  return {};
}

Status Catalogue::SetView(ViewEntry view, OnExisting on_existing) {
  VARVE_TRY(log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
    CatalogueEdit edit{.kind = CatalogueEditKind::kSetView};
    if (const ViewEntry* found = base.FindView(view.schema, view.name)) {
      if (on_existing == OnExisting::kFail) {
        return AlreadyExists("the view '{}' is there already in schema '{}'", view.name,
                             view.schema);
      }
      edit.removed_view = *found;
    }
    edit.added_view = view;
    edit.added_view->created_at = clock_.Now();
    return edit;
  }));
  return {};
}

Status Catalogue::RemoveView(std::string_view schema, std::string_view name) {
  VARVE_TRY(log_->Commit([&](const CatalogueVersion& base) -> Result<CatalogueEdit> {
    const ViewEntry* found = base.FindView(schema, name);
    if (found == nullptr) {
      return NotFound("there is no view '{}' in schema '{}'", name, schema);
    }
    return CatalogueEdit{.kind = CatalogueEditKind::kRemoveView, .removed_view = *found};
  }));
  return {};
}

Status Catalogue::AddSchema(std::string_view schema) {
  const CatalogueEdit edit{.kind = CatalogueEditKind::kAddSchema,
                           .added_schema = std::string(schema)};
  VARVE_TRY(log_->Commit([&](const CatalogueVersion&) { return edit; }));
  return {};
}

Status Catalogue::RemoveSchema(std::string_view schema) {
  const CatalogueEdit edit{.kind = CatalogueEditKind::kRemoveSchema,
                           .removed_schema = std::string(schema)};
  VARVE_TRY(log_->Commit([&](const CatalogueVersion&) { return edit; }));
  return {};
}

}  // namespace varve
