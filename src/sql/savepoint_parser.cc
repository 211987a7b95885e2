// Savepoints, ROLLBACK TABLE, UNDROP TABLE, and which version of a table is meant.
#include <algorithm>
#include <array>
#include <utility>

#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

constexpr size_t kTablesMax = 10'000;  // of one statement

// A name or a number, bare or in quotes.
Result<std::string> ExpectSavepoint(Cursor& cursor) {
  if (cursor.AtString()) {
    return cursor.ExpectString("the name or the number of a savepoint");
  }
  if (cursor.token().kind == TokenKind::kNumber) {
    std::string number(cursor.token().text);
    cursor.Advance();
    return number;
  }
  return cursor.ExpectName("savepoint");
}

// '2024-01-01T00:00:00Z', TIMESTAMP '...', milliseconds.
Result<std::string> ExpectTime(Cursor& cursor) {
  if (cursor.token().kind == TokenKind::kNumber) {
    std::string number(cursor.token().text);
    cursor.Advance();
    return number;
  }
  cursor.TakeKeyword("TIMESTAMP");
  return cursor.ExpectString("a time in single quotes, like '2024-01-01T00:00:00Z'");
}

struct Unit {
  std::string_view word;
  std::string_view suffix;
};
constexpr std::array<Unit, 8> kUnits = {{{"SECOND", "s"},
                                         {"MINUTE", "m"},
                                         {"HOUR", "h"},
                                         {"DAY", "d"},
                                         {"SECONDS", "s"},
                                         {"MINUTES", "m"},
                                         {"HOURS", "h"},
                                         {"DAYS", "d"}}};

// "30 days" is "30d", as durations are written elsewhere.
std::string WithoutUnitWord(std::string text) {
  const size_t blank = text.find_last_of(' ');
  if (blank == std::string::npos) {
    return text;
  }
  const auto unit = std::ranges::find_if(
      kUnits, [&](const Unit& u) { return IsKeyword(text.substr(blank + 1), u.word); });
  return unit == kUnits.end() ? text : text.substr(0, blank) + std::string(unit->suffix);
}

// '30d', INTERVAL '30 days', INTERVAL 30 DAY, 30 DAYS
Result<std::string> ExpectInterval(Cursor& cursor) {
  cursor.TakeKeyword("INTERVAL");
  std::string text;
  if (cursor.token().kind == TokenKind::kNumber) {
    text = cursor.token().text;
    cursor.Advance();
  } else {
    VARVE_ASSIGN(text,
                 cursor.ExpectString("a duration, like '30d', INTERVAL '12 hours' or 30 DAYS"));
    text = WithoutUnitWord(std::move(text));
  }
  for (const Unit& unit : kUnits) {
    if (cursor.TakeKeyword(unit.word)) {
      return text + std::string(unit.suffix);
    }
  }
  return text;
}

// Behind the words that say that a version follows: VERSION n, TIMESTAMP ts, SAVEPOINT s.
Result<VersionText> ExpectVersion(Cursor& cursor) {
  if (cursor.TakeKeyword("VERSION")) {
    VARVE_ASSIGN(std::string text, ExpectSavepoint(cursor));
    return VersionText{VersionText::Kind::kVersion, std::move(text)};
  }
  if (cursor.TakeKeyword("TIMESTAMP")) {
    VARVE_ASSIGN(std::string text, ExpectTime(cursor));
    return VersionText{VersionText::Kind::kTimestamp, std::move(text)};
  }
  if (cursor.TakeKeyword("SAVEPOINT")) {
    VARVE_ASSIGN(std::string text, ExpectSavepoint(cursor));
    return VersionText{VersionText::Kind::kSavepoint, std::move(text)};
  }
  return cursor.Expected("VERSION, TIMESTAMP or SAVEPOINT");
}

Result<std::optional<TableName>> ParseForTable(Cursor& cursor) {
  if (!cursor.TakeKeyword("FOR")) {
    return std::nullopt;
  }
  VARVE_TRY(cursor.ExpectKeyword("TABLE"));
  VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
  return name;
}

Status ParseScope(Cursor& cursor, CreateSavepointStatement& out) {
  if (cursor.TakeKeyword("DATABASE")) {
    return {};
  }
  if (cursor.TakeKeyword("SCHEMA")) {
    VARVE_ASSIGN(out.schema, ExpectSchemaName(cursor));
    return {};
  }
  if (!cursor.TakeKeyword("TABLE")) {
    return cursor.Expected("TABLE, SCHEMA or DATABASE");
  }
  do {
    if (out.tables.size() == kTablesMax) {
      return cursor.Invalid(cursor.token().offset,
                            fmt::format("At most {} tables can be named", kTablesMax));
    }
    VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
    out.tables.push_back(std::move(name));
  } while (cursor.TakeSymbol(','));
  return {};
}

}  // namespace

