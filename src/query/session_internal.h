// SessionImpl: a connection of DuckDB with a current schema, and what each kind of statement does.
// Private to query/.
//
// The work is spread by kind: session.cc (dispatch, queries), session_ddl.cc, session_show.cc,
// session_insert.cc, session_call.cc, session_set.cc, …
#pragma once

#include <duckdb.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/copy_source.h"
#include "query/copy_target.h"
#include "query/direct_aggregate.h"
#include "query/query_result.h"
#include "query/query_rewrite.h"
#include "query/row_batch_builder.h"
#include "query/running_statement.h"
#include "query/session.h"
#include "query/table_source.h"
#include "query/transfers.h"
#include "query/varve_catalog.h"

namespace varve {

// What the sessions of one engine share. Thread-safe.
struct EngineState {
  QueryEngineOptions options;
  std::unique_ptr<duckdb::DuckDB> duckdb;
  CopySource copy_source;
  CopyWriter copy_writer;
  SystemClock clock = {};
  Deadlines deadlines = {};
};

// A connection to the engine's DuckDB whose unqualified names mean the schema's tables.
class SchemaConnection {
 public:
  static Result<std::unique_ptr<SchemaConnection>> Open(EngineState& engine,
                                                        std::string_view schema);
  // Errors: kNotFound.
  Status UseSchema(std::string_view schema);
  // Runs the statement with the names mapped like that, and rows looked for where `target` says.
  Result<std::unique_ptr<ResultStream>> Run(duckdb::unique_ptr<duckdb::SQLStatement> statement,
                                            const NameMapping& names,
                                            std::optional<RowTarget> target = std::nullopt);
  // All rows as one array per column.
  Result<std::vector<std::shared_ptr<arrow::Array>>> RunToArrays(
      duckdb::unique_ptr<duckdb::SQLStatement> statement, const NameMapping& names);
  duckdb::Connection& connection() { return connection_; }

 private:
  explicit SchemaConnection(EngineState& engine);
  EngineState& engine_;
  duckdb::Connection connection_;
  duckdb::shared_ptr<StatementState> state_;
};

// As SHOW CREATE TABLE and SHOW CREATE VIEW print them (session_show.cc, session_view.cc).
std::string CreateTableText(const Table& table);
std::string CreateViewText(const ViewEntry& view);

// What DROP answers: with IF EXISTS, what is not there is no error.
Result<QueryResult> AnswerOfDrop(const Status& dropped, IfMissing if_missing);

class SessionImpl final : public Session {
 public:
  static Result<std::unique_ptr<Session>> Open(EngineState& engine, SessionOptions options);

  using Session::Execute;
  Result<QueryResult> Execute(std::string_view sql, const StatementContext& context) override;
  Result<WriteReport> Ingest(std::vector<PointBatch> points) override;
  void Cancel() override;
  const std::string& schema() const override { return options_.schema; }
  Status UseSchema(std::string_view schema) override;
  const SessionSettings& settings() const override { return settings_; }
  Status ChangeSettings(SessionSettings settings) override;

 private:
  SessionImpl(EngineState& engine, SessionOptions options,
              std::unique_ptr<SchemaConnection> connection)
      : engine_(engine),
        options_(std::move(options)),
        settings_(engine.options.settings),
        connection_(std::move(connection)) {}

  // Makes it the statement that Cancel ends.
  std::shared_ptr<RunningStatement> Begin(std::string_view sql, const StatementContext& context);
  Result<QueryResult> Dispatch(std::string_view sql, std::span<const Parameter> parameters);
  // Has DuckDB stop what runs on the session's connections. From any thread.
  void Interrupt();
  // Before rows of the table are written or deleted. Errors: kInvalidArgument (limiter.h).
  Status AllowWrite(std::string_view schema, std::string_view table) const;
  Status AllowWrite(const Table& table) const;

  Database& database() const { return *engine_.options.database; }
  RewriteContext Rewriting() const { return {&database(), options_.schema, parameters_}; }
  // Of what is no part of the statement's text.
  RewriteContext RewritingDefaults() const { return {&database(), options_.schema}; }
  // A second connection, for small evaluations while a query's rows are still coming on the first.
  Result<SchemaConnection*> Evaluator();

  struct ResolvedName {
    std::string schema;
    std::string table;
  };
  Result<ResolvedName> Resolve(const TableName& name) const;
  Result<std::shared_ptr<Table>> Find(const TableName& name) const;
  // nullptr: it is not there, and nothing is to be done.
  Result<std::shared_ptr<Table>> FindToAlter(const TableName& name, IfMissing if_missing) const;
  // Errors: kInvalidArgument when the DEFAULT of another column that stays is computed from one.
  Status CheckUnused(const TableSchema& schema, const std::vector<std::string>& columns) const;
  // Of the view's query, without running it.
  Result<std::shared_ptr<arrow::Schema>> ViewColumns(std::string_view schema,
                                                     const std::string& query);
  Result<QueryResult> DescribeView(const ViewEntry& view);
  Result<uint64_t> CopyRowsTo(duckdb::unique_ptr<duckdb::SQLStatement> query,
                              const NameMapping& names, const CopyTarget& target);

