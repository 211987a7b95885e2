// ServerConfig: every setting of `varve server`, from four places; the later wins: the defaults
// here, the TOML file, the environment (VARVE_…), the command line.
//
// Keys have the names that CeresDB gives them, in both of its forms ("bind_addr" and
// "server.bind_addr"). A key that is unknown is an error: a setting that is silently ignored is
// found out about too late.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "model/table_options.h"
#include "query/limiter.h"
#include "query/session_settings.h"

namespace varve {

struct ServerConfig {
  std::string data_folder = "./varve-data";
  std::string wal_folder;  // "" = `wal` in the data folder
  std::string bind_address = "127.0.0.1";
  std::optional<uint16_t> http_port = 5440;  // 0 = any free one; nullopt = not served
  uint64_t http_body_bytes_max = 64 << 20;
  // Of everything together; nullopt = 60 % of the machine's. See memory_plan.h, also for the parts.
  std::optional<uint64_t> memory_bytes_max;
  std::optional<uint64_t> write_memory_bytes_max;
  std::optional<uint64_t> file_cache_bytes_max;
  std::optional<uint64_t> query_memory_bytes_max;
  uint64_t query_temp_bytes_max = uint64_t{10} << 30;
  size_t query_threads = 0;  // 0 = one per core
  size_t flush_threads = 1;
  // At once, each on a thread of low priority: a quarter of the cores. 0 = none in the background.
  size_t compaction_tasks_max = std::clamp<size_t>(std::thread::hardware_concurrency() / 4, 1, 8);
  uint64_t compaction_bytes_per_second = 0;  // read and written by them together; 0 = no limit
  // How often each table is looked at for what is past its time; 0 = never.
  std::chrono::milliseconds housekeeping_interval = std::chrono::minutes(5);
  bool wal_sync = true;
  std::vector<std::string> copy_allowed_folders;
  // Made at the start where they are not there.
  std::vector<std::string> schemas;
  // What GET /route says of this server; "" = bind_address.
  std::string node_address;
  uint16_t grpc_port = 8831;
  // How long a stopping server waits for what it is doing before it cancels that.
  std::chrono::milliseconds stop_grace = std::chrono::seconds(10);
  SessionSettings session;
  // 0 = no statement is slow. Without a path to the program's log.
  std::chrono::milliseconds slow_query_threshold = std::chrono::seconds(5);
  std::string slow_query_path;
  std::string failed_query_path;
  BlockLists blocked;
  // Whether changes of what is blocked are still there after a restart.
  bool persist_blocked = false;
  LogLevel log_level = LogLevel::kInfo;
  // Tables that schemaless writes make.
  bool auto_create_tables = true;
  std::string auto_timestamp_column = "timestamp";
  TableOptions auto_table_options = {.enable_ttl = false};

  // For the log: each key and variable that was given and has no effect, and why.
  std::vector<std::string> warnings = {};

  bool operator==(const ServerConfig&) const = default;
};

// What the environment holds under a name; nullopt: nothing.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// The defaults, changed by the text of a TOML file. `origin` names it in errors. Errors:
// kInvalidArgument that says where and what: a syntax error, an unknown key (with the nearest known
// one), a value that does not fit.
Result<ServerConfig> ParseServerConfig(std::string_view toml, std::string_view origin);

// The file at `path`, as above. Errors also: kNotFound, kIo.
Result<ServerConfig> ReadServerConfig(const std::string& path);

// VARVE_HTTP_PORT and the like; every setting has one, named in its error. Lists are separated by
// ':'.
Result<ServerConfig> WithEnvironment(ServerConfig config, const Environment& environment);

// One setting by its key, as the command line gives it. Errors: kInvalidArgument.
Result<ServerConfig> WithSetting(ServerConfig config, std::string_view key, std::string_view value);

// As a TOML file that ParseServerConfig reads back to the same, but for the warnings. It holds no
// secrets: there are none among the settings that have an effect.
std::string ToToml(const ServerConfig& config);

// The process's environment.
std::optional<std::string> ProcessEnvironment(const std::string& name);

}  // namespace varve
