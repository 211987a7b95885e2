// What a partitioned table is to DuckDB: a view that reads all of its partitions, with the columns
// of the table. Which of them a statement needs is found later (partition_pruning.h).
#pragma once

#include <duckdb.hpp>
#include <duckdb/parser/statement/select_statement.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/table_schema.h"
#include "query/name_mapping.h"
#include "query/table_source.h"

namespace varve {

// A partition, and which version of it is read: "" = now.
struct PartitionSource {
  const TableSource* source = nullptr;
  std::string version = {};  // as VERSION AS OF takes it
  std::optional<TimestampUs> time = {};
};

// SELECT columns FROM partition UNION ALL …. `partitions` are at least one, of the table's schema;
// one that has missed an alteration has the columns of the same ids, and NULL for the others.
duckdb::unique_ptr<duckdb::SelectStatement> PartitionsQuery(
    std::string_view schema_name, const TableSchema& schema, const NameMapping& names,
    const std::vector<PartitionSource>& partitions);

}  // namespace varve
