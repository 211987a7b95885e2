// libFuzzer over the SQL parser: no text crashes it, and a query that it hands to DuckDB is one
// query.
#include <cstddef>
#include <cstdint>
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
    }
    if (const auto normal = NormalizeExpression(text, {mode})) {
      VARVE_CHECK(NormalizeExpression(*normal) == *normal, "{}", *normal);
    }
  }
  return 0;
}
