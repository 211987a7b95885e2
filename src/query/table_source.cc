#include "query/table_source.h"

#include "query/duckdb_bridge.h"
#include "query/duckdb_types.h"

namespace varve {

TableSource::TableSource(const Table& table, const NameMapping& names, ScanResources& resources)
    : view(OrThrow(table.View())), name(table.name()), resources(resources) {
  column_names.reserve(schema().columns().size());
  column_types.reserve(schema().columns().size());
  for (const ColumnSchema& column : schema().columns()) {
    column_names.push_back(names.ToDuckDb(column.name));
    column_types.push_back(DuckDbType(column.type));
  }
}

std::shared_ptr<const DeletionVector> TableSource::Deletions(const DeletionVectorMeta& meta) const {
  if (auto cached = resources.deletion_vectors.Find(meta.path)) {
    return *std::move(cached);
  }
  auto vector =
      std::make_shared<const DeletionVector>(OrThrow(ReadDeletionVector(*resources.store, meta)));
  resources.deletion_vectors.Insert(meta.path, vector, meta.size_bytes);
  return vector;
}

}  // namespace varve
