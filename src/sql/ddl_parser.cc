#include <utility>

#include "sql/column_parser.h"
#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/options_parser.h"
#include "sql/partition_parser.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

constexpr std::string_view kDefaultEngine = "Analytic";

Result<std::string> ParseEngine(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectSymbol('='));
  if (cursor.AtString()) {
    return cursor.ExpectString("the name of an engine");
  }
  VARVE_ASSIGN(std::string engine, cursor.ExpectName("engine"));
  return IsKeyword(engine, "ANALYTIC") ? std::string(kDefaultEngine) : engine;
}

class CreateTableParser {
 public:
  explicit CreateTableParser(Cursor& cursor) : cursor_(cursor) {}

  Result<Statement> Run() {
    VARVE_ASSIGN(out_.if_present, ParseIfNotExists(cursor_));
    VARVE_ASSIGN(out_.name, cursor_.ExpectTableName());
    if (cursor_.AtKeyword("AS")) {
      return cursor_.Unsupported(cursor_.token().offset,
                                 "Unsupported SQL statement: CREATE TABLE AS. Declare the columns, "
                                 "then fill the table with INSERT INTO ... SELECT");
    }
    if (cursor_.TakeKeyword("CLONE")) {
      CloneTableStatement clone{std::move(out_.name), out_.if_present, {}, {}};
      VARVE_ASSIGN(clone.source, cursor_.ExpectTableName());
      VARVE_ASSIGN(clone.as_of, ParseAsOf(cursor_));
      return clone;
    }
    VARVE_TRY(cursor_.ExpectSymbol('('));
    do {
      if (cursor_.AtSymbol(')') && !out_.spec.columns.empty()) {
        break;  // a comma behind the last item
      }
      VARVE_TRY(ParseItem());
    } while (cursor_.TakeSymbol(','));
    VARVE_TRY(cursor_.ExpectSymbol(')'));
    VARVE_TRY(ParseTail());
    return std::move(out_);
  }

 private:
  Status ParseItem() {
    bool named = false;
    if (cursor_.TakeKeyword("CONSTRAINT")) {
      VARVE_TRY(cursor_.ExpectName("constraint"));
      named = true;
    }
    const size_t offset = cursor_.token().offset;
    if (cursor_.AtKeywords("PRIMARY", "KEY") || cursor_.AtKeywords("TIMESTAMP", "KEY")) {
      return ParseKeyConstraint();
    }
    for (const std::string_view word : {"UNIQUE", "CHECK", "FOREIGN"}) {
      if (cursor_.AtKeyword(word)) {
        return cursor_.Unsupported(offset, fmt::format("Unsupported constraint: {}", word));
      }
    }
    if (named) {
      return cursor_.Expected("PRIMARY KEY or TIMESTAMP KEY");
    }
    if (out_.spec.columns.size() == kColumnsMax) {
      return cursor_.Invalid(offset, fmt::format("A table has at most {} columns", kColumnsMax));
    }
    VARVE_ASSIGN(ColumnDeclaration declared, ParseColumn(cursor_));
    if (declared.timestamp_key_offset) {
      VARVE_TRY(SetTimestampKey(declared.column.name, *declared.timestamp_key_offset));
    }
    if (declared.primary_key_offset) {
      VARVE_TRY(SetPrimaryKey({declared.column.name}, *declared.primary_key_offset));
    }
    out_.spec.columns.push_back(std::move(declared.column));
    return {};
  }

  Status ParseKeyConstraint() {
    const size_t offset = cursor_.token().offset;
    const bool primary = cursor_.AtKeyword("PRIMARY");
    cursor_.Advance();
    cursor_.Advance();
    VARVE_ASSIGN(std::vector<std::string> names, ParseNameList(cursor_, "column"));
    if (primary) {
      return SetPrimaryKey(std::move(names), offset);
    }
    if (names.size() != 1) {
      return cursor_.Invalid(offset, kOneTimestampKey);
    }
    return SetTimestampKey(std::move(names[0]), offset);
  }

  Status SetTimestampKey(std::string name, size_t offset) {
    if (out_.spec.timestamp_key) {
      return cursor_.Invalid(offset, kOneTimestampKey);
    }
    out_.spec.timestamp_key = std::move(name);
    return {};
  }

  Status SetPrimaryKey(std::vector<std::string> names, size_t offset) {
    if (!out_.spec.primary_key.empty()) {
      return cursor_.Invalid(offset,
                             "Duplicate definitions of primary key are found: a key of "
                             "several columns is written PRIMARY KEY(a, b)");
    }
    out_.spec.primary_key = std::move(names);
    return {};
  }

  Status ParseTail() {
    bool engine = false;
    bool options = false;
    while (!cursor_.AtEnd()) {
      if (cursor_.AtKeyword("PARTITION")) {
        if (engine || options || out_.partition) {
          return cursor_.Invalid(cursor_.token().offset,
                                 "PARTITION BY stands once, before ENGINE and WITH");
        }
        VARVE_ASSIGN(out_.partition, ParsePartition(cursor_));
      } else if (!engine && cursor_.TakeKeyword("ENGINE")) {
        engine = true;
        VARVE_ASSIGN(out_.engine, ParseEngine(cursor_));
      } else if (!options && cursor_.TakeKeyword("WITH")) {
        options = true;
        VARVE_TRY(ParseWith());
      } else {
        return cursor_.Expected("ENGINE = ..., WITH (...), ';' or the end of the statement");
      }
    }
    return {};
  }

