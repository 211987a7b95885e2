#include "query/session.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <array>
#include <duckdb/catalog/catalog_search_path.hpp>
#include <duckdb/main/client_data.hpp>
#include <duckdb/parser/statement/explain_statement.hpp>

#include "engine/arrow_status.h"
#include "query/bucket_zone.h"
#include "query/direct_aggregate.h"
#include "query/duckdb_bridge.h"
#include "query/limiter.h"
#include "query/parameters.h"
#include "query/session_internal.h"

namespace varve {
namespace {

// Rows of an answer that DuckDB's threads read ahead while those before them are encoded and sent.
constexpr duckdb::idx_t kStreamBufferBytes = duckdb::idx_t{16} << 20;

constexpr std::array<std::string_view, 3> kCatalogNames = {kDefaultCatalogName, "ceresdb",
                                                           "horaedb"};

// Of a statement's text that is kept while it runs, for the log: what follows a secret's word must
// be in it, to be masked.
constexpr size_t kKeptTextBytesMax = 4 * kLoggedTextBytesMax;

// Below a plan that is not used.
constexpr std::string_view kDirectNote =
    "\nDIRECT AGGREGATE: few rows are read, and this statement is answered from the scan, without "
    "the rest of the plan\n";

std::string_view Beginning(std::string_view sql) {
  size_t size = std::min(sql.size(), kKeptTextBytesMax);
  while (size > 0 && size < sql.size() && (static_cast<unsigned char>(sql[size]) & 0xC0) == 0x80) {
    --size;  // whole characters
  }
  return sql.substr(0, size);
}

}  // namespace

SchemaConnection::SchemaConnection(EngineState& engine)
    : engine_(engine),
      connection_(*engine.duckdb),
      state_(duckdb::make_shared_ptr<StatementState>()) {
  connection_.context->registered_state->Insert(StatementState::kKey, state_);
  duckdb::ClientConfig::GetConfig(*connection_.context).streaming_buffer_size = kStreamBufferBytes;
}

Result<std::unique_ptr<SchemaConnection>> SchemaConnection::Open(EngineState& engine,
                                                                 std::string_view schema) {
  return Caught([&]() -> Result<std::unique_ptr<SchemaConnection>> {
    auto opened = std::unique_ptr<SchemaConnection>(new SchemaConnection(engine));
    VARVE_TRY(opened->UseSchema(schema));
    return opened;
  });
}

Status SchemaConnection::UseSchema(std::string_view schema) {
  if (!engine_.options.database->HasSchema(schema)) {
    return NotFound("Schema not found, schema_name:{}", schema);
  }
  return Caught([&] {
    duckdb::ClientContext& context = *connection_.context;
    context.RunFunctionInTransaction([&] {
      duckdb::ClientData::Get(context).catalog_search_path->Set(
          duckdb::CatalogSearchEntry(std::string(kDefaultCatalogName), std::string(schema)),
          duckdb::CatalogSetPathType::SET_SCHEMA);
    });
  });
}

Result<std::unique_ptr<ResultStream>> SchemaConnection::Run(
    duckdb::unique_ptr<duckdb::SQLStatement> statement, const NameMapping& names,
    std::optional<RowTarget> target) {
  state_->names = names;
  state_->row_target = std::move(target);
  return RunQuery(connection_, std::move(statement), NameMapping::FromDuckDb);
}

Result<std::vector<std::shared_ptr<arrow::Array>>> SchemaConnection::RunToArrays(
    duckdb::unique_ptr<duckdb::SQLStatement> statement, const NameMapping& names) {
  VARVE_ASSIGN(const auto stream, Run(std::move(statement), names));
  std::vector<arrow::ArrayVector> pieces(static_cast<size_t>(stream->schema()->num_fields()));
  while (true) {
    VARVE_ASSIGN(const auto batch, stream->Next());
    if (!batch) {
      break;
    }
    for (size_t i = 0; i < pieces.size(); ++i) {
      pieces[i].push_back(batch->column(static_cast<int>(i)));
    }
  }
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].empty()) {
      const auto& type = stream->schema()->field(static_cast<int>(i))->type();
      VARVE_ASSIGN(auto none, FromArrow(arrow::MakeEmptyArray(type)));
      columns.push_back(std::move(none));
      continue;
    }
    VARVE_ASSIGN(auto whole, FromArrow(arrow::Concatenate(pieces[i])));
    columns.push_back(std::move(whole));
  }
  return columns;
}

