#include "query/change_names.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "query/literals.h"
#include "query/session.h"
#include "sql/cursor.h"

namespace varve {
namespace {

constexpr std::array<std::string_view, 3> kCatalogNames = {kDefaultCatalogName, "ceresdb",
                                                           "horaedb"};
constexpr std::string_view kTimestampPrefix = "timestamp.";
constexpr int64_t kUsPerMs = 1'000;

std::string Quoted(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    out += c == '`' ? "``" : std::string(1, c);
  }
  return out + "`";
}

std::optional<int64_t> NumberOf(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

}  // namespace

Result<TableName> ParseTableText(std::string_view text, std::string_view schema) {
  Cursor cursor(text, DoubleQuotes::kIdentifier);
  VARVE_ASSIGN(TableName name, cursor.ExpectTableName());
  VARVE_TRY(cursor.ExpectEnd());
  if (!name.catalog.empty() &&
      std::ranges::find(kCatalogNames, name.catalog) == kCatalogNames.end()) {
    return NotFound("Catalog not found, catalog_name:{}", name.catalog);
  }
  name.catalog.clear();
  if (name.schema.empty()) {
    name.schema = schema;
  }
  return name;
}

std::string TableText(const TableName& name) {
  return name.schema.empty() ? Quoted(name.table) : Quoted(name.schema) + "." + Quoted(name.table);
}

Result<VersionRef> ParseVersionText(std::string_view text) {
  if (!text.starts_with(kTimestampPrefix)) {
    return ParseVersionRef(text);
  }
  const std::string_view time = text.substr(kTimestampPrefix.size());
  if (const auto ms = NumberOf(time)) {
    int64_t us = 0;
    if (__builtin_mul_overflow(*ms, kUsPerMs, &us)) {
      return InvalidArgument("'{}' is no time that can be: milliseconds since 1970 follow the dot",
                             text);
    }
    return TimestampUs(us);
  }
  VARVE_ASSIGN(const int64_t us, ParseTimestampText(time));
  return TimestampUs(us);
}

Result<ChangeRange> FindRange(const Table& table, const VersionRef& from,
                              const std::optional<VersionRef>& to) {
  ChangeRange range;
  VARVE_ASSIGN(range.from, table.FindChangesStart(from));
  if (!to) {
    range.to = table.current_version();
    return range;
  }
  VARVE_ASSIGN(const auto version, table.FindVersion(*to));
  range.to = version->id;
  return range;
}

}  // namespace varve
