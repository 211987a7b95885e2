// TableOptions: what stands after WITH in CREATE TABLE. An immutable value with CeresDB's names,
// defaults and limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

enum class UpdateMode : uint8_t { kOverwrite, kAppend };
enum class Compression : uint8_t { kUncompressed, kLz4, kSnappy, kZstd };
enum class CompactionStrategy : uint8_t { kDefault, kSizeTiered, kTimeWindow };

struct TableOptions {
  bool enable_ttl = true;
  std::chrono::milliseconds ttl = std::chrono::days(7);       // whole days
  std::optional<std::chrono::milliseconds> segment_duration;  // nullopt: chosen at the first flush
  UpdateMode update_mode = UpdateMode::kOverwrite;
  Compression compression = Compression::kZstd;
  uint64_t num_rows_per_row_group = 122'880;
  uint64_t write_buffer_size_bytes = 32 << 20;
  uint64_t arena_block_size_bytes = 2 << 20;
  CompactionStrategy compaction_strategy = CompactionStrategy::kDefault;
  double compaction_bucket_low = 0.5;
  double compaction_bucket_high = 1.5;
  uint64_t compaction_min_sstable_size_bytes = 50 << 20;
  uint64_t compaction_min_threshold = 4;
  uint64_t compaction_max_threshold = 16;
  std::string compaction_timestamp_resolution = "ms";
  std::string memtable_type = "skiplist";
  bool layered_enable = false;
  uint64_t layered_mutable_switch_threshold_bytes = 3 << 20;
  // How long old versions can be read: the newest `min` always, at most `max` of them, and between
  // the two those that were the table's state within `time_retained`.
  uint64_t snapshot_num_retained_min = 10;
  std::optional<uint64_t> snapshot_num_retained_max;  // nullopt: as many as time_retained keeps
  std::chrono::milliseconds snapshot_time_retained = std::chrono::hours(1);
  // Savepoints that the table makes by itself, and which of those stay: the newest `max`, those of
  // `time_retained`; both unset: all.
  std::optional<std::chrono::milliseconds> savepoint_create_interval;  // nullopt: none are made
  std::optional<uint64_t> savepoint_num_retained_max;
  std::optional<std::chrono::milliseconds> savepoint_time_retained;
  // How long UNDROP TABLE can bring the table back.
  std::chrono::milliseconds drop_time_retained = std::chrono::hours(1);
  // Consumers that have not been heard of for so long hold nothing any more; nullopt: for ever.
  std::optional<std::chrono::milliseconds> consumer_expiration_time;
  // Keys that Varve does not know: kept and shown, without an effect, as CeresDB does.
  std::map<std::string, std::string> unknown;

  bool operator==(const TableOptions&) const = default;
};

enum class OptionsUse : uint8_t { kCreate, kAlter };

// The options with `changes` applied (key -> value as text). kAlter silently ignores what cannot be
// altered (segment_duration, update_mode), as CeresDB does. Errors: kInvalidArgument that names the
// option, the text and what is allowed.
Result<TableOptions> WithChanges(TableOptions options,
                                 const std::map<std::string, std::string>& changes, OptionsUse use);

// All options as text, as SHOW CREATE TABLE prints them (those of compaction and of snapshots where
// they are not the default); WithChanges({}, ToMap(o), kCreate) == o.
std::map<std::string, std::string> ToMap(const TableOptions& options);

}  // namespace varve
