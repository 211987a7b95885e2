#include "query/varve_catalog.h"

#include <duckdb/catalog/entry_lookup_info.hpp>
#include <duckdb/catalog/similar_catalog_entry.hpp>
#include <duckdb/parser/constraints/not_null_constraint.hpp>
#include <duckdb/parser/parsed_data/create_schema_info.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/parser/parsed_data/create_view_info.hpp>
#include <duckdb/parser/parsed_data/drop_info.hpp>
#include <duckdb/planner/tableref/bound_at_clause.hpp>
#include <duckdb/storage/database_size.hpp>
#include <duckdb/storage/table_storage_info.hpp>

#include "query/as_of.h"
#include "query/duckdb_bridge.h"
#include "query/partition_view.h"
#include "query/query_rewrite.h"
#include "query/scan_statistics.h"
#include "query/system_tables.h"
#include "query/varve_scan.h"

namespace varve {
namespace {

// No client reaches this: the fence lets queries through only.
[[noreturn]] void RefuseChange() {
  throw duckdb::NotImplementedException("Varve's catalogue is not changed through DuckDB");
}

class VarveTransactionManager final : public duckdb::TransactionManager {
 public:
  using TransactionManager::TransactionManager;

  duckdb::Transaction& StartTransaction(duckdb::ClientContext& context) override {
    auto transaction = duckdb::make_uniq<VarveTransaction>(*this, context);
    VarveTransaction* const key = transaction.get();
    const std::lock_guard lock(mutex_);
    open_[key] = std::move(transaction);
    return *key;
  }

  duckdb::ErrorData CommitTransaction(duckdb::ClientContext&,
                                      duckdb::Transaction& transaction) override {
    End(transaction);
    return {};
  }

  void RollbackTransaction(duckdb::Transaction& transaction) override { End(transaction); }
  void Checkpoint(duckdb::ClientContext&, bool) override {}

 private:
  // The views are released outside the lock: the last holder of a memtable frees it.
  void End(duckdb::Transaction& transaction) {
    duckdb::unique_ptr<VarveTransaction> ended;
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(&transaction);
    ended = std::move(found->second);
    open_.erase(found);
  }

  std::mutex mutex_;
  std::unordered_map<duckdb::Transaction*, duckdb::unique_ptr<VarveTransaction>> open_;
};

struct AttachInfo final : public duckdb::StorageExtensionInfo {
  explicit AttachInfo(Database& database) : database(database) {}
  Database& database;
};

NameMapping NamesOf(duckdb::ClientContext& context) {
  const auto state = context.registered_state->Get<StatementState>(StatementState::kKey);
  return state ? state->names : NameMapping();
}

std::optional<RowTarget> RowTargetOf(duckdb::ClientContext& context) {
  const auto state = context.registered_state->Get<StatementState>(StatementState::kKey);
  return state ? state->row_target : std::nullopt;
}

std::optional<VersionRef> AsOf(duckdb::optional_ptr<duckdb::BoundAtClause> at) {
  return at ? std::optional(VersionRefOf(at->Unit(), at->GetValue())) : std::nullopt;
}

VarveTransaction& TransactionOf(duckdb::ClientContext& context, duckdb::Catalog& catalog) {
  return duckdb::Transaction::Get(context, catalog).Cast<VarveTransaction>();
}

}  // namespace

VarveTableEntry::VarveTableEntry(duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema,
                                 duckdb::CreateTableInfo& info,
                                 duckdb::shared_ptr<TableSource> source)
    : TableCatalogEntry(catalog, schema, info), source_(std::move(source)) {
  source_->entry = this;
}

duckdb::unique_ptr<duckdb::BaseStatistics> VarveTableEntry::GetStatistics(duckdb::ClientContext&,
                                                                          duckdb::column_t column) {
  return ColumnStatistics(*source_, column);
}

duckdb::TableFunction VarveTableEntry::GetScanFunction(
    duckdb::ClientContext&, duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  return MakeScan(source_, bind_data);
}

duckdb::TableStorageInfo VarveTableEntry::GetStorageInfo(duckdb::ClientContext&) {
  duckdb::TableStorageInfo info;
  uint64_t rows = source_->view.version->row_count();
  for (const auto& memtable : source_->view.memtables) {
    rows += memtable.row_count();
  }
  info.cardinality = rows;
  return info;
}

duckdb::virtual_column_map_t VarveTableEntry::GetVirtualColumns() const {
  return ScanVirtualColumns(*source_);
}

VarveTransaction::VarveTransaction(duckdb::TransactionManager& manager,
                                   duckdb::ClientContext& context)
    : Transaction(manager, context), names_(NamesOf(context)), row_target_(RowTargetOf(context)) {}

duckdb::optional_ptr<VarveSchemaEntry> VarveTransaction::FindSchema(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = schemas_.find(name); known != schemas_.end()) {
    return known->second.get();
  }
  auto& catalog = manager.GetDB().GetCatalog().Cast<VarveCatalog>();
  if (!catalog.database.HasSchema(name)) {
    return nullptr;
  }
  duckdb::CreateSchemaInfo info;
  info.schema = name;
  auto& entry = schemas_[name];
  entry = duckdb::make_uniq<VarveSchemaEntry>(catalog, info);
  return entry.get();
}