Result<std::unique_ptr<Session>> SessionImpl::Open(EngineState& engine, SessionOptions options) {
  VARVE_ASSIGN(auto connection, SchemaConnection::Open(engine, options.schema));
  VARVE_TRY(UseBucketZone(connection->connection(), engine.options.settings.time_zone));
  return std::unique_ptr<Session>(
      new SessionImpl(engine, std::move(options), std::move(connection)));
}

Result<QueryResult> SessionImpl::Execute(std::string_view sql, const StatementContext& context) {
  // What ended the statement before may have come too late for it.
  connection_->connection().context->ClearInterrupt();
  const auto running = Begin(sql, context);
  Result<QueryResult> result = Dispatch(sql, context.parameters);
  parameters_ = {};
  if (!result) {
    Error error = running->Explain(std::move(result).error());
    running->End(error);
    return std::unexpected(std::move(error));
  }
  if (const auto* const affected = std::get_if<AffectedRows>(&*result)) {
    running->AddRows(affected->rows);
    running->End(std::nullopt);
    return result;
  }
  return Watched(std::get<std::unique_ptr<ResultStream>>(std::move(*result)), running);
}

std::shared_ptr<RunningStatement> SessionImpl::Begin(std::string_view sql,
                                                     const StatementContext& context) {
  auto running = std::make_shared<RunningStatement>(
      RunningStatement::Options{.clock = engine_.clock,
                                .deadlines = engine_.deadlines,
                                .log = engine_.options.log,
                                .schema = options_.schema,
                                .sql = std::string(Beginning(sql)),
                                .request_id = std::string(context.request_id),
                                .timeout = settings_.statement_timeout,
                                .interrupt = [this] { Interrupt(); }},
      context.stop);
  const std::lock_guard lock(running_mutex_);
  running_ = running;
  return running;
}

Result<QueryResult> SessionImpl::Dispatch(std::string_view sql,
                                          std::span<const Parameter> parameters) {
  VARVE_ASSIGN(const std::vector<Statement> statements,
               ParseSql(sql, ParseOptions{.double_quotes = options_.double_quotes}));
  if (statements.size() != 1) {
    return InvalidArgument("Only support execute one statement now, current num:{}",
                           statements.size());
  }
  if (!parameters.empty()) {
    VARVE_TRY(CheckParameters(sql, parameters));
    parameters_ = parameters;
  }
  VARVE_TRY(running_->Continue());
  return std::visit([this](const auto& kind) { return Run(kind); }, statements.front());
}

Result<WriteReport> SessionImpl::Ingest(std::vector<PointBatch> points) {
  for (const PointBatch& batch : points) {
    VARVE_TRY(AllowWrite(options_.schema, batch.table));
  }
  return database().WritePoints(options_.schema, std::move(points));
}

Status SessionImpl::AllowWrite(std::string_view schema, std::string_view table) const {
  Limiter* const limiter = engine_.options.limiter;
  return limiter == nullptr ? Status() : limiter->CheckWrite(schema, table);
}

Status SessionImpl::AllowWrite(const Table& table) const {
  if (const auto whole = database().TableOf(table)) {
    VARVE_TRY(AllowWrite(whole->schema_name(), whole->name()));
  }
  return AllowWrite(table.schema_name(), table.name());
}

void SessionImpl::Cancel() {
  std::shared_ptr<RunningStatement> running;
  {
    const std::lock_guard lock(running_mutex_);
    running = running_;
  }
  if (running != nullptr) {
    running->Cancel();
  }
}

void SessionImpl::Interrupt() {
  connection_->connection().Interrupt();
  const std::lock_guard lock(copying_mutex_);
  if (copying_ != nullptr) {
    copying_->Interrupt();
  }
}

Status SessionImpl::UseSchema(std::string_view schema) {
  VARVE_TRY(connection_->UseSchema(schema));
  evaluator_.reset();
  options_.schema = std::string(schema);
  return {};
}

