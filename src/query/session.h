// Session: where every protocol meets the database. Text goes in, rows or a count come out;
// schemaless points go in by Ingest. No DuckDB type appears here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "query/session_settings.h"
#include "sql/parser.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace varve {

class Limiter;
class StatementLog;
class Transfers;

inline constexpr std::string_view kDefaultCatalogName = "varve";

// The rows of a query, batch by batch. One thread. The session that made it must outlive it, and
// runs nothing else until the stream has ended or is destroyed. Destroying it ends the query.
class ResultStream {
 public:
  virtual ~ResultStream() = default;
  // Names as the client shall see them. Types: those of ArrowType(ColumnType), and what expressions
  // give beyond them (decimal128, int128 as decimal, interval, list, struct, map, timestamptz,
  // null, …).
  virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  // The next rows; nullptr after the last. Errors: kInvalidArgument for what the data made of the
  // query (a division, a cast), kCancelled, kResourceExhausted, kIo, kCorruption.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

struct AffectedRows {
  uint64_t rows = 0;
  // For whoever sent the statement: what it did not do as he may think, a sentence each.
  std::vector<std::string> warnings = {};
};

using QueryResult = std::variant<AffectedRows, std::unique_ptr<ResultStream>>;

struct CopyPolicy {
  // COPY … FROM may read files in these folders (absolute) and below; empty = nowhere.
  std::vector<std::string> allowed_folders;
  // The shell that runs in the user's own process may read whatever the user may.
  enum class Reach { kAllowedFolders, kEverywhere } reach = Reach::kAllowedFolders;
};

// Whether plans may read less than all that they name, where the answer is the same (early_stop.h).
// Tests compare both.
enum class EarlyStop : uint8_t { kOn, kOff };

// Whether small aggregates are answered without a plan (direct_aggregate.h). Likewise.
enum class DirectAnswers : uint8_t { kOn, kOff };

struct QueryEngineOptions {
  Database* database = nullptr;                   // outlives the engine
  uint64_t memory_bytes_max = uint64_t{2} << 30;  // of DuckDB's operators
  std::string temp_folder;  // where large sorts and joins spill; "" = they fail instead
  uint64_t temp_bytes_max = uint64_t{10} << 30;
  size_t threads = 0;  // 0 = one per core
  CopyPolicy copy;
  EarlyStop early_stop = EarlyStop::kOn;
  DirectAnswers direct_answers = DirectAnswers::kOn;
  Limiter* limiter = nullptr;  // what is blocked (limiter.h); outlives the engine; nullptr: nothing
  StatementLog* log = nullptr;     // slow and failed statements; outlives the engine; nullptr: none
  Transfers* transfers = nullptr;  // exports and imports; outlives the engine; nullptr: none
  SessionSettings settings;        // of a new session, and what SET … = DEFAULT returns to
};

struct SessionOptions {
  std::string schema = std::string(kDefaultSchema);
  DoubleQuotes double_quotes = DoubleQuotes::kString;
};

// The value of a parameter: NULL, a boolean, a number or a text. A timestamp column takes integers
// (milliseconds) and ISO texts, as it does literals.
using Parameter = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string>;

// What comes with a statement.
struct StatementContext {
  // Of ? (in the order of the text) or $1, $2, …: each is given, and none more.
  std::span<const Parameter> parameters = {};
  std::string_view request_id = {};  // for the log
  std::stop_token stop = {};         // does what Cancel does
};

// One thread at a time, but for Cancel.
class Session {
 public:
  virtual ~Session() = default;

  // Runs the one statement of the text. Errors: kInvalidArgument (parse errors with a caret,
  // unknown columns, wrong types, parameters that do not fit, more or less than one statement, a
  // table that is blocked, a statement that took longer than statement_timeout), kNotFound (table,
  // schema), kAlreadyExists, kNotSupported, kCancelled, kResourceExhausted, kIo,
  // kCorruption. The message is for users: it holds no stack and no path of the server.
  // What `context` refers to is not used after the return, but for `stop`.
  virtual Result<QueryResult> Execute(std::string_view sql, const StatementContext& context) = 0;
  Result<QueryResult> Execute(std::string_view sql) { return Execute(sql, StatementContext{}); }

  // Writes points into the session's schema: see Database::WritePoints.
  virtual Result<WriteReport> Ingest(std::vector<PointBatch> points) = 0;

  // Ends what the session is doing, with kCancelled. From any thread; nothing happens when it is
  // idle.
  virtual void Cancel() = 0;

  virtual const std::string& schema() const = 0;
  // Errors: kNotFound "Schema not found, schema_name:S".
  virtual Status UseSchema(std::string_view schema) = 0;

  virtual const SessionSettings& settings() const = 0;
  // From the next statement on. Errors: kInvalidArgument for a time zone that does not exist.
  virtual Status ChangeSettings(SessionSettings settings) = 0;
};

// DuckDB in the process with Varve's catalogue in it. Thread-safe; outlives its sessions.
class QueryEngine {
 public:
  static Result<std::unique_ptr<QueryEngine>> Open(QueryEngineOptions options);
  virtual ~QueryEngine() = default;
  virtual Result<std::unique_ptr<Session>> NewSession(SessionOptions options) = 0;
};

}  // namespace varve
