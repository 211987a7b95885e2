// CALL of the procedures.
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "sql/error_text.h"
#include "sql/keywords.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

constexpr std::string_view kGc = "varve_gc";
constexpr std::string_view kExpireSnapshots = "varve_expire_snapshots";
constexpr std::string_view kReleaseExport = "varve_release_export";
constexpr std::string_view kCreateSavepoint = "create_savepoint";
constexpr std::string_view kDeleteSavepoint = "delete_savepoint";
constexpr std::array<std::pair<std::string_view, ConsumerStatement::Action>, 3> kConsumerCalls = {
    {{"CREATE_CONSUMER", ConsumerStatement::Action::kCreate},
     {"RESET_CONSUMER", ConsumerStatement::Action::kReset},
     {"DELETE_CONSUMER", ConsumerStatement::Action::kDelete}}};

// What is written behind "name =>".
struct Argument {
  std::string name;  // "" = by position
  std::string text;
  bool quoted = false;
  size_t offset = 0;
};

Result<Argument> ParseArgument(Cursor& cursor) {
  Argument out;
  const bool named = cursor.token().kind == TokenKind::kWord &&
                     cursor.Peek().kind == TokenKind::kSymbol && cursor.Peek().text == "=>";
  if (named) {
    out.name = ToLower(cursor.token().text);
    cursor.Advance();
    cursor.Advance();
  }
  out.offset = cursor.token().offset;
  if (cursor.AtString()) {
    out.quoted = true;
    VARVE_ASSIGN(out.text, cursor.ExpectString("a value"));
    return out;
  }
  const TokenKind kind = cursor.token().kind;
  if (kind != TokenKind::kNumber && kind != TokenKind::kWord) {
    return cursor.Expected("an argument: name => value");
  }
  out.text = cursor.token().text;
  cursor.Advance();
  return out;
}

