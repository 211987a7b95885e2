// libFuzzer over the SQL parser: no text crashes it, and a query that it hands to DuckDB is one
// query.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "sql/default_expression.h"
#include "sql/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace varve;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const DoubleQuotes mode : {DoubleQuotes::kString, DoubleQuotes::kIdentifier}) {
    const auto statements = ParseSql(text, {mode});
    if (!statements) {
      VARVE_CHECK(statements.error().message.ends_with('^'), "{}", statements.error().message);
      continue;
    }
    for (const Statement& statement : *statements) {
      if (const auto* query = std::get_if<QueryStatement>(&statement)) {
        const auto again = ParseSql(query->sql, {DoubleQuotes::kIdentifier});
        VARVE_CHECK(again && again->size() == 1, "{}", query->sql);
      }
      if (const auto* view = std::get_if<CreateViewStatement>(&statement)) {
        const auto again = ParseSql("CREATE VIEW v AS " + view->query, {mode});
        VARVE_CHECK(again && again->size() == 1, "{}", view->query);
      }
      if (const auto* rows = std::get_if<DeleteStatement>(&statement); rows && rows->where) {
        const std::string sql = "SELECT 1 WHERE (" + *rows->where + ")";
        const auto again = ParseSql(sql, {DoubleQuotes::kIdentifier});
        VARVE_CHECK(again && again->size() == 1, "{}", sql);
      }
    }
    if (const auto normal = NormalizeExpression(text, {mode})) {
      VARVE_CHECK(NormalizeExpression(*normal) == *normal, "{}", *normal);
    }
  }
  return 0;
}
