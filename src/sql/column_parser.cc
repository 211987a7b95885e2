#include "sql/column_parser.h"

#include <set>
#include <string>
#include <utility>

#include "sql/default_expression.h"
#include "sql/error_text.h"
#include "sql/keywords.h"

namespace varve {
namespace {

std::string TypeList() {
  std::string list;
  for (const ColumnType type : kAllColumnTypes) {
    list += list.empty() ? "" : ", ";
    list += ColumnTypeName(type);
  }
  return list;
}

std::optional<ColumnType> Unsigned(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
      return ColumnType::kUInt64;
    case ColumnType::kInt32:
      return ColumnType::kUInt32;
    case ColumnType::kInt16:
      return ColumnType::kUInt16;
    case ColumnType::kInt8:
      return ColumnType::kUInt8;
    default:
      return std::nullopt;
  }
}

class ColumnParser {
 public:
  explicit ColumnParser(Cursor& cursor) : cursor_(cursor) {}

  Result<ColumnDeclaration> Run() {
    VARVE_ASSIGN(out_.column.name, cursor_.ExpectName("column"));
    VARVE_TRY(ParseType());
    while (!cursor_.AtSymbol(',') && !cursor_.AtSymbol(')') && !cursor_.AtEnd()) {
      VARVE_TRY(ParseOption());
    }
    return std::move(out_);
  }

 private:
  Status ParseType() {
    const Token token = cursor_.token();
    if (token.kind != TokenKind::kWord) {
      return cursor_.Expected(
          fmt::format("the type of column {} (one of {})", Excerpt(out_.column.name), TypeList()));
    }
    const std::optional<ColumnType> type = ParseColumnType(token.text);
    if (!type) {
      return cursor_.Invalid(token.offset, fmt::format("Unsupported SQL data type: {}; the types "
                                                       "are {}",
                                                       Excerpt(token.text), TypeList()));
    }
    out_.column.type = *type;
    type_text_ = token.text;
    cursor_.Advance();
    return {};
  }

  Status ParseOption() {
    if (cursor_.AtKeywords("NOT", "NULL")) {
      VARVE_TRY(Once("NULL"));
      cursor_.Advance();
      cursor_.Advance();
      out_.column.nullable = false;
      return {};
    }
    if (cursor_.AtKeyword("NULL")) {
      return Flag("NULL");
    }
    if (cursor_.AtKeyword("TAG")) {
      out_.column.tag = true;
      return Flag("TAG");
    }
    if (cursor_.AtKeyword("DICTIONARY")) {
      return ParseDictionary();
    }
    if (cursor_.AtKeyword("UNSIGN") || cursor_.AtKeyword("UNSIGNED")) {
      return ParseUnsign();
    }
    if (cursor_.AtKeyword("DEFAULT")) {
      VARVE_TRY(Flag("DEFAULT"));
      VARVE_ASSIGN(out_.column.default_value, ParseDefaultExpression(cursor_));
      return {};
    }
    if (cursor_.AtKeyword("COMMENT")) {
      VARVE_TRY(Flag("COMMENT"));
      VARVE_ASSIGN(out_.column.comment,
                   cursor_.ExpectString("the comment's text in single quotes"));
      return {};
    }
    return ParseKey();
  }

  Status ParseKey() {
    const size_t offset = cursor_.token().offset;
    if (cursor_.AtKeywords("TIMESTAMP", "KEY")) {
      out_.timestamp_key_offset = offset;
      VARVE_TRY(Flag("TIMESTAMP"));
      return cursor_.ExpectKeyword("KEY");
    }
    if (cursor_.AtKeywords("PRIMARY", "KEY")) {
      out_.primary_key_offset = offset;
      VARVE_TRY(Flag("PRIMARY"));
      return cursor_.ExpectKeyword("KEY");
    }
    return cursor_.Expected(
        "an option of the column (NOT NULL, NULL, TAG, DICTIONARY, UNSIGN, TIMESTAMP KEY, PRIMARY "
        "KEY, DEFAULT, COMMENT), ',' or ')'");
  }

  Status ParseDictionary() {
    if (out_.column.type != ColumnType::kString) {
      return cursor_.Invalid(
          cursor_.token().offset,
          fmt::format("Only string column can be dictionary encoded: \"{} {} DICTIONARY\"",
                      out_.column.name, type_text_));
    }
    out_.column.dictionary = true;
    return Flag("DICTIONARY");
  }

  Status ParseUnsign() {
    const std::optional<ColumnType> type = Unsigned(out_.column.type);
    if (!type) {
      return cursor_.Invalid(cursor_.token().offset,
                             fmt::format("UNSIGN stands behind bigint, int, smallint and tinyint "
                                         "only, not behind {}",
                                         type_text_));
    }
    out_.column.type = *type;
    cursor_.Advance();
    return {};
  }

  // An option of one word, or the first word of one.
  Status Flag(std::string_view option) {
    VARVE_TRY(Once(option));
    cursor_.Advance();
    return {};
  }

  Status Once(std::string_view option) {
    if (!seen_.insert(option).second) {
      return cursor_.Invalid(
          cursor_.token().offset,
          fmt::format("{} is said twice of column {}", option, Excerpt(out_.column.name)));
    }
    return {};
  }

  Cursor& cursor_;
  ColumnDeclaration out_;
  std::string_view type_text_;
  std::set<std::string_view> seen_;
};

}  // namespace

Result<ColumnDeclaration> ParseColumn(Cursor& cursor) { return ColumnParser(cursor).Run(); }

}  // namespace varve
