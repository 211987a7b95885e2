#include "model/table_options.h"

#include <algorithm>
#include <charconv>

#include "base/units.h"

namespace varve {
namespace {

constexpr uint64_t kRowGroupRowsMin = 100;
constexpr uint64_t kRowGroupRowsMax = 10'000'000;
constexpr uint64_t kArenaBlockBytesMin = 1 << 10;
constexpr uint64_t kArenaBlockBytesMax = uint64_t{2} << 30;
constexpr uint64_t kWriteBufferBytesMin = 64 << 10;
constexpr std::chrono::milliseconds kSegmentDurationDefault = std::chrono::hours(2);
constexpr std::chrono::milliseconds kSegmentDurationMin = std::chrono::minutes(1);
// Some 2,700 years: beyond what anybody keeps, and far from where microseconds overflow.
constexpr std::chrono::milliseconds kKeptMax = std::chrono::days(1'000'000);
constexpr std::string_view kRetainedMin = "snapshot.num-retained.min";
constexpr std::string_view kRetainedMax = "snapshot.num-retained.max";
constexpr std::string_view kTimeRetained = "snapshot.time-retained";
constexpr std::string_view kSavepointInterval = "savepoint.create-interval";
constexpr std::string_view kSavepointMax = "savepoint.num-retained.max";
constexpr std::string_view kSavepointTime = "savepoint.time-retained";
constexpr std::string_view kDropTime = "drop.time-retained";
constexpr std::string_view kConsumerTime = "consumer.expiration-time";
// A savepoint is a file; more often than that nobody can tell them apart.
constexpr std::chrono::milliseconds kSavepointIntervalMin = std::chrono::seconds(1);

std::string Upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "TRUE") {
    return true;
  }
  if (text == "false" || text == "FALSE") {
    return false;
  }
  return InvalidArgument("Failed to parse bool, raw str:{} (true or false)", text);
}

template <class T>
Result<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return InvalidArgument("Failed to parse number, raw str:{}", text);
  }
  return value;
}

Result<UpdateMode> ParseUpdateMode(std::string_view text) {
  const std::string upper = Upper(text);
  if (upper == "OVERWRITE") {
    return UpdateMode::kOverwrite;
  }
  if (upper == "APPEND") {
    return UpdateMode::kAppend;
  }
  return InvalidArgument("Failed to parse update mode, raw str:{} (OVERWRITE or APPEND)", text);
}

Result<Compression> ParseCompression(std::string_view text) {
  const std::string upper = Upper(text);
  if (upper == "UNCOMPRESSED") {
    return Compression::kUncompressed;
  }
  if (upper == "LZ4") {
    return Compression::kLz4;
  }
  if (upper == "SNAPPY") {
    return Compression::kSnappy;
  }
  if (upper == "ZSTD") {
    return Compression::kZstd;
  }
  return InvalidArgument(
      "Failed to parse compression, raw str:{} (UNCOMPRESSED, LZ4, SNAPPY or ZSTD)", text);
}

std::string_view CompressionName(Compression compression) {
  switch (compression) {
    case Compression::kUncompressed:
      return "UNCOMPRESSED";
    case Compression::kLz4:
      return "LZ4";
    case Compression::kSnappy:
      return "SNAPPY";
    case Compression::kZstd:
      return "ZSTD";
  }
  return "ZSTD";
}

Result<CompactionStrategy> ParseStrategy(std::string_view text) {
  if (text == "default") {
    return CompactionStrategy::kDefault;
  }
  if (text == "size_tiered") {
    return CompactionStrategy::kSizeTiered;
  }
  if (text == "time_window") {
    return CompactionStrategy::kTimeWindow;
  }
  return InvalidArgument(
      "Failed to parse compaction strategy, raw str:{} (default, size_tiered or time_window)",
      text);
}

std::string_view StrategyName(CompactionStrategy strategy) {
  switch (strategy) {
    case CompactionStrategy::kDefault:
      return "default";
    case CompactionStrategy::kSizeTiered:
      return "size_tiered";
    case CompactionStrategy::kTimeWindow:
      return "time_window";
  }
  return "default";
}

