#include "main/server_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>

#include "base/machine.h"
#include "base/units.h"
#include "main/ignored_settings.h"
#include "main/setting_apply_internal.h"

namespace varve {
namespace {

constexpr uint64_t kThreadsMax = 256;           // more than any machine this is built for has cores
constexpr uint64_t kMemoryBytesMin = 16 << 20;  // below, the first request fails
constexpr uint64_t kMemoryLimitBytesMin = 128 << 20;  // below, its parts are too small
constexpr uint64_t kBodyBytesMax = uint64_t{4} << 30;
constexpr std::chrono::milliseconds kIntervalMax = std::chrono::days(1);  // disks fill up meanwhile
constexpr size_t kSuggestionDistanceMax = 4;  // farther away is another word

constexpr std::array<std::pair<std::string_view, LogLevel>, 6> kLogLevels = {{
    {"trace", LogLevel::kTrace},
    {"debug", LogLevel::kDebug},
    {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarn},
    {"error", LogLevel::kError},
    {"off", LogLevel::kOff},
}};

Result<uint64_t> ParseNumber(std::string_view text, uint64_t max) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > max) {
    return InvalidArgument("'{}' is not a number from 0 to {}", text, max);
  }
  return number;
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "false") {
    return text == "true";
  }
  return InvalidArgument("'{}' is neither true nor false", text);
}

Result<uint64_t> ParseSizeWithin(std::string_view text, uint64_t min, uint64_t max) {
  VARVE_ASSIGN(const uint64_t size, ParseSize(text));
  if (size < min || size > max) {
    return InvalidArgument("{} is not from {} to {}", FormatSize(size), FormatSize(min),
                           FormatSize(max));
  }
  return size;
}

Result<std::optional<uint64_t>> ParseMemory(std::string_view text) {
  VARVE_ASSIGN(const uint64_t size,
               ParseSizeWithin(text, kMemoryBytesMin, std::numeric_limits<int64_t>::max()));
  return std::optional(size);
}

// "" where it is left to the limit of all.
std::string ShowMemory(const std::optional<uint64_t>& bytes) {
  return bytes ? fmt::format("{}", *bytes) : std::string();
}

Result<std::optional<uint64_t>> ParseMemoryLimit(std::string_view text) {
  if (!text.ends_with('%')) {
    return ParseSizeWithin(text, kMemoryLimitBytesMin, std::numeric_limits<int64_t>::max());
  }
  const auto percent = ParseNumber(text.substr(0, text.size() - 1), 100);
  if (!percent || *percent == 0) {
    return InvalidArgument("'{}' is neither a size nor a percentage from 1% to 100%", text);
  }
  return std::optional(MachineMemoryBytes() / 100 * *percent);
}

// How often something is done; 0 = never.
Result<std::chrono::milliseconds> ParseInterval(std::string_view text) {
  VARVE_ASSIGN(const std::chrono::milliseconds interval, ParseDuration(text));
  if (interval > kIntervalMax) {
    return InvalidArgument("'{}' is more than {}; 0s = never", text, FormatDuration(kIntervalMax));
  }
  return interval;
}

Result<std::optional<uint16_t>> ParsePort(std::string_view text) {
  if (text == "off") {
    return std::optional<uint16_t>();
  }
  const Result<uint64_t> port = ParseNumber(text, std::numeric_limits<uint16_t>::max());
  if (!port) {
    return InvalidArgument("'{}' is not a port: a number up to 65535 (0 = any free one), or off",
                           text);
  }
  return std::optional(static_cast<uint16_t>(*port));
}

Result<LogLevel> ParseLogLevel(std::string_view text) {
  for (const auto& [name, level] : kLogLevels) {
    if (name == text) {
      return level;
    }
  }
  return InvalidArgument("'{}' is not a level: trace, debug, info, warn, error or off", text);
}

std::string_view LogLevelName(LogLevel level) {
  return std::ranges::find(kLogLevels, level, [](const auto& entry) { return entry.second; })
      ->first;
}

Result<std::string> ParseNonEmpty(std::string_view text) {
  if (text.empty()) {
    return InvalidArgument("it is empty");
  }
  return std::string(text);
}

Status OnlyKind(std::string_view text, std::string_view kind) {
  if (text != kind) {
    return InvalidArgument("'{}' is not supported, only '{}' is", text, kind);
  }
  return {};
}