VarveTransaction::Key VarveTransaction::KeyOf(const VarveSchemaEntry& schema,
                                              const std::string& name,
                                              const std::optional<VersionRef>& as_of) {
  return {schema.name, name, as_of ? Describe(*as_of) : ""};
}

duckdb::shared_ptr<TableSource> VarveTransaction::SourceOf(const Database& database,
                                                           const Table& table,
                                                           const std::optional<VersionRef>& as_of) {
  // The rewrite has met the tables that the statement names; information_schema meets all.
  NameMapping names = names_;
  duckdb::shared_ptr<TableSource> source;
  if (as_of) {
    ReadView view = table.ViewAt(OrThrow(table.FindVersion(*as_of)));
    names.Add(*view.schema);
    source =
        duckdb::make_shared_ptr<TableSource>(table, names, std::move(view), RowPlaces::kHidden);
  } else if (row_target_ && row_target_->table == table.id()) {
    names.Add(*table.schema());
    source =
        duckdb::make_shared_ptr<TableSource>(table, names, row_target_->view, RowPlaces::kShown);
  } else {
    names.Add(*table.schema());
    source = duckdb::make_shared_ptr<TableSource>(table, names);
  }
  if (const auto whole = database.TableOf(table)) {
    const auto index = static_cast<uint32_t>(table.id().value() - whole->id().value() - 1);
    source->partition = PartitionPlace{whole->name(), *whole->partitioning(), index};
  }
  return source;
}

duckdb::optional_ptr<VarveTableEntry> VarveTransaction::FindTable(
    VarveSchemaEntry& schema, const std::string& name, const std::optional<VersionRef>& as_of) {
  const std::lock_guard lock(mutex_);
  const Key key = KeyOf(schema, name, as_of);
  if (const auto known = tables_.find(key); known != tables_.end()) {
    return known->second.get();
  }
  auto& catalog = schema.catalog.Cast<VarveCatalog>();
  const auto table = catalog.database.FindTable(schema.name, name);
  if (!table) {
    if (table.error().kind == ErrorKind::kNotFound) {
      return nullptr;
    }
    Throw(table.error());
  }
  if ((*table)->partitioning()) {
    return nullptr;
  }
  auto source = SourceOf(catalog.database, **table, as_of);
  duckdb::CreateTableInfo info;
  info.schema = schema.name;
  info.table = name;
  for (size_t i = 0; i < source->column_names.size(); ++i) {
    info.columns.AddColumn(
        duckdb::ColumnDefinition(source->column_names[i], source->column_types[i]));
    if (!source->schema().columns()[i].nullable) {
      info.constraints.push_back(
          duckdb::make_uniq<duckdb::NotNullConstraint>(duckdb::LogicalIndex(i)));
    }
  }
  auto& entry = tables_[key];
  entry = duckdb::make_uniq<VarveTableEntry>(catalog, schema, info, std::move(source));
  return entry.get();
}

std::vector<PartitionSource> VarveTransaction::SourcesOf(VarveSchemaEntry& schema,
                                                         const Table& table,
                                                         const std::optional<VersionRef>& as_of) {
  std::vector<PartitionSource> sources;
  const Database& database = schema.catalog.Cast<VarveCatalog>().database;
  for (const auto& partition : database.PartitionsOf(table)) {
    PartitionSource& source = sources.emplace_back();
    std::optional<VersionRef> own;
    if (as_of) {
      own = OrThrow(database.RefInPartition(*partition, *as_of));
      if (const auto* const id = std::get_if<SavepointId>(&*own)) {
        source.version = fmt::format("savepoint.{}", *id);
      } else {
        source.time = std::get<TimestampUs>(*own);
      }
    }
    const auto entry = FindTable(schema, partition->name(), own);
    if (!entry) {
      sources.pop_back();
      break;
    }
    source.source = &entry->source();
  }
  if (sources.size() != table.partitioning()->count) {  // dropped or renamed just now
    Throw(Error{ErrorKind::kNotFound, fmt::format("Table not found, table:{}", table.name())});
  }
  return sources;
}

