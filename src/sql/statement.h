// Statement: what a text of Varve's dialect means. Statements that DuckDB answers (SELECT and the
// like) stay text, rewritten to DuckDB's spelling; all others are fully taken apart here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/partitioning.h"
#include "model/table_schema.h"

namespace varve {

// A table as it is written: the parts that are not given come from the session.
struct TableName {
  std::string catalog;  // "" = not given
  std::string schema;   // "" = not given
  std::string table;
  bool operator==(const TableName&) const = default;
};

// A schema as it is written.
struct SchemaName {
  std::string catalog;  // "" = not given
  std::string schema;
  bool operator==(const SchemaName&) const = default;
};

enum class IfMissing : uint8_t { kFail, kIgnore };  // DROP TABLE [IF EXISTS]
enum class IfPresent : uint8_t { kFail, kIgnore };  // CREATE TABLE [IF NOT EXISTS]

struct CreateTableStatement {
  TableName name;
  IfPresent if_present = IfPresent::kFail;
  TableSpec spec;
  std::optional<PartitionClause> partition;
  std::map<std::string, std::string> options;  // WITH; a NULL value leaves its option out
  std::string engine = "Analytic";
};

struct DropTableStatement {
  TableName name;
  IfMissing if_missing = IfMissing::kFail;
};

struct AddColumnsStatement {  // ALTER TABLE t ADD COLUMN ...
  TableName name;
  IfMissing if_missing = IfMissing::kFail;  // ALTER TABLE [IF EXISTS]
  std::vector<ColumnSchema> columns;
};

struct ModifySettingStatement {  // ALTER TABLE t MODIFY SETTING ...
  TableName name;
  IfMissing if_missing = IfMissing::kFail;
  std::map<std::string, std::string> options;
};

struct RenameTableStatement {  // ALTER TABLE t RENAME TO u
  TableName name;
  IfMissing if_missing = IfMissing::kFail;
  std::string new_name;
};

struct RenameColumnStatement {  // ALTER TABLE t RENAME COLUMN a TO b
  TableName name;
  IfMissing if_missing = IfMissing::kFail;
  std::string column;
  std::string new_name;
};

struct DropColumnsStatement {  // ALTER TABLE t DROP COLUMN a [, DROP COLUMN b]
  TableName name;
  IfMissing if_missing = IfMissing::kFail;
  std::vector<std::string> columns;
  IfMissing if_column_missing = IfMissing::kFail;  // DROP COLUMN [IF EXISTS]
};

struct DeleteStatement {  // DELETE FROM t [WHERE ...]
  TableName name;
  std::optional<std::string> where;  // in DuckDB's spelling; nullopt: all rows
};

struct TruncateStatement {  // TRUNCATE [TABLE] t
  TableName name;
};

enum class IfTaken : uint8_t { kFail, kKeep, kReplace };

struct CreateViewStatement {  // CREATE [OR REPLACE] VIEW [IF NOT EXISTS] v [(columns)] AS query
  TableName name;
  IfTaken if_taken = IfTaken::kFail;
  std::vector<std::string> columns;
  // In Varve's spelling, with DoubleQuotes::kString or kIdentifier alike: names in back quotes.
  std::string query;
};

struct DropViewStatement {
  TableName name;
  IfMissing if_missing = IfMissing::kFail;
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
struct ShowCreateViewStatement {
  TableName name;
};
struct UseStatement {
  SchemaName name;
};
struct SetStatement {  // SET name = value, RESET name
  std::string name;
  std::optional<std::string> value;  // nullopt: what a new session has
};
struct ShowSettingsStatement {  // SHOW ALL, SHOW name
  std::optional<std::string> name;
};
struct CreateSchemaStatement {
  SchemaName name;
  IfPresent if_present = IfPresent::kFail;
};
struct DropSchemaStatement {
  SchemaName name;
  IfMissing if_missing = IfMissing::kFail;
  enum class Contents : uint8_t { kRestrict, kCascade } contents = Contents::kRestrict;
};

struct CopyFromStatement {  // COPY t [(columns)] FROM 'path' [WITH] [(FORMAT csv, HEADER true,
                            // ...)]
  TableName name;
  std::vector<std::string> columns;  // empty: by name (Parquet, CSV with header), else all in order
  std::string path;
  std::map<std::string, std::string> options;  // keys in lower case
};

struct CopyToStatement {  // COPY t [(columns)] TO 'path' [(FORMAT csv, ...)], COPY (query) TO ...
  // The query in DuckDB's spelling; "" = the table.
  std::string query;
  TableName name;
  std::vector<std::string> columns;  // of the table; empty: all
  std::string path;
  std::map<std::string, std::string> options;  // keys in lower case
};

struct CopyDatabaseStatement {  // COPY DATABASE s TO 'folder' WITH (START_TIME = ..., FORMAT = ...)
  SchemaName name;
  std::string folder;
  std::map<std::string, std::string> options;  // keys in lower case
};

// Which version of a table is meant: what follows VERSION, TIMESTAMP or SAVEPOINT.
struct VersionText {
  enum class Kind : uint8_t { kVersion, kTimestamp, kSavepoint };
  Kind kind = Kind::kVersion;
  std::string text;  // 42, snapshot.42; 2024-01-01T00:00:00Z or milliseconds; a name or a number
  bool operator==(const VersionText&) const = default;
};

// CREATE SAVEPOINT [name] [FOR TABLE t, ... | FOR SCHEMA s | FOR DATABASE]
//   [AS OF VERSION n | TIMESTAMP ts | SAVEPOINT s] [RETAIN interval] [LOCK UNTIL ts]
struct CreateSavepointStatement {
  std::string name;                  // "": none
  std::vector<TableName> tables;     // empty: as `schema` says
  std::optional<SchemaName> schema;  // nullopt, without tables: all there are
  std::optional<VersionText> as_of;
  std::optional<std::string> retain;      // a duration
  std::optional<std::string> lock_until;  // a time
};

// DROP SAVEPOINT [IF EXISTS] s [FOR TABLE t]
struct DropSavepointStatement {
  std::string savepoint;  // its name or number
  IfMissing if_missing = IfMissing::kFail;
  std::optional<TableName> table;  // nullopt: all that have one of that name
};

// ALTER SAVEPOINT s [FOR TABLE t] SET RETAIN interval | RETAIN FOREVER | LOCK UNTIL ts
struct AlterSavepointStatement {
  std::string savepoint;
  std::optional<TableName> table;
  enum class Change : uint8_t { kRetain, kRetainForever, kLock } change = Change::kRetain;
  std::string value;  // of kRetain a duration, of kLock a time
};

struct ShowSavepointsStatement {   // SHOW SAVEPOINTS [FOR TABLE t]
  std::optional<TableName> table;  // nullopt: of all tables
};

struct RollbackTableStatement {  // ROLLBACK TABLE t TO VERSION n | SAVEPOINT s | TIMESTAMP ts
  TableName name;
  VersionText to;
};

struct CloneTableStatement {  // CREATE TABLE [IF NOT EXISTS] t CLONE u [VERSION AS OF n | ...]
  TableName name;
  IfPresent if_present = IfPresent::kFail;
  TableName source;
  std::optional<VersionText> as_of;
};

struct UndropTableStatement {  // UNDROP TABLE t [AS u]
  TableName name;
  std::string new_name;
};

struct ExportDatabaseStatement {  // EXPORT DATABASE TO 'uri' [WITH] (format = csv, ...)
  std::string location;
  std::map<std::string, std::string> options;  // keys in lower case
};

struct ImportDatabaseStatement {  // IMPORT DATABASE FROM 'uri' [WITH] (on_conflict = skip, ...)
  std::string location;
  std::map<std::string, std::string> options;  // keys in lower case
};

struct CompactTableStatement {  // COMPACT TABLE t
  TableName name;
};

enum class CallMode : uint8_t { kRun, kDryRun };

struct ReleaseExportStatement {  // CALL varve_release_export('<snapshot id>')
  std::string snapshot_id;
};

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

// CALL create_consumer('t', 'name' [, version]), reset_consumer('t', 'name', version),
// delete_consumer('t', 'name')
struct ConsumerStatement {
  enum class Action : uint8_t { kCreate, kReset, kDelete };
  Action action = Action::kCreate;
  TableName name;
  std::string consumer;
  std::optional<std::string> version;  // the last one that it has read; nullopt: the newest
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
    std::variant<RenameTableStatement, RenameColumnStatement, DropColumnsStatement, DeleteStatement,
                 TruncateStatement, CreateViewStatement, DropViewStatement, ShowCreateViewStatement,
                 DropSchemaStatement, CopyToStatement, CopyDatabaseStatement,
                 ExportDatabaseStatement, ImportDatabaseStatement, CreateTableStatement,
                 DropTableStatement, AddColumnsStatement, ModifySettingStatement, InsertStatement,
                 DescribeStatement, ShowTablesStatement, ShowDatabasesStatement,
                 ShowCreateTableStatement, ExistsStatement, UseStatement, SetStatement,
                 ShowSettingsStatement, CreateSchemaStatement, CopyFromStatement,
                 CreateSavepointStatement, DropSavepointStatement, AlterSavepointStatement,
                 ShowSavepointsStatement, RollbackTableStatement, CloneTableStatement,
                 UndropTableStatement, CompactTableStatement, GcStatement, ReleaseExportStatement,
                 ExpireSnapshotsStatement, QueryStatement, ExplainStatement, ConsumerStatement>;

}  // namespace varve
