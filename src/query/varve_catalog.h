// Varve's schemas and tables as a DuckDB catalogue, looked up live from the Database. DuckDB only
// reads through it: all changes go through Session.
//
// A transaction, which is one statement, sees each table once: the first reference takes a
// ReadView, all others share it. So the parts of a statement agree with each other, whatever is
// written meanwhile.
//
// Plans are made anew for every statement: what they scan, and what pruning left out of it, is part
// of them. That is why the catalogue names no version by which DuckDB could keep one.
#pragma once

#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/view_catalog_entry.hpp>
#include <duckdb/main/client_context_state.hpp>
#include <duckdb/parser/parsed_data/create_view_info.hpp>
#include <duckdb/storage/storage_extension.hpp>
#include <duckdb/transaction/transaction.hpp>
#include <duckdb/transaction/transaction_manager.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/database.h"
#include "query/name_mapping.h"
#include "query/partition_view.h"
#include "query/table_source.h"

namespace varve {

// The table that a DELETE looks for rows in: it is read as it is in the view, and says where its
// rows are.
struct RowTarget {
  TableId table;
  ReadView view;
};

// What a session tells the transactions of its connection. Set between statements only.
struct StatementState final : public duckdb::ClientContextState {
  static constexpr const char* kKey = "varve_statement";
  NameMapping names;
  std::optional<RowTarget> row_target;
};

class VarveTableEntry final : public duckdb::TableCatalogEntry {
 public:
  VarveTableEntry(duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema,
                  duckdb::CreateTableInfo& info, duckdb::shared_ptr<TableSource> source);

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext& context,
                                                           duckdb::column_t column) override;
  duckdb::TableFunction GetScanFunction(
      duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override;
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext& context) override;
  // None that users could name: rows have no place of their own, and files no names for users.
  duckdb::virtual_column_map_t GetVirtualColumns() const override;
  duckdb::vector<duckdb::column_t> GetRowIdColumns() const override { return {}; }
  const TableSource& source() const { return *source_; }

 private:
  const duckdb::shared_ptr<TableSource> source_;
};

class VarveSchemaEntry;

// One thread at a time, as DuckDB binds.
class VarveTransaction final : public duckdb::Transaction {
 public:
  VarveTransaction(duckdb::TransactionManager& manager, duckdb::ClientContext& context);

  // The table as this statement sees it, or as it was; nullptr: there is none, or it is
  // partitioned.
  duckdb::optional_ptr<VarveTableEntry> FindTable(VarveSchemaEntry& schema, const std::string& name,
                                                  const std::optional<VersionRef>& as_of);
  // Also a partitioned table, as what reads its partitions (partition_view.h), and what a table
  // tells of itself (`t$snapshots`).
  duckdb::optional_ptr<duckdb::ViewCatalogEntry> FindView(VarveSchemaEntry& schema,
                                                          const std::string& name,
                                                          const std::optional<VersionRef>& as_of);
  duckdb::optional_ptr<VarveSchemaEntry> FindSchema(const std::string& name);

 private:
  // The schema, the name, and which version: "" = now.
  using Key = std::tuple<std::string, std::string, std::string>;
  static Key KeyOf(const VarveSchemaEntry& schema, const std::string& name,
                   const std::optional<VersionRef>& as_of);
  duckdb::shared_ptr<TableSource> SourceOf(const Database& database, const Table& table,
                                           const std::optional<VersionRef>& as_of);
  std::vector<PartitionSource> SourcesOf(VarveSchemaEntry& schema, const Table& table,
                                         const std::optional<VersionRef>& as_of);
  // Of the view; nullopt: there is none.
  std::optional<duckdb::CreateViewInfo> ViewInfo(VarveSchemaEntry& schema, const std::string& name,
                                                 const std::optional<VersionRef>& as_of);

  std::mutex mutex_;  // information_schema scans from several threads
  const NameMapping names_;
  const std::optional<RowTarget> row_target_;
  std::map<std::string, duckdb::unique_ptr<VarveSchemaEntry>, std::less<>> schemas_;
  std::map<Key, duckdb::unique_ptr<VarveTableEntry>> tables_;
  std::map<Key, duckdb::unique_ptr<duckdb::ViewCatalogEntry>> views_;
};

class VarveCatalog final : public duckdb::Catalog {
 public:
  VarveCatalog(duckdb::AttachedDatabase& attached, Database& database)
      : Catalog(attached), database(database) {}

  Database& database;