Result<Statement> ParseCreateSavepoint(Cursor& cursor) {
  CreateSavepointStatement out;
  const auto at_clause = [&] {
    return cursor.AtEnd() || cursor.AtKeyword("FOR") || cursor.AtKeyword("AS") ||
           cursor.AtKeyword("RETAIN") || cursor.AtKeyword("LOCK");
  };
  if (!at_clause()) {
    VARVE_ASSIGN(out.name, ExpectSavepoint(cursor));
  }
  if (cursor.TakeKeyword("FOR")) {
    VARVE_TRY(ParseScope(cursor, out));
  }
  if (cursor.TakeKeyword("AS")) {
    VARVE_TRY(cursor.ExpectKeyword("OF"));
    VARVE_ASSIGN(out.as_of, ExpectVersion(cursor));
  }
  if (cursor.TakeKeyword("RETAIN")) {
    VARVE_ASSIGN(out.retain, ExpectInterval(cursor));
  }
  if (cursor.TakeKeyword("LOCK")) {
    VARVE_TRY(cursor.ExpectKeyword("UNTIL"));
    VARVE_ASSIGN(out.lock_until, ExpectTime(cursor));
  }
  return out;
}

Result<Statement> ParseDropSavepoint(Cursor& cursor) {
  DropSavepointStatement out;
  VARVE_ASSIGN(out.if_missing, ParseIfExists(cursor));
  VARVE_ASSIGN(out.savepoint, ExpectSavepoint(cursor));
  VARVE_ASSIGN(out.table, ParseForTable(cursor));
  return out;
}

Result<Statement> ParseAlterSavepoint(Cursor& cursor) {
  using Change = AlterSavepointStatement::Change;
  AlterSavepointStatement out;
  VARVE_ASSIGN(out.savepoint, ExpectSavepoint(cursor));
  VARVE_ASSIGN(out.table, ParseForTable(cursor));
  VARVE_TRY(cursor.ExpectKeyword("SET"));
  if (cursor.TakeKeyword("LOCK")) {
    cursor.TakeKeyword("UNTIL");
    out.change = Change::kLock;
    VARVE_ASSIGN(out.value, ExpectTime(cursor));
    return out;
  }
  if (!cursor.TakeKeyword("RETAIN")) {
    return cursor.Expected("RETAIN or LOCK");
  }
  if (cursor.TakeKeyword("FOREVER")) {
    out.change = Change::kRetainForever;
    return out;
  }
  VARVE_ASSIGN(out.value, ExpectInterval(cursor));
  return out;
}

Result<Statement> ParseShowSavepoints(Cursor& cursor) {
  ShowSavepointsStatement out;
  VARVE_ASSIGN(out.table, ParseForTable(cursor));
  return out;
}

Result<Statement> ParseRollback(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectKeyword("TABLE"));
  RollbackTableStatement out;
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  VARVE_TRY(cursor.ExpectKeyword("TO"));
  VARVE_ASSIGN(out.to, ExpectVersion(cursor));
  return out;
}

Result<Statement> ParseUndrop(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectKeyword("TABLE"));
  UndropTableStatement out;
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  out.new_name = out.name.table;
  if (cursor.TakeKeyword("AS")) {
    VARVE_ASSIGN(out.new_name, cursor.ExpectName("table"));
  }
  return out;
}

Result<std::optional<VersionText>> ParseAsOf(Cursor& cursor) {
  const bool has_for = cursor.TakeKeyword("FOR");
  std::optional<VersionText::Kind> kind;
  if (cursor.TakeKeyword("VERSION") || cursor.TakeKeyword("SYSTEM_VERSION")) {
    kind = VersionText::Kind::kVersion;
  } else if (cursor.TakeKeyword("TIMESTAMP") || cursor.TakeKeyword("SYSTEM_TIME")) {
    kind = VersionText::Kind::kTimestamp;
  } else if (!has_for) {
    return std::nullopt;
  } else {
    return cursor.Expected("VERSION, TIMESTAMP, SYSTEM_VERSION or SYSTEM_TIME");
  }
  VARVE_TRY(cursor.ExpectKeyword("AS"));
  VARVE_TRY(cursor.ExpectKeyword("OF"));
  VARVE_ASSIGN(std::string text,
               *kind == VersionText::Kind::kVersion ? ExpectSavepoint(cursor) : ExpectTime(cursor));
  return VersionText{*kind, std::move(text)};
}

}  // namespace varve
