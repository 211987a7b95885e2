// COPY … TO and COPY DATABASE: rows on their way out.
#include <algorithm>
#include <chrono>

#include "query/literals.h"
#include "query/name_text.h"
#include "query/session_internal.h"

namespace varve {
namespace {

constexpr size_t kFileNameBytesMax =
    200;  // of 255 that file systems allow, with room for an ending

// SELECT of these columns, all but tsid when there are none named, which is computed from the tags.
Result<std::string> TableQuery(const Table& table, const std::vector<std::string>& columns) {
  const auto schema = table.schema();
  std::string list;
  for (const std::string& name : columns) {
    if (schema->Find(name) == nullptr) {
      return InvalidArgument("No field named {}", name);
    }
    list += (list.empty() ? "" : ", ") + DuckDbName(name);
  }
  for (size_t i = 0; columns.empty() && i < schema->columns().size(); ++i) {
    if (i != schema->tsid_index()) {
      list += (list.empty() ? "" : ", ") + DuckDbName(schema->columns()[i].name);
    }
  }
  return fmt::format("SELECT {} FROM {}.{}.{}", list, DuckDbName(kDefaultCatalogName),
                     DuckDbName(table.schema_name()), DuckDbName(table.name()));
}

// Milliseconds since 1970 or an ISO text, in microseconds.
Result<int64_t> TimeOf(std::string_view option, const std::string& value) {
  const std::string digits = value.starts_with('-') ? value.substr(1) : value;
  constexpr size_t kDigitsMax = 15;  // of milliseconds: far beyond the year 9999
  if (!digits.empty() && digits.size() <= kDigitsMax &&
      std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::stoll(value) * 1000;
  }
  auto time = ParseTimestampText(value);
  if (!time) {
    return std::unexpected(time.error().WithContext(option));
  }
  return time;
}

struct TimeLimits {
  std::optional<int64_t> start_us;
  std::optional<int64_t> end_us;
};

Result<TimeLimits> TakeTimeLimits(std::map<std::string, std::string>& options) {
  TimeLimits limits;
  if (const auto start = options.extract("start_time")) {
    VARVE_ASSIGN(limits.start_us, TimeOf("START_TIME", start.mapped()));
  }
  if (const auto end = options.extract("end_time")) {
    VARVE_ASSIGN(limits.end_us, TimeOf("END_TIME", end.mapped()));
  }
  return limits;
}

std::string WhereOf(const Table& table, const TimeLimits& limits) {
  const std::string time = DuckDbName(table.schema()->timestamp().name);
  std::string where;
  if (limits.start_us) {
    where += fmt::format(" WHERE {} >= make_timestamp({})", time, *limits.start_us);
  }
  if (limits.end_us) {
    where += fmt::format(" {} {} < make_timestamp({})", where.empty() ? "WHERE" : "AND", time,
                         *limits.end_us);
  }
  return where;
}

// The table's name with what file systems may not like as %XX; a number tells long ones apart.
std::string FileName(std::string_view table, size_t number) {
  std::string name;
  for (const char c : table) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '_' || c == '-') {
      name.push_back(c);
    } else {
      name += fmt::format("%{:02X}", byte);
    }
  }
  if (name.size() > kFileNameBytesMax) {
    name = fmt::format("{}-{}", name.substr(0, kFileNameBytesMax), number);
  }
  return name;
}

}  // namespace

Result<uint64_t> SessionImpl::CopyRowsTo(duckdb::unique_ptr<duckdb::SQLStatement> query,
                                         const NameMapping& names, const CopyTarget& target) {
  VARVE_ASSIGN(const auto rows, connection_->Run(std::move(query), names));
  return engine_.copy_writer.Write(target, *rows, [this](duckdb::Connection* connection) {
    const std::lock_guard lock(copying_mutex_);
    copying_ = connection;
  });
}

Result<QueryResult> SessionImpl::Run(const CopyToStatement& statement) {
  const CopyTarget target{statement.path, statement.options};
  VARVE_TRY(engine_.copy_writer.Check(target));
  std::string sql = statement.query;
  if (sql.empty()) {
    VARVE_ASSIGN(const ResolvedName name, Resolve(statement.name));
    if (const auto view = database().FindView(name.schema, name.table)) {
      sql = fmt::format("SELECT * FROM {}.{}", DuckDbName(name.schema), DuckDbName(name.table));
    } else {
      VARVE_ASSIGN(const auto table, Find(statement.name));
      VARVE_ASSIGN(sql, TableQuery(*table, statement.columns));
    }
  }
  VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(sql, Rewriting()));
  VARVE_ASSIGN(const uint64_t rows, CopyRowsTo(std::move(query.statement), query.names, target));
  return AffectedRows{rows};
}

Result<QueryResult> SessionImpl::Run(const CopyDatabaseStatement& statement) {
  VARVE_ASSIGN(const ResolvedName name,
               Resolve({statement.name.catalog, statement.name.schema, ""}));
  std::map<std::string, std::string> options = statement.options;
  VARVE_ASSIGN(const TimeLimits limits, TakeTimeLimits(options));
  VARVE_ASSIGN(const std::string ending, CopyFileEnding(options));
  VARVE_ASSIGN(const auto tables, database().ListTables(name.schema));
  VARVE_TRY(engine_.copy_writer.MakeFolder(statement.folder));
  std::string statements;
  uint64_t rows = 0;
  for (size_t i = 0; i < tables.size(); ++i) {
    const Table& table = *tables[i];
    if (table.partition_of()) {
      continue;  // its rows are among those of its table
    }
    const std::string file = fmt::format("{}.{}", FileName(table.name(), i), ending);
    VARVE_ASSIGN(std::string sql, TableQuery(table, {}));
    sql += WhereOf(table, limits);
    VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(sql, Rewriting()));
    VARVE_ASSIGN(const uint64_t copied,
                 CopyRowsTo(std::move(query.statement), query.names,
                            {fmt::format("{}/{}", statement.folder, file), options}));
    rows += copied;
    statements += fmt::format("-- {}: {} rows\n{};\n", file, copied, CreateTableText(table));
  }
  for (const ViewEntry& view : database().ListViews(name.schema)) {
    statements += CreateViewText(view) + ";\n";
  }
  // Last: where it is, all that it names is there.
  VARVE_TRY(engine_.copy_writer.WriteText({fmt::format("{}/schema.sql", statement.folder), options},
                                          statements));
  return AffectedRows{rows};
}

}  // namespace varve
