#include "main/savepoint_command.h"

#include <algorithm>

#include "query/name_text.h"
#include "sql/cursor.h"
#include "sql/error_text.h"
#include "sql/rewrite.h"

namespace varve {
namespace {

// The name of a table, in quotes, so that it is nothing else.
Result<std::string> TableText(const std::string& text) {
  VARVE_TRY(CheckText(text));
  Cursor cursor(text, DoubleQuotes::kString);
  auto name = cursor.ExpectTableName();
  if (!name || cursor.token().kind != TokenKind::kEnd) {
    return InvalidArgument(
        "'{}' is no name of a table: it is table or schema.table, and what is no "
        "word stands in back quotes",
        text);
  }
  std::string out;
  for (const std::string& part : {name->catalog, name->schema, name->table}) {
    if (!part.empty()) {
      out += (out.empty() ? "" : ".") + QuotedName(part);
    }
  }
  return out;
}

// " FOR TABLE a, b"; "": of no table in particular.
Result<std::string> ForTables(const std::vector<std::string>& tables) {
  std::string out;
  for (const std::string& table : tables) {
    VARVE_ASSIGN(const std::string text, TableText(table));
    out += (out.empty() ? " FOR TABLE " : ", ") + text;
  }
  return out;
}

Result<std::string> ForOneTable(const SavepointArguments& arguments) {
  if (arguments.tables.size() > 1) {
    return InvalidArgument("one table can be named here, not {}", arguments.tables.size());
  }
  return ForTables(arguments.tables);
}

void AddText(std::string& sql, std::string_view words, const std::optional<std::string>& text) {
  if (text) {
    sql += fmt::format(" {} {}", words, QuoteString(*text));
  }
}

}  // namespace

Result<std::string> CreateSavepointSql(const SavepointArguments& arguments) {
  std::string sql = "CREATE SAVEPOINT";
  if (!arguments.name.empty()) {
    sql += " " + QuoteString(arguments.name);
  }
  if (arguments.schema) {
    sql += " FOR SCHEMA " + QuotedName(*arguments.schema);
  } else {
    VARVE_ASSIGN(const std::string tables, ForTables(arguments.tables));
    sql += tables;
  }
  AddText(sql, "AS OF VERSION", arguments.as_of);
  AddText(sql, "AS OF TIMESTAMP", arguments.as_of_time);
  AddText(sql, "RETAIN", arguments.retain);
  AddText(sql, "LOCK UNTIL", arguments.lock_until);
  return sql;
}

Result<std::string> DropSavepointSql(const SavepointArguments& arguments) {
  VARVE_ASSIGN(const std::string table, ForOneTable(arguments));
  return "DROP SAVEPOINT " + QuoteString(arguments.name) + table;
}

Result<std::string> ListSavepointsSql(const SavepointArguments& arguments) {
  VARVE_ASSIGN(const std::string table, ForOneTable(arguments));
  return "SHOW SAVEPOINTS" + table;
}

}  // namespace varve
