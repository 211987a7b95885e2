// Varve's column types in DuckDB's words.
#pragma once

#include <duckdb.hpp>

#include "model/column_type.h"

namespace varve {

duckdb::LogicalType DuckDbType(ColumnType type);

// Whether files keep the type as a wider one (see sst_writer.h), so that reading casts.
bool IsWidenedInFiles(ColumnType type);

}  // namespace varve
