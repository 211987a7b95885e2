#include <utility>

#include "sql/keywords.h"
#include "sql/rewrite.h"
#include "sql/statement_parsers.h"

namespace varve {
Result<Statement> ParseDescribe(Cursor& cursor) {
  cursor.TakeKeyword("TABLE");
  VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
  return DescribeStatement{std::move(name)};
}

Result<Statement> ParseShow(Cursor& cursor) {
  if (cursor.TakeKeyword("TABLES")) {
    ShowTablesStatement out;
    if (!cursor.AtEnd()) {
      VARVE_TRY(cursor.ExpectKeyword("LIKE"));
      VARVE_ASSIGN(out.pattern, cursor.ExpectString("a pattern in single quotes, like 'cpu%'"));
    }
    return out;
  }
  if (cursor.TakeKeyword("DATABASES") || cursor.TakeKeyword("SCHEMAS")) {
    return ShowDatabasesStatement{};
  }
  if (cursor.TakeKeyword("SAVEPOINTS")) {
    return ParseShowSavepoints(cursor);
  }
  if (cursor.TakeKeyword("ALL")) {
    return ShowSettingsStatement{};
  }
  // The names of all settings have an underscore, other words after SHOW have none.
  if (cursor.token().kind == TokenKind::kWord &&
      cursor.token().text.find('_') != std::string_view::npos) {
    VARVE_ASSIGN(std::string name, cursor.ExpectName("setting"));
    return ShowSettingsStatement{std::move(name)};
  }
  if (cursor.TakeKeyword("CREATE")) {
    if (cursor.TakeKeyword("TABLE")) {
      VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
      return ShowCreateTableStatement{std::move(name)};
    }
    if (cursor.TakeKeyword("VIEW")) {
      VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
      return ShowCreateViewStatement{std::move(name)};
    }
    return cursor.Expected("TABLE or VIEW");
  }
  if (cursor.token().kind == TokenKind::kWord) {
    return UnsupportedStatement(cursor, "SHOW");
  }
  return cursor.Expected("TABLES, DATABASES, CREATE TABLE or CREATE VIEW");
}

Result<Statement> ParseExists(Cursor& cursor) {
  cursor.TakeKeyword("TABLE");
  VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
  return ExistsStatement{std::move(name)};
}

Result<Statement> ParseUse(Cursor& cursor) {
  VARVE_ASSIGN(SchemaName name, ExpectSchemaName(cursor));
  return UseStatement{std::move(name)};
}

Result<Statement> ParseCompact(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectKeyword("TABLE"));
  VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
  return CompactTableStatement{std::move(name)};
}

Result<Statement> ParseExplain(Cursor& cursor) {
  ExplainStatement out;
  if (cursor.TakeKeyword("VERBOSE")) {
    out.kind = ExplainStatement::Kind::kVerbose;
  } else if (cursor.TakeKeyword("ANALYZE")) {
    out.kind = ExplainStatement::Kind::kAnalyze;
  }
  if (!cursor.AtQuery()) {
    return cursor.Expected("a query (SELECT, WITH, FROM, VALUES)");
  }
  VARVE_ASSIGN(out.sql, RewriteQuery(cursor));
  return out;
}

}  // namespace varve
