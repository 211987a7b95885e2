// TableSource: one table as one statement sees it: a ReadView, the columns under the names that
// DuckDB knows them by. Every reference to the table in the statement shares it.
#pragma once

#include <duckdb.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <memory>
#include <string>
#include <vector>

#include "engine/read_view.h"
#include "engine/row_selection.h"
#include "engine/table.h"
#include "query/name_mapping.h"

namespace varve {

class TableSource final : public duckdb::TableFunctionInfo {
 public:
  TableSource(const Table& table, const NameMapping& names);

  const ReadView view;
  const std::string name;
  std::vector<std::string> column_names;  // DuckDB's, in schema order
  std::vector<duckdb::LogicalType> column_types;
  // Set by the catalogue entry that owns this; the entry lives as long as the transaction.
  duckdb::optional_ptr<duckdb::TableCatalogEntry> entry;
  // Which rows a scan gives, before its filters; nullptr: all.
  std::shared_ptr<const RowSelection> only_rows;
  // In which order a scan hands out files and rows in memory, by their times.
  enum class Order : uint8_t { kOldestFirst, kNewestFirst } order = Order::kOldestFirst;

  const TableSchema& schema() const { return *view.schema; }
  size_t time_index() const { return view.schema->timestamp_index(); }
};

}  // namespace varve
