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
#include "query/duckdb_bridge.h"
#include "query/session_internal.h"

namespace varve {
namespace {

// Rows of an answer that DuckDB's threads read ahead while those before them are encoded and sent.
constexpr duckdb::idx_t kStreamBufferBytes = duckdb::idx_t{16} << 20;

constexpr std::array<std::string_view, 3> kCatalogNames = {kDefaultCatalogName, "ceresdb",
                                                           "horaedb"};

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
    duckdb::unique_ptr<duckdb::SQLStatement> statement, const NameMapping& names) {
  state_->names = names;
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
  return std::unique_ptr<Session>(
      new SessionImpl(engine, std::move(options), std::move(connection)));
}

Result<QueryResult> SessionImpl::Execute(std::string_view sql) {
  VARVE_ASSIGN(const std::vector<Statement> statements,
               ParseSql(sql, ParseOptions{.double_quotes = options_.double_quotes}));
  if (statements.size() != 1) {
    return InvalidArgument("Only support execute one statement now, current num:{}",
                           statements.size());
  }
  return Execute(statements.front());
}

Result<QueryResult> SessionImpl::Execute(const Statement& statement) {
  return std::visit([this](const auto& kind) { return Run(kind); }, statement);
}

Result<WriteReport> SessionImpl::Ingest(std::vector<PointBatch> points) {
  return database().WritePoints(options_.schema, std::move(points));
}

void SessionImpl::Cancel() {
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
    VARVE_ASSIGN(evaluator_, SchemaConnection::Open(engine_, options_.schema));
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
  return database().FindTable(resolved.schema, resolved.table);
}

Result<QueryResult> SessionImpl::Run(const QueryStatement& statement) {
  VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(statement.sql, Rewriting()));
  return connection_->Run(std::move(query.statement), query.names);
}

Result<QueryResult> SessionImpl::Run(const ExplainStatement& statement) {
  VARVE_ASSIGN(RewrittenQuery query, RewriteQuery(statement.sql, Rewriting()));
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
  if (analyze) {
    add("analyzed_plan", "Plan with Metrics");
  } else {
    if (statement.kind == ExplainStatement::Kind::kVerbose) {
      add("logical_plan", "initial_logical_plan");
    }
    add("logical_opt", "logical_plan");
    add("physical_plan", "physical_plan");
  }
  return TableOf({{"plan_type", StringArray(types)}, {"plan", StringArray(plans)}});
}

}  // namespace varve
