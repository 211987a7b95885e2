// Schemas that follow another one: what ALTER TABLE makes of columns that are there. Column ids
// stay, so that what is in files is still found by them; an id that has gone is never given again.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/table_schema.h"

namespace varve {

// Errors: kInvalidArgument for a column that is not there, `tsid` and a bad name; kAlreadyExists
// for a name that is taken.
Result<TableSchema> WithColumnRenamed(const TableSchema& schema, std::string_view from,
                                      std::string_view to);

// Errors: kInvalidArgument for a column that is not there, and for one that the table depends on:
// of the primary key, the timestamp key, or a tag that rows are told apart by (tsid is computed
// from it).
Result<TableSchema> WithColumnsDropped(const TableSchema& schema,
                                       std::span<const std::string> names);

}  // namespace varve