std::optional<duckdb::CreateViewInfo> VarveTransaction::ViewInfo(
    VarveSchemaEntry& schema, const std::string& name, const std::optional<VersionRef>& as_of) {
  const Database& database = schema.catalog.Cast<VarveCatalog>().database;
  duckdb::CreateViewInfo info(schema, name);
  if (const auto table = database.FindTable(schema.name, name); table && (*table)->partitioning()) {
    // First: it says what a partitioned table has no version by.
    const auto sources = SourcesOf(schema, **table, as_of);
    const auto columns =
        as_of ? OrThrow((*table)->FindVersion(*as_of))->schema : (*table)->schema();
    NameMapping names = names_;
    names.Add(*columns);
    info.query = PartitionsQuery(schema.name, *columns, names, sources);
    return info;
  }
  const auto view = database.FindView(schema.name, name);
  if (!view) {
    auto query = TableDetailsQuery(database, schema.name, name);
    if (!query) {
      return std::nullopt;
    }
    info.query = std::move(*query);
    return info;
  }
  info.query = OrThrow(ViewQuery(*view, database, names_));
  for (const std::string& column : view->columns) {
    info.aliases.push_back(names_.ToDuckDb(column));
  }
  return info;
}

duckdb::optional_ptr<duckdb::ViewCatalogEntry> VarveTransaction::FindView(
    VarveSchemaEntry& schema, const std::string& name, const std::optional<VersionRef>& as_of) {
  const Key key = KeyOf(schema, name, as_of);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = views_.find(key); known != views_.end()) {
      return known->second.get();
    }
  }
  auto info = ViewInfo(schema, name, as_of);
  if (!info) {
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  auto& entry = views_[key];
  if (!entry) {
    entry = duckdb::make_uniq<duckdb::ViewCatalogEntry>(schema.catalog, schema, *info);
  }
  return entry.get();
}

duckdb::optional_ptr<duckdb::SchemaCatalogEntry> VarveCatalog::LookupSchema(
    duckdb::CatalogTransaction transaction, const duckdb::EntryLookupInfo& lookup,
    duckdb::OnEntryNotFound if_missing) {
  const std::string& name = lookup.GetEntryName();
  auto entry = TransactionOf(transaction.GetContext(), *this).FindSchema(name);
  if (!entry && if_missing == duckdb::OnEntryNotFound::THROW_EXCEPTION) {
    Throw(Error{ErrorKind::kNotFound, fmt::format("Schema not found, schema_name:{}", name)});
  }
  return entry.get();
}

void VarveCatalog::ScanSchemas(duckdb::ClientContext& context,
                               std::function<void(duckdb::SchemaCatalogEntry&)> callback) {
  for (const std::string& name : database.ListSchemas()) {
    if (auto entry = TransactionOf(context, *this).FindSchema(name)) {
      callback(*entry);
    }
  }
}

duckdb::optional_ptr<duckdb::CatalogEntry> VarveSchemaEntry::LookupEntry(
    duckdb::CatalogTransaction transaction, const duckdb::EntryLookupInfo& lookup) {
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) {
    return nullptr;
  }
  VarveTransaction& varve = TransactionOf(transaction.GetContext(), catalog);
  const std::optional<VersionRef> as_of = AsOf(lookup.GetAtClause());
  if (auto table = varve.FindTable(*this, lookup.GetEntryName(), as_of)) {
    return table.get();
  }
  return varve.FindView(*this, lookup.GetEntryName(), as_of).get();
}

// Guessing what was meant would read every schema.
duckdb::SimilarCatalogEntry VarveSchemaEntry::GetSimilarEntry(duckdb::CatalogTransaction,
                                                              const duckdb::EntryLookupInfo&) {
  return {};
}

void VarveSchemaEntry::Scan(duckdb::ClientContext& context, duckdb::CatalogType type,
                            const std::function<void(duckdb::CatalogEntry&)>& callback) {
  if (type != duckdb::CatalogType::VIEW_ENTRY && type != duckdb::CatalogType::TABLE_ENTRY) {
    return;
  }
  // Who asks for tables gets the views as well, and tells them apart.
  for (const ViewEntry& view : catalog.Cast<VarveCatalog>().database.ListViews(name)) {
    if (auto entry = TransactionOf(context, catalog).FindView(*this, view.name, std::nullopt)) {
      callback(*entry);
    }
  }
  VarveTransaction& varve = TransactionOf(context, catalog);
  const auto tables = OrThrow(catalog.Cast<VarveCatalog>().database.ListTables(name));
  for (const std::shared_ptr<Table>& table : tables) {
    if (table->partitioning()) {
      if (auto entry = varve.FindView(*this, table->name(), std::nullopt)) {
        callback(*entry);
      }
    } else if (type == duckdb::CatalogType::TABLE_ENTRY) {
      if (auto entry = varve.FindTable(*this, table->name(), std::nullopt)) {
        callback(*entry);
      }
    }
  }
}