std::vector<Setting> AddressSettings() {
  return {
      {{"server.bind_addr", "bind_addr"},
       "VARVE_BIND_ADDR",
       R"(the address to listen on; 0.0.0.0 = all of the machine)",
       VARVE_APPLY(bind_address, ParseNonEmpty(text)),
       [](const ServerConfig& config) { return TomlString(config.bind_address); }},
      {{"server.http_port", "http_port"},
       "VARVE_HTTP_PORT",
       R"(HTTP; 0 = any free port, which is printed; "off" = not served)",
       VARVE_APPLY(http_port, ParsePort(text)),
       [](const ServerConfig& config) {
         return config.http_port ? fmt::format("{}", *config.http_port) : std::string("\"off\"");
       }},
      {{"server.http_max_body_size"},
       "VARVE_HTTP_MAX_BODY_SIZE",
       R"(of a request, also after decompression; beyond: 413)",
       VARVE_APPLY(http_body_bytes_max, ParseSizeWithin(text, 1, kBodyBytesMax)),
       [](const ServerConfig& config) { return fmt::format("{}", config.http_body_bytes_max); }},
      {{"server.memory_limit", "memory_limit"},
       "VARVE_MEMORY_LIMIT",
       R"(of everything together: 8GiB or 50%; empty = 60 % of the machine)",
       VARVE_APPLY(memory_bytes_max, ParseMemoryLimit(text)),
       [](const ServerConfig& config) { return ShowMemory(config.memory_bytes_max); }},
      {{"server.auto_create_table"},
       "VARVE_AUTO_CREATE_TABLE",
       R"(whether schemaless writes make tables that are missing)",
       VARVE_APPLY(auto_create_tables, ParseBool(text)),
       [](const ServerConfig& config) { return fmt::format("{}", config.auto_create_tables); }},
      {{"server.default_schema_config.default_timestamp_column_name"},
       "VARVE_DEFAULT_TIMESTAMP_COLUMN_NAME",
       R"(the timestamp key of tables that schemaless writes make)",
       VARVE_APPLY(auto_timestamp_column, ParseNonEmpty(text)),
       [](const ServerConfig& config) { return TomlString(config.auto_timestamp_column); }},
      {{"logger.level", "log_level"},
       "VARVE_LOG_LEVEL",
       R"(trace, debug, info, warn, error or off)",
       VARVE_APPLY(log_level, ParseLogLevel(text)),
       [](const ServerConfig& config) { return TomlString(LogLevelName(config.log_level)); }},
  };
}

std::vector<Setting> StorageSettings() {
  const auto ignore = [](const ServerConfig&) { return std::string(); };
  return {
      {{"analytic.storage.object_store.data_dir", "analytic.storage.object_store.data_path",
        "analytic.storage.data_path"},
       "VARVE_DATA_DIR",
       R"(the data folder)",
       VARVE_APPLY(data_folder, ParseNonEmpty(text)),
       [](const ServerConfig& config) { return TomlString(config.data_folder); }},
      {{"analytic.storage.object_store.type", "analytic.storage.type"},
       "VARVE_STORAGE_TYPE",
       R"(where files are kept; only Local)",
       [](ServerConfig&, std::span<const std::string> values) {
         return OnlyKind(values.empty() ? "" : values.front(), "Local");
       },
       ignore},
      {{"analytic.wal.data_dir", "analytic.wal.data_path", "analytic.wal_path"},
       "VARVE_WAL_DIR",
       R"(the folder of the log; empty = wal in the data folder)",
       VARVE_APPLY(wal_folder, Result<std::string>(std::string(text))),
       [](const ServerConfig& config) { return TomlString(config.wal_folder); }},
      {{"analytic.wal.type"},
       "VARVE_WAL_TYPE",
       R"(what keeps the log; only RocksDB)",
       [](ServerConfig&, std::span<const std::string> values) {
         return OnlyKind(values.empty() ? "" : values.front(), "RocksDB");
       },
       ignore},
      {{"analytic.wal.sync", "wal.sync"},
       "VARVE_WAL_SYNC",
       R"(whether a write waits until the disk has it; false: a power loss may take the last rows)",
       VARVE_APPLY(wal_sync, ParseBool(text)),
       [](const ServerConfig& config) { return fmt::format("{}", config.wal_sync); }},
      {{"analytic.db_write_buffer_size"},
       "VARVE_DB_WRITE_BUFFER_SIZE",
       R"(memory for rows that are not yet in files; empty = a share of memory_limit)",
       VARVE_APPLY(write_memory_bytes_max, ParseMemory(text)),
       [](const ServerConfig& config) { return ShowMemory(config.write_memory_bytes_max); }},
      {{"analytic.file_cache_size", "analytic.storage.mem_cache_capacity"},
       "VARVE_FILE_CACHE_SIZE",
       R"(memory for decoded pages and indexes of files; empty = a share of memory_limit)",
       VARVE_APPLY(file_cache_bytes_max, ParseMemory(text)),
       [](const ServerConfig& config) { return ShowMemory(config.file_cache_bytes_max); }},
      {{"analytic.compaction.max_ongoing_tasks"},
       "VARVE_COMPACTION_MAX_ONGOING_TASKS",
       R"(merges of files at once; 0 = none in the background)",
       VARVE_APPLY(compaction_tasks_max, ParseNumber(text, kThreadsMax)),
       [](const ServerConfig& config) { return fmt::format("{}", config.compaction_tasks_max); }},
      {{"analytic.compaction.bytes_per_second"},
       "VARVE_COMPACTION_BYTES_PER_SECOND",
       R"(read and written by merges together; 0 = no limit)",
       VARVE_APPLY(compaction_bytes_per_second, ParseSize(text)),
       [](const ServerConfig& config) {
         return fmt::format("{}", config.compaction_bytes_per_second);
       }},
      {{"analytic.housekeeping_interval"},
       "VARVE_HOUSEKEEPING_INTERVAL",
       R"(how often each table is looked at for what is past its time; 0s = never)",
       VARVE_APPLY(housekeeping_interval, ParseInterval(text)),
       [](const ServerConfig& config) {
         return TomlString(FormatDuration(config.housekeeping_interval));
       }},
      {{"analytic.flush_threads"},
       "VARVE_FLUSH_THREADS",
       R"(threads that write rows from memory to files)",
       VARVE_APPLY(flush_threads, ParseNumber(text, kThreadsMax)),
       [](const ServerConfig& config) { return fmt::format("{}", config.flush_threads); }},
  };
}