// "columnar" is the older spelling of the only storage format. "hybrid", which CeresDB has
// withdrawn, is taken so that its users' statements run: sorted files with an index of series serve
// what it was for.
Status CheckStorageFormat(std::string_view text) {
  const std::string upper = Upper(text);
  if (upper == "AUTO" || upper == "COLUMNAR" || upper == "HYBRID") {
    return {};
  }
  return InvalidArgument("Unknown storage format hint, raw str:{} (AUTO or COLUMNAR)", text);
}

Status CheckResolution(std::string_view text) {
  if (text == "s" || text == "ms" || text == "us" || text == "ns") {
    return {};
  }
  return InvalidArgument("Failed to parse timestamp resolution, raw str:{} (s, ms, us or ns)",
                         text);
}

Result<std::optional<std::chrono::milliseconds>> ParseSegmentDuration(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  VARVE_ASSIGN(const auto duration, ParseDuration(text));
  if (duration.count() == 0) {
    return kSegmentDurationDefault;
  }
  if (duration < kSegmentDurationMin) {
    return InvalidArgument("segment_duration is at least {}, raw str:{}",
                           FormatDuration(kSegmentDurationMin), text);
  }
  return duration;
}

// How long something is kept.
Result<std::chrono::milliseconds> ParseKept(std::string_view text) {
  VARVE_ASSIGN(const auto kept, ParseDuration(text));
  if (kept > kKeptMax) {
    return InvalidArgument("it is at most {}, raw str:{}", FormatDuration(kKeptMax), text);
  }
  return kept;
}

Result<uint64_t> ParseRetained(std::string_view text) {
  VARVE_ASSIGN(const auto versions, ParseNumber<uint64_t>(text));
  if (versions == 0) {
    return InvalidArgument("at least 1 version is kept: the newest one, raw str:{}", text);
  }
  return versions;
}

using OptionalDuration = std::optional<std::chrono::milliseconds>;

// "" = not set.
Result<OptionalDuration> ParseOptionalKept(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  return ParseKept(text);
}

Result<OptionalDuration> ParseSavepointInterval(std::string_view text) {
  VARVE_ASSIGN(const OptionalDuration interval, ParseOptionalKept(text));
  if (interval && *interval < kSavepointIntervalMin) {
    return InvalidArgument("it is at least {}, raw str:{}", FormatDuration(kSavepointIntervalMin),
                           text);
  }
  return interval;
}

// "" = as many as there are.
Result<std::optional<uint64_t>> ParseSavepointMax(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  VARVE_ASSIGN(const auto savepoints, ParseNumber<uint64_t>(text));
  if (savepoints == 0) {
    return InvalidArgument("at least 1 savepoint is kept, raw str:{}", text);
  }
  return savepoints;
}

Status ApplySavepoint(TableOptions& options, std::string_view key, const std::string& value) {
  if (key == kSavepointInterval) {
    VARVE_ASSIGN(options.savepoint_create_interval, ParseSavepointInterval(value));
  } else if (key == kSavepointMax) {
    VARVE_ASSIGN(options.savepoint_num_retained_max, ParseSavepointMax(value));
  } else if (key == kSavepointTime) {
    VARVE_ASSIGN(options.savepoint_time_retained, ParseOptionalKept(value));
  } else if (key == kDropTime) {
    VARVE_ASSIGN(options.drop_time_retained, ParseKept(value));
  } else if (key == kConsumerTime) {
    VARVE_ASSIGN(options.consumer_expiration_time, ParseOptionalKept(value));
  } else {
    options.unknown[std::string(key)] = value;
  }
  return {};
}

Status ApplySnapshot(TableOptions& options, std::string_view key, const std::string& value) {
  if (key == kRetainedMin) {
    VARVE_ASSIGN(options.snapshot_num_retained_min, ParseRetained(value));
  } else if (key == kRetainedMax) {
    VARVE_ASSIGN(options.snapshot_num_retained_max, ParseRetained(value));
  } else if (key == kTimeRetained) {
    VARVE_ASSIGN(options.snapshot_time_retained, ParseKept(value));
  } else {
    return ApplySavepoint(options, key, value);
  }
  return {};
}

