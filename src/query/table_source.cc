#include "query/table_source.h"

#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"

namespace varve {

TableSource::TableSource(const Table& table, const NameMapping& names)
    : TableSource(table, names, OrThrow(table.View()), RowPlaces::kHidden) {}

TableSource::TableSource(const Table& table, const NameMapping& names, ReadView view,
                         RowPlaces row_places)
    : view(std::move(view)), name(table.name()), row_places(row_places) {
  column_names.reserve(schema().columns().size());
  column_types.reserve(schema().columns().size());
  for (const ColumnSchema& column : schema().columns()) {
    column_names.push_back(names.ToDuckDb(column.name));
    column_types.push_back(DuckDbType(column.type));
  }
}

}  // namespace varve
