// The schema files of a snapshot: schemas, tables and views as JSON, from which an importer makes
// them again, whatever SQL it speaks.
//
// FORMAT, version 1 (extended only here and in docs/export.md; `schema_files_test.cc` pins it)
//   schema/schemas.json   {"version": 1, "schemas": [{"name"}…]}
//   schema/tables.json    {"version": 1, "tables": [TABLE…]}
//   schema/views.json     {"version": 1, "views": [{"schema", "name", "columns": [name…],
//   "query"}…]} TABLE    {"schema", "name", "engine": "Analytic", "uuid": UUID, "columns":
//   [COLUMN…],
//             "primary_key": [name…], "timestamp_key": name, "options": {name: text},
//             "partitioning"?: {"method": "KEY" | "HASH" | "RANDOM", "linear": bool,
//             "columns": [name…], "count"}}
//   COLUMN   {"id", "name", "type": as ColumnTypeName, "nullable": bool, "tag": bool,
//             "dictionary": bool, "default"?: SQL, "comment"?: text}
//            in the order of the table; the hidden column tsid is among them
//   options  as SHOW CREATE TABLE prints them; all that it leaves out is the default
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "meta/catalogue_version.h"
#include "model/partitioning.h"
#include "model/table_options.h"
#include "model/table_schema.h"

namespace varve {

inline constexpr std::string_view kSchemasPath = "schema/schemas.json";
inline constexpr std::string_view kTablesPath = "schema/tables.json";
inline constexpr std::string_view kViewsPath = "schema/views.json";

struct TableDefinition {
  std::string schema;
  std::string name;
  Uuid uuid;  // of the exported table
  TableSchema columns;
  TableOptions options;
  std::optional<PartitionClause> partition;

  // What makes a table like it; its columns have the same ids unless some have been dropped.
  TableSpec Spec() const;
};

struct SnapshotSchema {
  std::vector<std::string> schemas;
  std::vector<TableDefinition> tables;
  std::vector<ViewEntry> views;

  const TableDefinition* Find(std::string_view schema, std::string_view table) const;
};

struct SchemaText {
  std::string path;
  std::string text;
};
// All three files. Errors: kInvalidArgument when a name is not UTF-8.
Result<std::vector<SchemaText>> EncodeSchema(const SnapshotSchema& schema);
// Errors: kCorruption that names the file.
Result<SnapshotSchema> DecodeSchema(std::string_view schemas, std::string_view tables,
                                    std::string_view views);

// The clause that makes a table of the partitioning.
PartitionClause ClauseOf(const Partitioning& partitioning, const TableSchema& schema);

}  // namespace varve