Status ApplyStorage(TableOptions& options, std::string_view key, const std::string& value) {
  if (key == "compression") {
    VARVE_ASSIGN(options.compression, ParseCompression(value));
  } else if (key == "storage_format") {
    VARVE_TRY(CheckStorageFormat(value));
  } else if (key == "num_rows_per_row_group") {
    VARVE_ASSIGN(const auto rows, ParseNumber<uint64_t>(value));
    options.num_rows_per_row_group = std::clamp(rows, kRowGroupRowsMin, kRowGroupRowsMax);
  } else if (key == "arena_block_size") {
    VARVE_ASSIGN(const auto bytes, ParseSize(value));
    options.arena_block_size_bytes = std::clamp(bytes, kArenaBlockBytesMin, kArenaBlockBytesMax);
  } else if (key == "write_buffer_size") {
    VARVE_ASSIGN(const auto bytes, ParseSize(value));
    options.write_buffer_size_bytes = std::max(bytes, kWriteBufferBytesMin);
  } else if (key == "memtable_type") {
    options.memtable_type = value == "columnar" ? "columnar" : "skiplist";
  } else if (key == "layered_enable") {
    VARVE_ASSIGN(options.layered_enable, ParseBool(value));
  } else if (key == "layered_mutable_switch_threshold") {
    VARVE_ASSIGN(options.layered_mutable_switch_threshold_bytes, ParseSize(value));
  } else {
    return ApplySnapshot(options, key, value);
  }
  return {};
}

Status ApplyCompaction(TableOptions& options, std::string_view key, const std::string& value) {
  if (key == "compaction_strategy") {
    VARVE_ASSIGN(options.compaction_strategy, ParseStrategy(value));
  } else if (key == "compaction_bucket_low") {
    VARVE_ASSIGN(options.compaction_bucket_low, ParseNumber<double>(value));
  } else if (key == "compaction_bucket_high") {
    VARVE_ASSIGN(options.compaction_bucket_high, ParseNumber<double>(value));
  } else if (key == "compaction_min_sstable_size") {
    VARVE_ASSIGN(options.compaction_min_sstable_size_bytes, ParseSize(value));
  } else if (key == "compaction_min_threshold") {
    VARVE_ASSIGN(options.compaction_min_threshold, ParseNumber<uint64_t>(value));
  } else if (key == "compaction_max_threshold") {
    VARVE_ASSIGN(options.compaction_max_threshold, ParseNumber<uint64_t>(value));
  } else if (key == "compaction_timestamp_resolution") {
    VARVE_TRY(CheckResolution(value));
    options.compaction_timestamp_resolution = value;
  } else {
    return ApplyStorage(options, key, value);
  }
  return {};
}

Status Apply(TableOptions& options, std::string_view key, const std::string& value,
             OptionsUse use) {
  if (key == "enable_ttl") {
    VARVE_ASSIGN(options.enable_ttl, ParseBool(value));
  } else if (key == "ttl") {
    VARVE_ASSIGN(const auto ttl, ParseKept(value));
    options.ttl = std::chrono::floor<std::chrono::days>(ttl);
  } else if (key == "segment_duration") {
    if (use == OptionsUse::kCreate) {
      VARVE_ASSIGN(options.segment_duration, ParseSegmentDuration(value));
    }
  } else if (key == "update_mode") {
    if (use == OptionsUse::kCreate) {
      VARVE_ASSIGN(options.update_mode, ParseUpdateMode(value));
    }
  } else {
    return ApplyCompaction(options, key, value);
  }
  return {};
}

Status CheckTogether(const TableOptions& options) {
  const auto bad = [](std::string_view reason) {
    return InvalidArgument("Found invalid table options, reason:{}", reason);
  };
  if (!(options.compaction_bucket_high > options.compaction_bucket_low)) {
    return bad("compaction_bucket_high must be greater than compaction_bucket_low");
  }
  if (options.compaction_min_threshold < 2 ||
      options.compaction_max_threshold < options.compaction_min_threshold) {
    return bad("compaction_min_threshold is at least 2 and at most compaction_max_threshold");
  }
  if (options.layered_enable && options.update_mode == UpdateMode::kOverwrite) {
    return bad("layered memtable is enabled for table needing dedup");
  }
  if (options.layered_enable && options.layered_mutable_switch_threshold_bytes == 0) {
    return bad("layered memtable is enabled but mutable_switch_threshold is 0");
  }
  if (options.enable_ttl && options.ttl.count() == 0) {
    return bad("ttl is rounded down to whole days and must be at least 1d");
  }
  if (options.snapshot_num_retained_max &&
      *options.snapshot_num_retained_max < options.snapshot_num_retained_min) {
    return bad(fmt::format("{} ({}) is at least {} ({})", kRetainedMax,
                           *options.snapshot_num_retained_max, kRetainedMin,
                           options.snapshot_num_retained_min));
  }
  return {};
}

}  // namespace

