// Statement: what a text of Varve's dialect means. Statements that DuckDB answers (SELECT and the
// like) stay text, rewritten to DuckDB's spelling; all others are fully taken apart here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/table_schema.h"

namespace varve {

// A table as it is written: the parts that are not given come from the session.
struct TableName {
  std::string catalog;  // "" = not given
  std::string schema;   // "" = not given
  std::string table;
  bool operator==(const TableName&) const = default;
};

enum class IfMissing : uint8_t { kFail, kIgnore };  // DROP TABLE [IF EXISTS]
enum class IfPresent : uint8_t { kFail, kIgnore };  // CREATE TABLE [IF NOT EXISTS]

struct CreateTableStatement {
  TableName name;
  IfPresent if_present = IfPresent::kFail;
  TableSpec spec;
  std::map<std::string, std::string> options;  // WITH; a NULL value leaves its option out
  std::string engine = "Analytic";
};

struct DropTableStatement {
  TableName name;
  IfMissing if_missing = IfMissing::kFail;
};

struct AddColumnsStatement {  // ALTER TABLE t ADD COLUMN ...
  TableName name;
  std::vector<ColumnSchema> columns;
};

struct ModifySettingStatement {  // ALTER TABLE t MODIFY SETTING ...
  TableName name;
  std::map<std::string, std::string> options;
};

// One value of an INSERT.
struct NullLiteral {
  bool operator==(const NullLiteral&) const = default;
};
struct NumberLiteral {
  std::string text;  // as written, a plus sign left out: "-12", "1.5e3"
  bool operator==(const NumberLiteral&) const = default;
};
struct StringLiteral {
  std::string value;
  bool operator==(const StringLiteral&) const = default;
};
struct BytesLiteral {  // x'0a'
  std::string value;
  bool operator==(const BytesLiteral&) const = default;
};
struct BooleanLiteral {
  bool value = false;
  bool operator==(const BooleanLiteral&) const = default;
};
struct ExpressionText {  // anything else, in DuckDB's spelling: "now() - INTERVAL 1 DAY"
  std::string sql;
  bool operator==(const ExpressionText&) const = default;
};
using InsertValue = std::variant<NullLiteral, NumberLiteral, StringLiteral, BytesLiteral,
                                 BooleanLiteral, ExpressionText>;

struct InsertStatement {
  TableName name;
  std::optional<std::vector<std::string>> columns;  // nullopt: by position
  // Rows of values, or the text of a query in DuckDB's spelling.
  std::variant<std::vector<std::vector<InsertValue>>, std::string> source;
};

struct DescribeStatement {
  TableName name;
};
struct ShowTablesStatement {
  std::optional<std::string> pattern;  // LIKE
};
struct ShowDatabasesStatement {};
struct ShowCreateTableStatement {
  TableName name;
};
struct ExistsStatement {
  TableName name;
};
struct UseStatement {
  std::string schema;
};
struct SetStatement {  // SET name = value, RESET name
  std::string name;
  std::optional<std::string> value;  // nullopt: what a new session has
};
struct ShowSettingsStatement {  // SHOW ALL, SHOW name
  std::optional<std::string> name;
};
struct CreateSchemaStatement {
  std::string schema;
  IfPresent if_present = IfPresent::kFail;
};

struct CopyFromStatement {  // COPY t [(columns)] FROM 'path' [WITH] [(FORMAT csv, HEADER true,
                            // ...)]
  TableName name;
  std::vector<std::string> columns;  // empty: by name (Parquet, CSV with header), else all in order
  std::string path;
  std::map<std::string, std::string> options;  // keys in lower case
};

struct CompactTableStatement {  // COMPACT TABLE t
  TableName name;
};

enum class CallMode : uint8_t { kRun, kDryRun };

struct GcStatement {  // CALL varve_gc(dry_run => true, grace => '1h')
  CallMode mode = CallMode::kRun;
  std::optional<std::string> grace;  // a duration
};

// CALL varve_expire_snapshots('t', retain_last => 5, older_than => '2h', dry_run => true)
struct ExpireSnapshotsStatement {
  TableName name;
  std::optional<uint64_t> retain_last;
  std::optional<std::string> older_than;  // a duration
  CallMode mode = CallMode::kRun;
};

struct QueryStatement {  // SELECT, WITH, VALUES, FROM …
  std::string sql;       // in DuckDB's spelling
};

struct ExplainStatement {
  enum class Kind : uint8_t { kPlan, kVerbose, kAnalyze };
  Kind kind = Kind::kPlan;
  std::string sql;  // of the query, in DuckDB's spelling
};

using Statement =
    std::variant<CreateTableStatement, DropTableStatement, AddColumnsStatement,
                 ModifySettingStatement, InsertStatement, DescribeStatement, ShowTablesStatement,
                 ShowDatabasesStatement, ShowCreateTableStatement, ExistsStatement, UseStatement,
                 SetStatement, ShowSettingsStatement, CreateSchemaStatement, CopyFromStatement,
                 CompactTableStatement, GcStatement, ExpireSnapshotsStatement, QueryStatement,
                 ExplainStatement>;

}  // namespace varve
