#include "query/copy_engine.h"

#include <algorithm>
#include <duckdb/main/config.hpp>

#include "query/duckdb_bridge.h"

namespace varve {

Result<std::unique_ptr<duckdb::DuckDB>> CopyEngine::Start() const {
  duckdb::DBConfig config;
  config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
  config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
  config.options.maximum_memory = memory_bytes_max_;
  config.options.use_temporary_directory = false;
  if (threads_ == CopyThreads::kCaller) {
    // One thread has the rows in their order anyway; to preserve it would collect them first.
    config.SetOptionByName("threads", duckdb::Value::BIGINT(1));
    config.SetOptionByName("preserve_insertion_order", duckdb::Value::BOOLEAN(false));
  }
  auto started = std::make_unique<duckdb::DuckDB>(nullptr, &config);
  duckdb::Connection setup(*started);
  if (prepare_) {
    VARVE_TRY(prepare_(setup));
  }
  const auto zone = setup.Query("SET GLOBAL TimeZone = 'UTC'");
  if (zone->HasError()) {
    return std::unexpected(ToError(zone->GetErrorObject()));
  }
  return started;
}

Result<std::unique_ptr<duckdb::Connection>> CopyEngine::Connect() {
  return Caught([&]() -> Result<std::unique_ptr<duckdb::Connection>> {
    const std::lock_guard lock(mutex_);
    if (!duckdb_) {
      VARVE_ASSIGN(duckdb_, Start());
    }
    return std::make_unique<duckdb::Connection>(*duckdb_);
  });
}

bool AllowsPath(const CopyPolicy& policy, const std::filesystem::path& real) {
  return policy.reach == CopyPolicy::Reach::kEverywhere ||
         std::ranges::any_of(policy.allowed_folders, [&](const std::string& folder) {
           std::error_code error;
           const std::filesystem::path root = std::filesystem::canonical(folder, error);
           return !error && std::ranges::mismatch(root, real).in1 == root.end();
         });
}

}  // namespace varve
