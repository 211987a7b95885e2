#include <duckdb/main/config.hpp>
#include <utility>

#include "query/coercions.h"
#include "query/duckdb_bridge.h"
#include "query/duckdb_fence.h"
#include "query/early_stop.h"
#include "query/functions.h"
#include "query/limiter_rule.h"
#include "query/partition_pruning.h"
#include "query/session_internal.h"
#include "query/system_tables.h"
#include "query/table_changes.h"

namespace varve {
namespace {

// COPY's own instance reads and converts a few batches at a time.
constexpr uint64_t kCopyMemoryBytesMax = uint64_t{512} << 20;

class QueryEngineImpl final : public QueryEngine {
 public:
  explicit QueryEngineImpl(QueryEngineOptions options)
      : state_{.options = options,
               .copy_source = CopySource(options.copy, kCopyMemoryBytesMax),
               .copy_writer = CopyWriter(options.copy, kCopyMemoryBytesMax)} {}

  Status Start() {
    return Caught([&]() -> Status {
      duckdb::DBConfig config;
      Configure(config);
      state_.duckdb = std::make_unique<duckdb::DuckDB>(nullptr, &config);
      duckdb::Connection connection(*state_.duckdb);
      VARVE_TRY(RegisterCoercions(connection));
      VARVE_TRY(RegisterFunctions(connection));
      for (const char* const sql : kSettings) {
        const auto result = connection.Query(sql);
        if (result->HasError()) {
          return std::unexpected(ToError(result->GetErrorObject()).WithContext(sql));
        }
      }
      VARVE_TRY(CloseFence(connection));
      VARVE_TRY(RegisterTableChanges(connection, *state_.options.database));
      return RegisterSystemTables(connection, *state_.options.database, state_.options.transfers);
    });
  }

  Result<std::unique_ptr<Session>> NewSession(SessionOptions options) override {
    return SessionImpl::Open(state_, std::move(options));
  }

 private:
  static constexpr std::array kSettings = {
      "SET GLOBAL TimeZone = 'UTC'",
      "SET GLOBAL explain_output = 'all'",
      "ATTACH ':varve:' AS varve (TYPE varve)",
  };

  void Configure(duckdb::DBConfig& config) {
    PrepareFencedConfig(config);
    duckdb::StorageExtension::Register(config, "varve",
                                       MakeStorageExtension(*state_.options.database));
    if (state_.options.limiter != nullptr) {
      RegisterLimiter(config, *state_.options.limiter, state_.clock);
    }
    RegisterPartitionPruning(config);
    if (state_.options.early_stop == EarlyStop::kOn) {
      RegisterEarlyStop(config);
    }
    config.options.maximum_memory = state_.options.memory_bytes_max;
    config.options.use_temporary_directory = !state_.options.temp_folder.empty();
    config.options.temporary_directory = state_.options.temp_folder;
    config.options.maximum_swap_space = state_.options.temp_bytes_max;
    if (state_.options.threads > 0) {
      config.options.maximum_threads = state_.options.threads;
    }
  }

  EngineState state_;
};

}  // namespace

Result<std::unique_ptr<QueryEngine>> QueryEngine::Open(QueryEngineOptions options) {
  auto engine = std::make_unique<QueryEngineImpl>(std::move(options));
  VARVE_TRY(engine->Start());
  return engine;
}

}  // namespace varve