std::vector<Setting> QuerySettings() {
  return {
      {{"query_engine.memory_limit"},
       "VARVE_QUERY_MEMORY_LIMIT",
       R"(memory of queries; empty = a share of memory_limit)",
       VARVE_APPLY(query_memory_bytes_max, ParseMemory(text)),
       [](const ServerConfig& config) { return ShowMemory(config.query_memory_bytes_max); }},
      {{"query_engine.temp_limit"},
       "VARVE_QUERY_TEMP_LIMIT",
       R"(disk that queries may use when their memory is full)",
       VARVE_APPLY(query_temp_bytes_max, ParseSize(text)),
       [](const ServerConfig& config) { return fmt::format("{}", config.query_temp_bytes_max); }},
      {{"query_engine.read_parallelism"},
       "VARVE_QUERY_READ_PARALLELISM",
       R"(threads of queries; 0 = one per core)",
       VARVE_APPLY(query_threads, ParseNumber(text, kThreadsMax)),
       [](const ServerConfig& config) { return fmt::format("{}", config.query_threads); }},
      {{"copy.allowed_folders"},
       "VARVE_COPY_ALLOWED_FOLDERS",
       R"(COPY reads and writes files below these (absolute) folders only)",
       [](ServerConfig& config, std::span<const std::string> values) {
         for (const std::string& folder : values) {
           if (!folder.starts_with('/')) {
             return Status(InvalidArgument("'{}' is not an absolute path", folder));
           }
         }
         config.copy_allowed_folders.assign(values.begin(), values.end());
         return Status();
       },
       [](const ServerConfig& config) { return TomlList(config.copy_allowed_folders); },
       ':'},
  };
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view LastPart(std::string_view key) { return key.substr(key.rfind('.') + 1); }

}  // namespace

const std::vector<Setting>& AllSettings() {
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> all = AddressSettings();
    std::ranges::move(StorageSettings(), std::back_inserter(all));
    std::ranges::move(QuerySettings(), std::back_inserter(all));
    std::ranges::move(OperationSettings(), std::back_inserter(all));
    return all;
  }();
  return settings;
}

Result<const Setting*> FindSetting(std::string_view key) {
  std::string_view nearest;
  size_t nearest_distance = kSuggestionDistanceMax + 1;
  for (const Setting& setting : AllSettings()) {
    for (const std::string_view known : setting.keys) {
      if (known == key) {
        return &setting;
      }
      // The right word in the wrong section is as good a guess as a slip of the finger.
      const size_t distance = LastPart(known) == LastPart(key) ? 1 : EditDistance(known, key);
      if (distance < nearest_distance) {
        nearest_distance = distance;
        nearest = known;
      }
    }
  }
  for (const IgnoredSetting& ignored : IgnoredSettings()) {
    const size_t distance = EditDistance(ignored.key, key);
    if (distance < nearest_distance) {
      nearest_distance = distance;
      nearest = ignored.key;
    }
  }
  if (nearest.empty()) {
    return InvalidArgument("unknown key '{}'", key);
  }
  return InvalidArgument("unknown key '{}'; did you mean '{}'?", key, nearest);
}

std::string TomlList(std::span<const std::string> values) {
  std::string text;
  for (const std::string& value : values) {
    text += (text.empty() ? "" : ", ") + TomlString(value);
  }
  return "[" + text + "]";
}

std::string TomlString(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace varve
