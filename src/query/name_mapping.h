// NameMapping: how column names that differ by case only get past DuckDB, which ignores case. Varve
// does not: a table may have the columns `a` and `A`.
//
// In each statement, of the spellings that collide the first keeps its name and the others get a
// suffix that no identifier can hold (a control character and a number). What DuckDB calls the
// columns of its results is mapped back. Statements over tables without such columns, nearly all,
// have an empty mapping.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/table_schema.h"

namespace varve {

// A value.
class NameMapping {
 public:
  // Adds the collisions within one table. Spellings that are mapped already keep their suffix.
  void Add(const TableSchema& schema);

  bool empty() const { return suffixed_.empty(); }
  // The name that DuckDB shall see for the column or reference that is spelt like that.
  std::string ToDuckDb(std::string_view name) const;
  // Takes all suffixes out of a name or an expression's text.
  static std::string FromDuckDb(std::string_view text);

  bool operator==(const NameMapping&) const = default;

 private:
  std::map<std::string, std::string, std::less<>> suffixed_;  // spelling -> name for DuckDB
};

}  // namespace varve
