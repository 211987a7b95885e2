// TableSource: one table as one statement sees it: a ReadView, the columns under the names that
// DuckDB knows them by. Every reference to the table in the statement shares it.
#pragma once

#include <duckdb.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/function/table_function.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/read_view.h"
#include "engine/row_selection.h"
#include "engine/table.h"
#include "query/name_mapping.h"
#include "query/partition_pruning.h"

namespace varve {

// A column beside the table's that says where a row is: which file of the version (in the order of
// Version::files), and in its low bits which row of it. Only DELETE has it; its name is none that
// a query may write.
inline constexpr duckdb::column_t kRowPlaceColumn =
    (duckdb::column_t{1} << 63) + 1000;  // DuckDB keeps the upper half for such columns
inline constexpr const char* kRowPlaceName = "\x01row_place";
inline constexpr int kRowPlaceBits = 40;  // a file has fewer rows than 2^40

enum class RowPlaces : uint8_t { kHidden, kShown };

class TableSource final : public duckdb::TableFunctionInfo {
 public:
  TableSource(const Table& table, const NameMapping& names);
  // As it was in the view.
  TableSource(const Table& table, const NameMapping& names, ReadView view, RowPlaces row_places);

  const ReadView view;
  const std::string name;
  const RowPlaces row_places;
  std::vector<std::string> column_names;  // DuckDB's, in schema order
  std::vector<duckdb::LogicalType> column_types;
  // Set by the catalogue entry that owns this; the entry lives as long as the transaction.
  duckdb::optional_ptr<duckdb::TableCatalogEntry> entry;
  std::optional<PartitionPlace> partition;  // of a partition of a table
  // Which rows a scan gives, before its filters; nullptr: all.
  std::shared_ptr<const RowSelection> only_rows;
  // In which order a scan hands out files and rows in memory, by their times.
  enum class Order : uint8_t { kOldestFirst, kNewestFirst } order = Order::kOldestFirst;

  const TableSchema& schema() const { return *view.schema; }
  size_t time_index() const { return view.schema->timestamp_index(); }
};

}  // namespace varve