  void Initialize(bool) override {}
  std::string GetCatalogType() override { return "varve"; }
  std::string GetDefaultSchema() const override { return std::string(kDefaultSchema); }
  bool InMemory() override { return true; }
  bool SupportsTimeTravel() const override { return true; }
  std::string GetDBPath() override { return ""; }
  duckdb::DatabaseSize GetDatabaseSize(duckdb::ClientContext&) override { return {}; }
  duckdb::optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(
      duckdb::CatalogTransaction transaction, const duckdb::EntryLookupInfo& lookup,
      duckdb::OnEntryNotFound if_missing) override;
  void ScanSchemas(duckdb::ClientContext& context,
                   std::function<void(duckdb::SchemaCatalogEntry&)> callback) override;

  duckdb::optional_ptr<duckdb::CatalogEntry> CreateSchema(duckdb::CatalogTransaction,
                                                          duckdb::CreateSchemaInfo&) override;
  duckdb::PhysicalOperator& PlanCreateTableAs(duckdb::ClientContext&,
                                              duckdb::PhysicalPlanGenerator&,
                                              duckdb::LogicalCreateTable&,
                                              duckdb::PhysicalOperator&) override;
  duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                       duckdb::LogicalInsert&,
                                       duckdb::optional_ptr<duckdb::PhysicalOperator>) override;
  duckdb::PhysicalOperator& PlanDelete(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                       duckdb::LogicalDelete&, duckdb::PhysicalOperator&) override;
  duckdb::PhysicalOperator& PlanUpdate(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                       duckdb::LogicalUpdate&, duckdb::PhysicalOperator&) override;

 private:
  void DropSchema(duckdb::ClientContext&, duckdb::DropInfo&) override;
};

class VarveSchemaEntry final : public duckdb::SchemaCatalogEntry {
 public:
  VarveSchemaEntry(VarveCatalog& catalog, duckdb::CreateSchemaInfo& info)
      : SchemaCatalogEntry(catalog, info) {}

  duckdb::optional_ptr<duckdb::CatalogEntry> LookupEntry(
      duckdb::CatalogTransaction transaction, const duckdb::EntryLookupInfo& lookup) override;
  duckdb::SimilarCatalogEntry GetSimilarEntry(duckdb::CatalogTransaction transaction,
                                              const duckdb::EntryLookupInfo& lookup) override;
  void Scan(duckdb::ClientContext& context, duckdb::CatalogType type,
            const std::function<void(duckdb::CatalogEntry&)>& callback) override;
  void Scan(duckdb::CatalogType type,
            const std::function<void(duckdb::CatalogEntry&)>& callback) override;

  using Entry = duckdb::optional_ptr<duckdb::CatalogEntry>;
  Entry CreateIndex(duckdb::CatalogTransaction, duckdb::CreateIndexInfo&,
                    duckdb::TableCatalogEntry&) override;
  Entry CreateFunction(duckdb::CatalogTransaction, duckdb::CreateFunctionInfo&) override;
  Entry CreateTable(duckdb::CatalogTransaction, duckdb::BoundCreateTableInfo&) override;
  Entry CreateView(duckdb::CatalogTransaction, duckdb::CreateViewInfo&) override;
  Entry CreateSequence(duckdb::CatalogTransaction, duckdb::CreateSequenceInfo&) override;
  Entry CreateTableFunction(duckdb::CatalogTransaction, duckdb::CreateTableFunctionInfo&) override;
  Entry CreateCopyFunction(duckdb::CatalogTransaction, duckdb::CreateCopyFunctionInfo&) override;
  Entry CreatePragmaFunction(duckdb::CatalogTransaction,
                             duckdb::CreatePragmaFunctionInfo&) override;
  Entry CreateCollation(duckdb::CatalogTransaction, duckdb::CreateCollationInfo&) override;
  Entry CreateCoordinateSystem(duckdb::CatalogTransaction,
                               duckdb::CreateCoordinateSystemInfo&) override;
  Entry CreateType(duckdb::CatalogTransaction, duckdb::CreateTypeInfo&) override;
  void DropEntry(duckdb::ClientContext&, duckdb::DropInfo&) override;
  void Alter(duckdb::CatalogTransaction, duckdb::AlterInfo&) override;
};

// What `ATTACH … (TYPE varve)` of an engine makes; the database outlives DuckDB's instance.
duckdb::shared_ptr<duckdb::StorageExtension> MakeStorageExtension(Database& database);

}  // namespace varve