// DuckDB asks without a context only for entries that are stored in its own files.
void VarveSchemaEntry::Scan(duckdb::CatalogType,
                            const std::function<void(duckdb::CatalogEntry&)>&) {}

duckdb::shared_ptr<duckdb::StorageExtension> MakeStorageExtension(Database& database) {
  auto extension = duckdb::make_shared_ptr<duckdb::StorageExtension>();
  extension->storage_info = duckdb::make_shared_ptr<AttachInfo>(database);
  extension->attach = [](duckdb::optional_ptr<duckdb::StorageExtensionInfo> info,
                         duckdb::ClientContext&, duckdb::AttachedDatabase& attached,
                         const std::string&, duckdb::AttachInfo&,
                         duckdb::AttachOptions&) -> duckdb::unique_ptr<duckdb::Catalog> {
    auto& varve = static_cast<AttachInfo&>(*info);
    return duckdb::make_uniq<VarveCatalog>(attached, varve.database);
  };
  extension->create_transaction_manager =
      [](duckdb::optional_ptr<duckdb::StorageExtensionInfo>, duckdb::AttachedDatabase& attached,
         duckdb::Catalog&) -> duckdb::unique_ptr<duckdb::TransactionManager> {
    return duckdb::make_uniq<VarveTransactionManager>(attached);
  };
  return extension;
}

duckdb::optional_ptr<duckdb::CatalogEntry> VarveCatalog::CreateSchema(duckdb::CatalogTransaction,
                                                                      duckdb::CreateSchemaInfo&) {
  RefuseChange();
}
duckdb::PhysicalOperator& VarveCatalog::PlanCreateTableAs(duckdb::ClientContext&,
                                                          duckdb::PhysicalPlanGenerator&,
                                                          duckdb::LogicalCreateTable&,
                                                          duckdb::PhysicalOperator&) {
  RefuseChange();
}
duckdb::PhysicalOperator& VarveCatalog::PlanInsert(duckdb::ClientContext&,
                                                   duckdb::PhysicalPlanGenerator&,
                                                   duckdb::LogicalInsert&,
                                                   duckdb::optional_ptr<duckdb::PhysicalOperator>) {
  RefuseChange();
}
duckdb::PhysicalOperator& VarveCatalog::PlanDelete(duckdb::ClientContext&,
                                                   duckdb::PhysicalPlanGenerator&,
                                                   duckdb::LogicalDelete&,
                                                   duckdb::PhysicalOperator&) {
  RefuseChange();
}
duckdb::PhysicalOperator& VarveCatalog::PlanUpdate(duckdb::ClientContext&,
                                                   duckdb::PhysicalPlanGenerator&,
                                                   duckdb::LogicalUpdate&,
                                                   duckdb::PhysicalOperator&) {
  RefuseChange();
}
void VarveCatalog::DropSchema(duckdb::ClientContext&, duckdb::DropInfo&) { RefuseChange(); }

using Entry = VarveSchemaEntry::Entry;
Entry VarveSchemaEntry::CreateIndex(duckdb::CatalogTransaction, duckdb::CreateIndexInfo&,
                                    duckdb::TableCatalogEntry&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateFunction(duckdb::CatalogTransaction, duckdb::CreateFunctionInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateTable(duckdb::CatalogTransaction, duckdb::BoundCreateTableInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateView(duckdb::CatalogTransaction, duckdb::CreateViewInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateSequence(duckdb::CatalogTransaction, duckdb::CreateSequenceInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateTableFunction(duckdb::CatalogTransaction,
                                            duckdb::CreateTableFunctionInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateCopyFunction(duckdb::CatalogTransaction,
                                           duckdb::CreateCopyFunctionInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreatePragmaFunction(duckdb::CatalogTransaction,
                                             duckdb::CreatePragmaFunctionInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateCollation(duckdb::CatalogTransaction, duckdb::CreateCollationInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateCoordinateSystem(duckdb::CatalogTransaction,
                                               duckdb::CreateCoordinateSystemInfo&) {
  RefuseChange();
}
Entry VarveSchemaEntry::CreateType(duckdb::CatalogTransaction, duckdb::CreateTypeInfo&) {
  RefuseChange();
}
void VarveSchemaEntry::DropEntry(duckdb::ClientContext&, duckdb::DropInfo&) { RefuseChange(); }
void VarveSchemaEntry::Alter(duckdb::CatalogTransaction, duckdb::AlterInfo&) { RefuseChange(); }

}  // namespace varve
