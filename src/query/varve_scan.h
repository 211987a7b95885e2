// The scan of a Varve table: DuckDB's Parquet scan over the table's files and, as further "files",
// its memtables.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/table_function.hpp>

#include "query/table_source.h"

namespace varve {

// The scan function and its bind data, as TableCatalogEntry::GetScanFunction answers.
duckdb::TableFunction MakeScan(duckdb::ClientContext& context,
                               duckdb::shared_ptr<TableSource> source,
                               duckdb::unique_ptr<duckdb::FunctionData>& bind_data);

// The columns a scan has beside the table's: only the one without a name that stands for "no
// column", as in count(*).
duckdb::virtual_column_map_t ScanVirtualColumns();

// What is known about a column without reading; nullptr: nothing.
duckdb::unique_ptr<duckdb::BaseStatistics> ColumnStatistics(const TableSource& source,
                                                            duckdb::idx_t column);

}  // namespace varve