Result<std::vector<Argument>> ParseArguments(Cursor& cursor,
                                             std::span<const std::string_view> names,
                                             std::span<const std::string_view> positional) {
  VARVE_TRY(cursor.ExpectSymbol('('));
  std::vector<Argument> arguments;
  std::set<std::string> seen;
  while (!cursor.TakeSymbol(')')) {
    if (!arguments.empty() && !cursor.TakeSymbol(',')) {
      return cursor.Expected("',' or ')'");
    }
    VARVE_ASSIGN(Argument argument, ParseArgument(cursor));
    if (argument.name.empty() && arguments.size() < positional.size()) {
      argument.name = positional[arguments.size()];
    }
    bool known = false;
    std::string all;
    for (const std::string_view name : names) {
      known = known || name == argument.name;
      all += fmt::format("{}{} => ...", all.empty() ? "" : ", ", name);
    }
    if (!known) {
      return cursor.Invalid(argument.offset, fmt::format("The arguments are {}", all));
    }
    if (!seen.insert(argument.name).second) {
      return cursor.Invalid(argument.offset,
                            fmt::format("Argument {} is given twice", argument.name));
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

Result<CallMode> ModeOf(const Cursor& cursor, const Argument& argument) {
  const std::string value = ToLower(argument.text);
  if (value == "true") {
    return CallMode::kDryRun;
  }
  if (value == "false") {
    return CallMode::kRun;
  }
  return cursor.Invalid(argument.offset, fmt::format("{} is true or false", argument.name));
}

Result<uint64_t> CountOf(const Cursor& cursor, const Argument& argument) {
  uint64_t count = 0;
  const std::string& text = argument.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (argument.quoted || error != std::errc() || end != text.data() + text.size() || count == 0) {
    return cursor.Invalid(argument.offset,
                          fmt::format("{} is a number of versions, 1 or more", argument.name));
  }
  return count;
}

Result<std::string> DurationOf(const Cursor& cursor, const Argument& argument) {
  if (!argument.quoted) {
    return cursor.Invalid(
        argument.offset,
        fmt::format("{} is a duration in single quotes, like '2h' or '1d12h'", argument.name));
  }
  return argument.text;
}

// The text holds a name as it would stand in a statement.
Result<TableName> TableOf(const Cursor& cursor, const Argument& argument) {
  Cursor name(argument.text, cursor.double_quotes());
  VARVE_ASSIGN(TableName table, name.ExpectTableName());
  VARVE_TRY(name.ExpectEnd());
  return table;
}

Result<Statement> ParseCallCreateSavepoint(Cursor& cursor) {
  static constexpr std::array<std::string_view, 6> kNames = {"table",     "name",   "version",
                                                             "timestamp", "retain", "lock_until"};
  static constexpr std::array<std::string_view, 2> kPositional = {"table", "name"};
  VARVE_ASSIGN(const auto arguments, ParseArguments(cursor, kNames, kPositional));
  CreateSavepointStatement out;
  for (const Argument& argument : arguments) {
    if (argument.name == "table") {
      VARVE_ASSIGN(TableName table, TableOf(cursor, argument));
      out.tables.push_back(std::move(table));
    } else if (argument.name == "name") {
      out.name = argument.text;
    } else if (argument.name == "retain") {
      VARVE_ASSIGN(out.retain, DurationOf(cursor, argument));
    } else if (argument.name == "lock_until") {
      out.lock_until = argument.text;
    } else if (out.as_of) {
      return cursor.Invalid(argument.offset, "Either version or timestamp can be given");
    } else {
      out.as_of = VersionText{
          argument.name == "version" ? VersionText::Kind::kVersion : VersionText::Kind::kTimestamp,
          argument.text};
    }
  }
  if (out.tables.empty()) {
    return cursor.Expected("the table first: create_savepoint('t', ...)");
  }
  return out;
}

Result<Statement> ParseCallDeleteSavepoint(Cursor& cursor) {
  static constexpr std::array<std::string_view, 2> kNames = {"table", "savepoint"};
  VARVE_ASSIGN(const auto arguments, ParseArguments(cursor, kNames, kNames));
  DropSavepointStatement out;
  for (const Argument& argument : arguments) {
    if (argument.name == "table") {
      VARVE_ASSIGN(out.table, TableOf(cursor, argument));
    } else {
      out.savepoint = argument.text;
    }
  }
  if (!out.table || out.savepoint.empty()) {
    return cursor.Expected("the table and the savepoint: delete_savepoint('t', 7)");
  }
  return out;
}

Result<Statement> ParseGc(Cursor& cursor) {
  static constexpr std::array<std::string_view, 2> kNames = {"dry_run", "grace"};
  VARVE_ASSIGN(const auto arguments, ParseArguments(cursor, kNames, {}));
  GcStatement out;
  for (const Argument& argument : arguments) {
    if (argument.name == "dry_run") {
      VARVE_ASSIGN(out.mode, ModeOf(cursor, argument));
    } else {
      VARVE_ASSIGN(out.grace, DurationOf(cursor, argument));
    }
  }
  return out;
}

Result<Statement> ParseReleaseExport(Cursor& cursor) {
  static constexpr std::array<std::string_view, 1> kNames = {"snapshot_id"};
  VARVE_ASSIGN(const auto arguments, ParseArguments(cursor, kNames, kNames));
  if (arguments.empty()) {
    return cursor.Expected("the snapshot's id: varve_release_export('...')");
  }
  return ReleaseExportStatement{arguments.front().text};
}

Result<Statement> ParseExpireSnapshots(Cursor& cursor) {
  static constexpr std::array<std::string_view, 4> kNames = {"table", "retain_last", "older_than",
                                                             "dry_run"};
  static constexpr std::array<std::string_view, 1> kPositional = {"table"};
  VARVE_ASSIGN(const auto arguments, ParseArguments(cursor, kNames, kPositional));
  ExpireSnapshotsStatement out;
  for (const Argument& argument : arguments) {
    if (argument.name == "table") {
      VARVE_ASSIGN(out.name, TableOf(cursor, argument));
    } else if (argument.name == "retain_last") {
      VARVE_ASSIGN(out.retain_last, CountOf(cursor, argument));
    } else if (argument.name == "older_than") {
      VARVE_ASSIGN(out.older_than, DurationOf(cursor, argument));
    } else {
      VARVE_ASSIGN(out.mode, ModeOf(cursor, argument));
    }
  }
  if (out.name.table.empty()) {
    return cursor.Expected("the table first: varve_expire_snapshots('t', ...)");
  }
  return out;
}

}  // namespace

Result<Statement> ParseCall(Cursor& cursor) {
  const Token name = cursor.token();
  if (name.kind == TokenKind::kWord && IsKeyword(name, "VARVE_GC")) {
    cursor.Advance();
    return ParseGc(cursor);
  }
  if (name.kind == TokenKind::kWord && IsKeyword(name, "VARVE_EXPIRE_SNAPSHOTS")) {
    cursor.Advance();
    return ParseExpireSnapshots(cursor);
  }
  if (name.kind == TokenKind::kWord && IsKeyword(name, "VARVE_RELEASE_EXPORT")) {
    cursor.Advance();
    return ParseReleaseExport(cursor);
  }
  if (name.kind == TokenKind::kWord && IsKeyword(name, "CREATE_SAVEPOINT")) {
    cursor.Advance();
    return ParseCallCreateSavepoint(cursor);
  }
  if (name.kind == TokenKind::kWord && IsKeyword(name, "DELETE_SAVEPOINT")) {
    cursor.Advance();
    return ParseCallDeleteSavepoint(cursor);
  }
  for (const auto& [procedure, action] : kConsumerCalls) {
    if (name.kind == TokenKind::kWord && IsKeyword(name, procedure)) {
      cursor.Advance();
      return ParseConsumerCall(cursor, action);
    }
  }
  return cursor.Expected(
      fmt::format("the name of a procedure ({}, {}, {}, {}, {}, create_consumer, reset_consumer or "
                  "delete_consumer)",
                  kGc, kExpireSnapshots, kReleaseExport, kCreateSavepoint, kDeleteSavepoint));
}

}  // namespace varve
