// ALTER TABLE.
#include <utility>

#include "sql/column_parser.h"
#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/options_parser.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

Result<ColumnSchema> ParseAddedColumn(Cursor& cursor) {
  VARVE_ASSIGN(ColumnDeclaration declared, ParseColumn(cursor));
  const std::optional<size_t> key =
      declared.timestamp_key_offset ? declared.timestamp_key_offset : declared.primary_key_offset;
  if (key) {
    return cursor.Invalid(*key,
                          "The keys of a table are given when it is created: an added column "
                          "cannot be one");
  }
  return std::move(declared.column);
}

Result<Statement> ParseAddColumn(Cursor& cursor, TableName name, IfMissing if_missing) {
  AddColumnsStatement out{std::move(name), if_missing, {}};
  if (!cursor.TakeSymbol('(')) {
    VARVE_ASSIGN(ColumnSchema column, ParseAddedColumn(cursor));
    out.columns.push_back(std::move(column));
    return out;
  }
  do {
    if (cursor.AtSymbol(')') && !out.columns.empty()) {
      break;  // a comma behind the last column
    }
    if (out.columns.size() == kColumnsMax) {
      return cursor.Invalid(cursor.token().offset,
                            fmt::format("A table has at most {} columns", kColumnsMax));
    }
    VARVE_ASSIGN(ColumnSchema column, ParseAddedColumn(cursor));
    out.columns.push_back(std::move(column));
  } while (cursor.TakeSymbol(','));
  VARVE_TRY(cursor.ExpectSymbol(')'));
  return out;
}

// RENAME TO u, RENAME [COLUMN] a TO b
Result<Statement> ParseRename(Cursor& cursor, TableName name, IfMissing if_missing) {
  if (cursor.TakeKeyword("TO")) {
    VARVE_ASSIGN(std::string new_name, cursor.ExpectName("table"));
    if (cursor.AtSymbol('.')) {
      return cursor.Unsupported(cursor.token().offset,
                                "A table stays in its schema: RENAME TO takes a name without one");
    }
    return RenameTableStatement{std::move(name), if_missing, std::move(new_name)};
  }
  cursor.TakeKeyword("COLUMN");
  RenameColumnStatement out{std::move(name), if_missing, {}, {}};
  VARVE_ASSIGN(out.column, cursor.ExpectName("column"));
  VARVE_TRY(cursor.ExpectKeyword("TO"));
  VARVE_ASSIGN(out.new_name, cursor.ExpectName("column"));
  return out;
}

// [COLUMN] [IF EXISTS] a [, DROP [COLUMN] b]..., COLUMN (a, b)
Result<Statement> ParseDropColumn(Cursor& cursor, TableName name, IfMissing if_missing) {
  DropColumnsStatement out{std::move(name), if_missing, {}, IfMissing::kFail};
  do {
    if (!out.columns.empty()) {
      VARVE_TRY(cursor.ExpectKeyword("DROP"));
    }
    cursor.TakeKeyword("COLUMN");
    VARVE_ASSIGN(const IfMissing if_column_missing, ParseIfExists(cursor));
    if (if_column_missing == IfMissing::kIgnore) {
      out.if_column_missing = if_column_missing;
    }
    if (cursor.AtSymbol('(')) {
      VARVE_ASSIGN(std::vector<std::string> names, ParseNameList(cursor, "column"));
      out.columns.insert(out.columns.end(), names.begin(), names.end());
      continue;
    }
    VARVE_ASSIGN(std::string column, cursor.ExpectName("column"));
    out.columns.push_back(std::move(column));
  } while (cursor.TakeSymbol(','));
  return out;
}

}  // namespace

Result<Statement> ParseAlter(Cursor& cursor) {
  if (cursor.TakeKeyword("SAVEPOINT")) {
    return ParseAlterSavepoint(cursor);
  }
  if (!cursor.TakeKeyword("TABLE")) {
    if (cursor.token().kind == TokenKind::kWord) {
      return UnsupportedStatement(cursor, "ALTER");
    }
    return cursor.Expected("TABLE");
  }
  VARVE_ASSIGN(const IfMissing if_missing, ParseIfExists(cursor));
  VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
  if (cursor.AtKeywords("ADD", "COLUMN")) {
    cursor.Advance();
    cursor.Advance();
    return ParseAddColumn(cursor, std::move(name), if_missing);
  }
  if (cursor.AtKeywords("MODIFY", "SETTING")) {
    cursor.Advance();
    cursor.Advance();
    VARVE_ASSIGN(OptionMap options, ParseTableOptions(cursor));
    return ModifySettingStatement{std::move(name), if_missing, std::move(options)};
  }
  if (cursor.TakeKeyword("RENAME")) {
    return ParseRename(cursor, std::move(name), if_missing);
  }
  if (cursor.TakeKeyword("DROP")) {
    return ParseDropColumn(cursor, std::move(name), if_missing);
  }
  for (const std::string_view word : {"ALTER", "SET", "RESET", "CHANGE"}) {
    if (cursor.AtKeyword(word)) {
      return UnsupportedStatement(cursor, "ALTER TABLE ...");
    }
  }
  return cursor.Expected("ADD COLUMN, DROP COLUMN, RENAME TO, RENAME COLUMN or MODIFY SETTING");
}

}  // namespace varve
