// The scan of a Varve table as a table function of DuckDB: over the table's files and its rows in
// memory.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/planner/operator/logical_get.hpp>

#include "query/table_source.h"

namespace varve {

// The scan function and its bind data, as TableCatalogEntry::GetScanFunction answers.
// Throws what reading deletion vectors answers.
duckdb::TableFunction MakeScan(duckdb::shared_ptr<TableSource> source,
                               duckdb::unique_ptr<duckdb::FunctionData>& bind_data);

// What a scan that MakeScan made reads; nullptr: it is another's scan.
duckdb::shared_ptr<TableSource> ScannedTable(const duckdb::LogicalGet& get);
// Has the scan read that source instead: the same table, otherwise restricted or ordered. Before
// filters have been pushed into it.
void ReplaceSource(duckdb::ClientContext& context, duckdb::LogicalGet& get,
                   duckdb::shared_ptr<TableSource> source);

// The columns a scan has beside the table's: the one without a name that stands for "no column", as
// in count(*), and the places of rows where the source shows them.
duckdb::virtual_column_map_t ScanVirtualColumns(const TableSource& source);

// Whether it is the scan of a partition that holds no row which passes the filters.
bool IsLeftOut(const duckdb::LogicalGet& get);

}  // namespace varve