Result<SchemaConnection*> SessionImpl::Evaluator() {
  if (!evaluator_) {
    VARVE_ASSIGN(auto opened, SchemaConnection::Open(engine_, options_.schema));
    VARVE_TRY(UseBucketZone(opened->connection(), settings_.time_zone));
    evaluator_ = std::move(opened);
  }
  return evaluator_.get();
}

Result<SessionImpl::ResolvedName> SessionImpl::Resolve(const TableName& name) const {
  if (!name.catalog.empty() &&
      std::ranges::find(kCatalogNames, name.catalog) == kCatalogNames.end()) {
    return NotFound("Catalog not found, catalog_name:{}", name.catalog);
  }
  return ResolvedName{name.schema.empty() ? options_.schema : name.schema, name.table};
}

Result<std::shared_ptr<Table>> SessionImpl::Find(const TableName& name) const {
  VARVE_ASSIGN(const ResolvedName resolved, Resolve(name));
  auto table = database().FindTable(resolved.schema, resolved.table);
  if (!table && database().FindView(resolved.schema, resolved.table)) {
    return InvalidArgument("{} is a view, not a table: it can only be read", resolved.table);
  }
  return table;
}

Result<QueryResult> SessionImpl::Run(const QueryStatement& statement) {
  VARVE_ASSIGN(auto parsed, ParseQuery(statement.sql));
  VARVE_ASSIGN(auto direct, RunDirectly(*parsed));
  if (direct != nullptr) {
    return direct;
  }
  VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(std::move(parsed), Rewriting()));
  return connection_->Run(std::move(query.statement), query.names);
}

Result<std::optional<DirectAggregate>> SessionImpl::MatchDirectly(
    const duckdb::SelectStatement& query) const {
  const Limiter* const limiter = engine_.options.limiter;
  // The rules of a limiter are about plans.
  if (engine_.options.direct_answers == DirectAnswers::kOff ||
      (limiter != nullptr && !limiter->idle())) {
    return std::nullopt;
  }
  return Caught([&] { return MatchDirectAggregate(query, Rewriting()); });
}

Result<std::unique_ptr<ResultStream>> SessionImpl::RunDirectly(
    const duckdb::SelectStatement& query) {
  VARVE_ASSIGN(const auto direct, MatchDirectly(query));
  if (!direct) {
    return nullptr;
  }
  return Caught([&] { return RunDirectAggregate(*connection_->connection().context, *direct); });
}

Result<QueryResult> SessionImpl::Run(const ExplainStatement& statement) {
  VARVE_ASSIGN(auto parsed, ParseQuery(statement.sql));
  VARVE_ASSIGN(const auto direct, MatchDirectly(*parsed));
  VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(std::move(parsed), Rewriting()));
  const bool analyze = statement.kind == ExplainStatement::Kind::kAnalyze;
  auto explain = duckdb::make_uniq<duckdb::ExplainStatement>(
      std::move(query.statement),
      analyze ? duckdb::ExplainType::EXPLAIN_ANALYZE : duckdb::ExplainType::EXPLAIN_STANDARD);
  VARVE_ASSIGN(const auto columns, connection_->RunToArrays(std::move(explain), query.names));
  std::vector<std::string> types;
  std::vector<std::string> plans;
  const auto add = [&](std::string_view key, std::string_view shown) {
    const auto& keys = static_cast<const arrow::StringArray&>(*columns[0]);
    for (int64_t row = 0; row < keys.length(); ++row) {
      if (keys.GetView(row) == key) {
        types.emplace_back(shown);
        plans.push_back(NameMapping::FromDuckDb(
            static_cast<const arrow::StringArray&>(*columns[1]).GetView(row)));
      }
    }
  };
  VARVE_ASSIGN(
      const std::string_view note, Caught([&]() -> std::string_view {
        return direct && IsDirect(*connection_->connection().context, *direct) ? kDirectNote : "";
      }));
  if (analyze) {
    add("analyzed_plan", "Plan with Metrics");
  } else {
    if (statement.kind == ExplainStatement::Kind::kVerbose) {
      add("logical_plan", "initial_logical_plan");
    }
    add("logical_opt", "logical_plan");
    add("physical_plan", "physical_plan");
  }
  if (!plans.empty()) {
    plans.back() += note;
  }
  return TableOf({{"plan_type", StringArray(types)}, {"plan", StringArray(plans)}});
}

}  // namespace varve
