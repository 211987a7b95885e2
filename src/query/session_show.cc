// SHOW, DESCRIBE, EXISTS: answers about tables, in CeresDB's shapes.

#include <algorithm>
#include <string>
#include <vector>

#include "query/name_text.h"
#include "query/session_internal.h"
#include "sql/keywords.h"

namespace varve {
namespace {

// SQL's LIKE without an escape: '%' is any run, '_' any one character (of UTF-8).
bool Like(std::string_view text, std::string_view pattern) {
  const auto next = [](std::string_view s) {
    size_t size = 1;
    while (size < s.size() && (static_cast<unsigned char>(s[size]) & 0xC0) == 0x80) {
      ++size;
    }
    return s.substr(size);
  };
  // The last '%' seen, and where the text it stands for ends so far.
  std::string_view retry_pattern;
  std::string_view retry_text;
  bool can_retry = false;
  while (!text.empty()) {
    if (!pattern.empty() && pattern.front() == '%') {
      pattern.remove_prefix(1);
      retry_pattern = pattern;
      retry_text = text;
      can_retry = true;
    } else if (!pattern.empty() && pattern.front() == '_') {
      pattern.remove_prefix(1);
      text = next(text);
    } else if (!pattern.empty() && pattern.front() == text.front()) {
      pattern.remove_prefix(1);
      text.remove_prefix(1);
    } else if (can_retry) {
      retry_text = next(retry_text);
      text = retry_text;
      pattern = retry_pattern;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('%') == std::string_view::npos;
}

std::string ColumnDefinition(const ColumnSchema& column) {
  std::string text = fmt::format("{} {}", QuotedName(column.name), ColumnTypeName(column.type));
  text += column.tag ? " TAG" : "";
  text += column.dictionary ? " DICTIONARY" : "";
  text += column.nullable ? "" : " NOT NULL";
  if (!column.default_value.empty()) {
    text += " DEFAULT " + column.default_value;
  }
  if (!column.comment.empty()) {
    text += " COMMENT " + QuotedText(column.comment);
  }
  return text;
}

// A name that a parser of options reads as one: words with dots and hyphens between them.
std::string OptionName(std::string_view name) {
  size_t from = 0;
  while (from <= name.size()) {
    const size_t end = std::min(name.find_first_of(".-", from), name.size());
    const std::string_view word = name.substr(from, end - from);
    if (!IsBareName(word) && !IsReserved(word)) {
      return QuotedName(name);
    }
    from = end + 1;
  }
  return std::string(name);
}

}  // namespace

namespace {

// " PARTITION BY KEY(a,b) PARTITIONS 4"; "" for a table that is not partitioned.
std::string PartitionText(const Table& table, const TableSchema& schema) {
  const auto& partitioning = table.partitioning();
  if (!partitioning) {
    return "";
  }
  if (partitioning->method == PartitionMethod::kRandom) {
    return fmt::format(" PARTITION BY RANDOM PARTITIONS {}", partitioning->count);
  }
  std::string columns;
  for (const uint32_t id : partitioning->columns) {
    columns += (columns.empty() ? "" : ",") + BareName(schema.FindById(id)->name);
  }
  return fmt::format(" PARTITION BY {}{}({}) PARTITIONS {}", partitioning->linear ? "LINEAR " : "",
                     partitioning->method == PartitionMethod::kKey ? "KEY" : "HASH", columns,
                     partitioning->count);
}

}  // namespace

std::string CreateTableText(const Table& table) {
  const auto schema = table.schema();
  std::string text = fmt::format("CREATE TABLE {} (", QuotedName(table.name()));
  std::string key;
  for (size_t i = 0; i < schema->columns().size(); ++i) {
    const ColumnSchema& column = schema->columns()[i];
    text += ColumnDefinition(column) + ", ";
    if (i < schema->key_size()) {
      key += (i == 0 ? "" : ",") + BareName(column.name);
    }
  }
  text += fmt::format("PRIMARY KEY({}), TIMESTAMP KEY({})){} ENGINE=Analytic WITH(", key,
                      BareName(schema->timestamp().name), PartitionText(table, *schema));
  bool first = true;
  for (const auto& [name, value] : ToMap(table.options())) {
    text += fmt::format("{}{}={}", first ? "" : ", ", OptionName(name), QuotedText(value));
    first = false;
  }
  return text + ")";
}

Result<QueryResult> SessionImpl::Run(const DescribeStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  if (const auto view = database().FindView(name.schema, name.table)) {
    return DescribeView(*view);
  }
  VARVE_ASSIGN(const auto table, Find(statement.name));
  const auto schema = table->schema();
  std::vector<std::string> names;
  std::vector<std::string> types;
  std::vector<bool> primary;
  std::vector<bool> nullable;
  std::vector<bool> tag;
  std::vector<bool> dictionary;
  for (size_t i = 0; i < schema->columns().size(); ++i) {
    const ColumnSchema& column = schema->columns()[i];
    names.push_back(column.name);
    types.emplace_back(ColumnTypeName(column.type));
    primary.push_back(i < schema->key_size());
    nullable.push_back(column.nullable);
    tag.push_back(column.tag);
    dictionary.push_back(column.dictionary);
  }
  return TableOf({{"name", StringArray(names)},
                  {"type", StringArray(types)},
                  {"is_primary", BooleanArray(primary)},
                  {"is_nullable", BooleanArray(nullable)},
                  {"is_tag", BooleanArray(tag)},
                  {"is_dictionary", BooleanArray(dictionary)}});
}

Result<QueryResult> SessionImpl::Run(const ShowTablesStatement& statement) {
  VARVE_ASSIGN(const auto tables, database().ListTables(options_.schema));
  std::vector<std::string> names;
  for (const auto& table : tables) {
    names.push_back(table->name());
  }
  for (const ViewEntry& view : database().ListViews(options_.schema)) {
    names.push_back(view.name);
  }
  std::erase_if(names, [&](const std::string& name) {
    return statement.pattern && !Like(name, *statement.pattern);
  });
  std::ranges::sort(names);
  return TableOf({{"Tables", StringArray(names)}});
}

Result<QueryResult> SessionImpl::Run(const ShowDatabasesStatement&) {
  return TableOf({{"Schemas", StringArray(database().ListSchemas())}});
}

Result<QueryResult> SessionImpl::Run(const ShowCreateTableStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  if (database().FindView(name.schema, name.table)) {
    return InvalidArgument("{0} is a view: it is shown with SHOW CREATE VIEW {0}", name.table);
  }
  VARVE_ASSIGN(const auto table, Find(statement.name));
  return TableOf({{"Table", StringArray({table->name()})},
                  {"Create Table", StringArray({CreateTableText(*table)})}});
}

Result<QueryResult> SessionImpl::Run(const ExistsStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
  const bool there =
      database().FindTable(name.schema, name.table) || database().FindView(name.schema, name.table);
  return TableOf({{"result", UInt8Array({static_cast<uint8_t>(there ? 1 : 0)})}});
}

}  // namespace varve