Result<TableOptions> WithChanges(TableOptions options,
                                 const std::map<std::string, std::string>& changes,
                                 OptionsUse use) {
  for (const auto& [key, value] : changes) {
    if (auto status = Apply(options, key, value, use); !status) {
      return std::unexpected(status.error().WithContext(fmt::format("option {}", key)));
    }
  }
  VARVE_TRY(CheckTogether(options));
  return options;
}

namespace {

// Where they are not the default.
void AddRetained(const TableOptions& o, std::map<std::string, std::string>& out) {
  const TableOptions defaults;
  const auto number = [&](std::string_view key, const std::optional<uint64_t>& value) {
    if (value) {
      out[std::string(key)] = fmt::format("{}", *value);
    }
  };
  const auto duration = [&](std::string_view key, const OptionalDuration& value) {
    if (value) {
      out[std::string(key)] = FormatDuration(*value);
    }
  };
  if (o.snapshot_num_retained_min != defaults.snapshot_num_retained_min) {
    number(kRetainedMin, o.snapshot_num_retained_min);
  }
  number(kRetainedMax, o.snapshot_num_retained_max);
  if (o.snapshot_time_retained != defaults.snapshot_time_retained) {
    duration(kTimeRetained, o.snapshot_time_retained);
  }
  duration(kSavepointInterval, o.savepoint_create_interval);
  number(kSavepointMax, o.savepoint_num_retained_max);
  duration(kSavepointTime, o.savepoint_time_retained);
  if (o.drop_time_retained != defaults.drop_time_retained) {
    duration(kDropTime, o.drop_time_retained);
  }
  duration(kConsumerTime, o.consumer_expiration_time);
}

}  // namespace

std::map<std::string, std::string> ToMap(const TableOptions& o) {
  const auto boolean = [](bool value) { return std::string(value ? "true" : "false"); };
  std::map<std::string, std::string> out = o.unknown;
  out["enable_ttl"] = boolean(o.enable_ttl);
  out["ttl"] = FormatDuration(o.ttl);
  out["segment_duration"] = o.segment_duration ? FormatDuration(*o.segment_duration) : "";
  out["update_mode"] = o.update_mode == UpdateMode::kAppend ? "APPEND" : "OVERWRITE";
  out["storage_format"] = "AUTO";
  out["compression"] = CompressionName(o.compression);
  out["num_rows_per_row_group"] = fmt::format("{}", o.num_rows_per_row_group);
  out["arena_block_size"] = fmt::format("{}", o.arena_block_size_bytes);
  out["write_buffer_size"] = fmt::format("{}", o.write_buffer_size_bytes);
  out["compaction_strategy"] = StrategyName(o.compaction_strategy);
  out["memtable_type"] = o.memtable_type;
  out["layered_enable"] = boolean(o.layered_enable);
  out["layered_mutable_switch_threshold"] =
      fmt::format("{}", o.layered_mutable_switch_threshold_bytes);
  if (o.compaction_strategy != CompactionStrategy::kDefault) {
    out["compaction_bucket_low"] = fmt::format("{}", o.compaction_bucket_low);
    out["compaction_bucket_high"] = fmt::format("{}", o.compaction_bucket_high);
    out["compaction_min_sstable_size"] = fmt::format("{}", o.compaction_min_sstable_size_bytes);
    out["compaction_min_threshold"] = fmt::format("{}", o.compaction_min_threshold);
    out["compaction_max_threshold"] = fmt::format("{}", o.compaction_max_threshold);
    out["compaction_timestamp_resolution"] = o.compaction_timestamp_resolution;
  }
  AddRetained(o, out);
  return out;
}

}  // namespace varve
