// `varve savepoint`: savepoints from the command line, as the SQL statements that make, list and
// drop them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace varve {

struct SavepointArguments {
  std::string name;                 // "": none
  std::vector<std::string> tables;  // [schema.]table, as it stands in a statement
  std::optional<std::string> schema;
  std::optional<std::string> as_of;  // 42, snapshot.42, savepoint.x
  std::optional<std::string> as_of_time;
  std::optional<std::string> retain;  // a duration
  std::optional<std::string> lock_until;
};

// The statement that makes the savepoint. Errors: kInvalidArgument for what is no name of a table.
Result<std::string> CreateSavepointSql(const SavepointArguments& arguments);
// That drops the savepoint `name`, of all tables that have it, or of the one table.
Result<std::string> DropSavepointSql(const SavepointArguments& arguments);
// That lists those of all tables, or of the one table.
Result<std::string> ListSavepointsSql(const SavepointArguments& arguments);

}  // namespace varve