  Status ParseWith() {
    VARVE_TRY(cursor_.ExpectSymbol('('));
    if (cursor_.TakeSymbol(')')) {
      return {};
    }
    VARVE_ASSIGN(out_.options, ParseTableOptions(cursor_));
    return cursor_.ExpectSymbol(')');
  }

  static constexpr std::string_view kOneTimestampKey =
      "Table must contain only one timestamp key and it's data type must be TIMESTAMP";

  Cursor& cursor_;
  CreateTableStatement out_;
};

}  // namespace

Result<std::vector<std::string>> ParseNameList(Cursor& cursor, std::string_view kind) {
  VARVE_TRY(cursor.ExpectSymbol('('));
  std::vector<std::string> names;
  do {
    if (names.size() == kColumnsMax) {
      return cursor.Invalid(cursor.token().offset,
                            fmt::format("At most {} names can be listed", kColumnsMax));
    }
    VARVE_ASSIGN(std::string name, cursor.ExpectName(kind));
    names.push_back(std::move(name));
  } while (cursor.TakeSymbol(','));
  VARVE_TRY(cursor.ExpectSymbol(')'));
  return names;
}

std::unexpected<Error> UnsupportedStatement(const Cursor& cursor, std::string_view words) {
  const Token& token = cursor.token();
  const bool word = token.kind == TokenKind::kWord;
  return cursor.Unsupported(
      token.offset,
      fmt::format("Unsupported SQL statement: {}{}{}", words, word && !words.empty() ? " " : "",
                  word ? Excerpt(ToUpper(token.text)) : std::string()));
}

Result<IfPresent> ParseIfNotExists(Cursor& cursor) {
  if (!cursor.AtKeywords("IF", "NOT")) {
    return IfPresent::kFail;
  }
  cursor.Advance();
  cursor.Advance();
  if (!cursor.TakeKeyword("EXISTS") && !cursor.TakeKeyword("EXIST")) {
    return cursor.Expected("EXISTS");
  }
  return IfPresent::kIgnore;
}

Result<IfMissing> ParseIfExists(Cursor& cursor) {
  if (!cursor.AtKeywords("IF", "EXISTS")) {
    return IfMissing::kFail;
  }
  cursor.Advance();
  cursor.Advance();
  return IfMissing::kIgnore;
}

Result<SchemaName> ExpectSchemaName(Cursor& cursor) {
  SchemaName name;
  VARVE_ASSIGN(name.schema, cursor.ExpectName("schema"));
  if (cursor.TakeSymbol('.')) {
    name.catalog = std::move(name.schema);
    VARVE_ASSIGN(name.schema, cursor.ExpectName("schema"));
  }
  return name;
}

Result<Statement> ParseCreate(Cursor& cursor) {
  if (cursor.TakeKeyword("TABLE")) {
    return CreateTableParser(cursor).Run();
  }
  if (cursor.TakeKeyword("SCHEMA") || cursor.TakeKeyword("DATABASE")) {
    CreateSchemaStatement out;
    VARVE_ASSIGN(out.if_present, ParseIfNotExists(cursor));
    VARVE_ASSIGN(out.name, ExpectSchemaName(cursor));
    return out;
  }
  if (cursor.AtKeywords("OR", "REPLACE")) {
    cursor.Advance();
    cursor.Advance();
    if (cursor.TakeKeyword("VIEW")) {
      return ParseCreateView(cursor, IfTaken::kReplace);
    }
    return UnsupportedStatement(cursor, "CREATE OR REPLACE");
  }
  if (cursor.TakeKeyword("VIEW")) {
    return ParseCreateView(cursor, IfTaken::kFail);
  }
  if (cursor.TakeKeyword("SAVEPOINT")) {
    return ParseCreateSavepoint(cursor);
  }
  if (cursor.token().kind == TokenKind::kWord) {
    return UnsupportedStatement(cursor, "CREATE");
  }
  return cursor.Expected("TABLE, VIEW, SCHEMA, DATABASE or SAVEPOINT");
}

namespace {

Result<Statement> ParseDropSchema(Cursor& cursor) {
  DropSchemaStatement out;
  VARVE_ASSIGN(out.if_missing, ParseIfExists(cursor));
  VARVE_ASSIGN(out.name, ExpectSchemaName(cursor));
  if (cursor.TakeKeyword("CASCADE")) {
    out.contents = DropSchemaStatement::Contents::kCascade;
  } else {
    cursor.TakeKeyword("RESTRICT");
  }
  return out;
}

}  // namespace

Result<Statement> ParseDrop(Cursor& cursor) {
  if (cursor.TakeKeyword("SCHEMA") || cursor.TakeKeyword("DATABASE")) {
    return ParseDropSchema(cursor);
  }
  if (cursor.TakeKeyword("VIEW")) {
    return ParseDropView(cursor);
  }
  if (cursor.TakeKeyword("SAVEPOINT")) {
    return ParseDropSavepoint(cursor);
  }
  if (!cursor.TakeKeyword("TABLE")) {
    if (cursor.token().kind == TokenKind::kWord) {
      return UnsupportedStatement(cursor, "DROP");
    }
    return cursor.Expected("TABLE, VIEW, SCHEMA or DATABASE");
  }
  DropTableStatement out;
  VARVE_ASSIGN(out.if_missing, ParseIfExists(cursor));
  VARVE_ASSIGN(out.name, cursor.ExpectTableName());
  if (cursor.AtSymbol(',')) {
    return cursor.Unsupported(cursor.token().offset,
                              "Unsupported SQL statement: DROP TABLE of several tables. Drop one "
                              "table with each statement");
  }
  if (cursor.TakeKeyword("ENGINE")) {
    VARVE_TRY(ParseEngine(cursor));
  }
  return out;
}

}  // namespace varve