  Result<QueryResult> Run(const QueryStatement& statement);
  // What it is when it may be answered without a plan (direct_aggregate.h).
  Result<std::optional<DirectAggregate>> MatchDirectly(const duckdb::SelectStatement& query) const;
  // nullptr: it takes a plan.
  Result<std::unique_ptr<ResultStream>> RunDirectly(const duckdb::SelectStatement& query);
  Result<QueryResult> Run(const ExplainStatement& statement);
  Result<QueryResult> Run(const CreateTableStatement& statement);
  Result<QueryResult> Run(const DropTableStatement& statement);
  Result<QueryResult> Run(const AddColumnsStatement& statement);
  Result<QueryResult> Run(const ModifySettingStatement& statement);
  Result<QueryResult> Run(const RenameTableStatement& statement);
  Result<QueryResult> Run(const RenameColumnStatement& statement);
  Result<QueryResult> Run(const DropColumnsStatement& statement);
  Result<QueryResult> Run(const DeleteStatement& statement);
  Result<QueryResult> Run(const TruncateStatement& statement);
  Result<QueryResult> Run(const CreateViewStatement& statement);
  Result<QueryResult> Run(const DropViewStatement& statement);
  Result<QueryResult> Run(const ShowCreateViewStatement& statement);
  Result<QueryResult> Run(const CopyToStatement& statement);
  Result<QueryResult> Run(const CopyDatabaseStatement& statement);
  Result<QueryResult> Run(const ExportDatabaseStatement& statement);
  Result<QueryResult> Run(const ImportDatabaseStatement& statement);
  Result<QueryResult> RunTransfer(const TransferRequest& request);
  Result<QueryResult> Run(const DropSchemaStatement& statement);
  Result<QueryResult> Run(const CreateSchemaStatement& statement);
  // What is meant, as the engine says it. Errors: kInvalidArgument.
  Result<VersionRef> VersionOf(const VersionText& text) const;
  // Those of the savepoint of that name or number, each with its table.
  Result<std::vector<TableSavepoint>> FindSavepoints(const std::string& savepoint,
                                                     const std::optional<TableName>& table) const;
  std::vector<std::shared_ptr<Table>> AllTables() const;  // without partitions
  Result<QueryResult> Run(const CreateSavepointStatement& statement);
  Result<QueryResult> Run(const DropSavepointStatement& statement);
  Result<QueryResult> Run(const AlterSavepointStatement& statement);
  Result<QueryResult> Run(const ShowSavepointsStatement& statement);
  Result<QueryResult> Run(const RollbackTableStatement& statement);
  Result<QueryResult> Run(const CloneTableStatement& statement);
  Result<QueryResult> Run(const UndropTableStatement& statement);
  Result<QueryResult> Run(const CompactTableStatement& statement);
  Result<QueryResult> Run(const GcStatement& statement);
  Result<QueryResult> Run(const ReleaseExportStatement& statement);
  Result<QueryResult> Run(const ExpireSnapshotsStatement& statement);
  Result<QueryResult> Run(const ConsumerStatement& statement);
  Result<QueryResult> Run(const UseStatement& statement);
  Result<QueryResult> Run(const SetStatement& statement);
  Result<QueryResult> Run(const ShowSettingsStatement& statement);
  Result<QueryResult> Run(const DescribeStatement& statement);
  Result<QueryResult> Run(const ShowTablesStatement& statement);
  Result<QueryResult> Run(const ShowDatabasesStatement& statement);
  Result<QueryResult> Run(const ShowCreateTableStatement& statement);
  Result<QueryResult> Run(const ExistsStatement& statement);
  Result<QueryResult> Run(const InsertStatement& statement);
  Result<QueryResult> Run(const CopyFromStatement& statement);

  // Plans and, over a row of NULLs, runs each DEFAULT. `columns` are in the order in which DEFAULTs
  // may refer to each other; only those from `first_checked` on are looked at.
  Status CheckDefaults(const std::vector<ColumnSchema>& columns, size_t first_checked);

  // The columns an INSERT or COPY names, as places in the schema. Errors: kInvalidArgument as
  // CeresDB words them.
  Result<std::vector<size_t>> TargetColumns(const Table& table, const TableSchema& schema,
                                            const std::vector<std::string>* named) const;
  using ValueRows = std::vector<std::vector<InsertValue>>;
  Result<QueryResult> InsertRows(const std::shared_ptr<Table>& table, const TableSchema& schema,
                                 const std::vector<size_t>& targets, const ValueRows& rows);
  Result<QueryResult> InsertQuery(const std::shared_ptr<Table>& table, const TableSchema& schema,
                                  const std::vector<size_t>& targets, std::string_view sql);
  // The expressions among the values at `position`, in order, evaluated and cast to the column's
  // type; nullptr: none.
  Result<std::shared_ptr<arrow::Array>> EvaluateExpressions(const ColumnSchema& column,
                                                            const ValueRows& rows, size_t position);
  // Fills in the DEFAULTs of the columns that are nullptr.
  Status AddDefaults(const TableSchema& schema, ColumnArrays& columns);
  Result<WriteReport> WriteColumns(const std::shared_ptr<Table>& table, const TableSchema& schema,
                                   ColumnArrays columns);
  // Writes all rows of the stream, batch by batch; its columns are those of `targets`, in order, of
  // their types.
  Result<AffectedRows> WriteStream(const std::shared_ptr<Table>& table, const TableSchema& schema,
                                   const std::vector<size_t>& targets, ResultStream& stream);

  EngineState& engine_;
  SessionOptions options_;
  SessionSettings settings_;
  std::span<const Parameter> parameters_;  // of the statement that is being executed
  std::mutex running_mutex_;
  std::shared_ptr<RunningStatement> running_;  // the last one, if it has not ended
  std::unique_ptr<SchemaConnection> connection_;
  std::unique_ptr<SchemaConnection> evaluator_;
  std::mutex copying_mutex_;
  duckdb::Connection* copying_ = nullptr;  // of the COPY that runs; Cancel comes from other threads
};

}  // namespace varve
