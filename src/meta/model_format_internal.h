// The values of model/ as JSON: FILE, VECTOR, SCHEMA and OPTIONS of version_format.h. Private to
// this folder. Errors of all reads: kCorruption that says what is wrong.
#pragma once

#include "meta/json_internal.h"
#include "model/file_meta.h"
#include "model/table_options.h"
#include "model/table_schema.h"

namespace varve {

Json FileToJson(const FileMeta& file);
Result<FileMeta> FileFromJson(const Json& json);

Json VectorToJson(const DeletionVectorMeta& vector);
Result<DeletionVectorMeta> VectorFromJson(const Json& json);

Json SchemaToJson(const TableSchema& schema);
Result<TableSchema> SchemaFromJson(const Json& json);

Json OptionsToJson(const TableOptions& options);
Result<TableOptions> OptionsFromJson(const Json& json);

}  // namespace varve
