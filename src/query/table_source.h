// TableSource: one table as one statement sees it: a ReadView, the columns under the names that
// DuckDB knows them by, and how to reach files. Every reference to the table in the statement
// shares it.
#pragma once

#include <atomic>
#include <duckdb.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine/read_view.h"
#include "engine/table.h"
#include "query/lru_cache.h"
#include "query/name_mapping.h"
#include "sst/deletion_vector.h"
#include "store/object_store.h"

namespace varve {

// Deletion vectors are small next to data; this holds those of thousands of files.
inline constexpr uint64_t kDeletionVectorCacheBytes = uint64_t{64} << 20;

// What all scans of an engine share. Thread-safe.
struct ScanResources {
  ObjectStore* store = nullptr;
  std::string file_prefix;  // of data files in DuckDB's file system, ends with '/'
  LruCache<std::shared_ptr<const DeletionVector>> deletion_vectors{kDeletionVectorCacheBytes};
  // DuckDB's own Parquet scan, taken before the fence removed it from the catalogue.
  duckdb::TableFunction parquet_scan;
};

class TableSource final : public duckdb::TableFunctionInfo {
 public:
  TableSource(const Table& table, const NameMapping& names, ScanResources& resources);

  const ReadView view;
  const std::string name;
  ScanResources& resources;
  std::vector<std::string> column_names;  // DuckDB's, in schema order
  std::vector<duckdb::LogicalType> column_types;
  // Set by the catalogue entry that owns this; the entry lives as long as the transaction.
  duckdb::optional_ptr<duckdb::TableCatalogEntry> entry;

  const TableSchema& schema() const { return *view.schema; }
  size_t time_index() const { return view.schema->timestamp_index(); }
  // Throws what the store answers.
  std::shared_ptr<const DeletionVector> Deletions(const DeletionVectorMeta& meta) const;
};

}  // namespace varve
