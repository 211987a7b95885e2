#include "model/partitioning.h"

#include <algorithm>

#include "base/check.h"

namespace varve {
namespace {

bool IsInteger(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kInt32:
    case ColumnType::kInt16:
    case ColumnType::kInt8:
    case ColumnType::kUInt64:
    case ColumnType::kUInt32:
    case ColumnType::kUInt16:
    case ColumnType::kUInt8:
      return true;
    default:
      return false;
  }
}

Status CheckCount(uint64_t count) {
  if (count == 0) {
    return InvalidArgument("partition num must be >= 1");
  }
  if (count > kPartitionsMax) {
    return InvalidArgument("partition num must be <= MAX_PARTITION_NUM, num:{}, max:{}", count,
                           kPartitionsMax);
  }
  return {};
}

Status CheckColumn(PartitionMethod method, const ColumnSchema& column) {
  if (method == PartitionMethod::kHash && !(column.tag && IsInteger(column.type))) {
    return InvalidArgument("Expect column(tag, type: int, tiny int, small int, big int), name:{}",
                           column.name);
  }
  if (!column.tag) {
    return InvalidArgument("partition key must be tag, key name:\"{}\"", column.name);
  }
  return {};
}

// tsid is computed from all tags.
bool IsOfPrimaryKey(const TableSchema& schema, size_t column) {
  return column < schema.key_size() ||
         (schema.tsid_index() && *schema.tsid_index() < schema.key_size());
}

uint64_t Magnitude(const TagValue& tag) {
  if (const auto* const natural = std::get_if<uint64_t>(&tag.value)) {
    return *natural;
  }
  const int64_t value = std::get<int64_t>(tag.value);
  return value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

}  // namespace

Result<Partitioning> MakePartitioning(const PartitionClause& clause, const TableSchema& schema,
                                      const TableOptions& options) {
  VARVE_TRY(CheckCount(clause.count));
  Partitioning out{.method = clause.method,
                   .linear = clause.linear,
                   .columns = {},
                   .count = static_cast<uint32_t>(clause.count)};
  const bool overwrite = options.update_mode == UpdateMode::kOverwrite;
  if (clause.method == PartitionMethod::kRandom) {
    if (overwrite) {
      return InvalidArgument(
          "random partition is for tables whose rows do not replace each other: add WITH "
          "(update_mode = 'APPEND')");
    }
    return out;
  }
  for (const std::string& name : clause.columns) {
    const auto index = schema.FindIndex(name);
    if (!index) {
      return InvalidArgument("partition key contains non-existent column:{}", name);
    }
    const ColumnSchema& column = schema.columns()[*index];
    VARVE_TRY(CheckColumn(clause.method, column));
    if (std::ranges::find(out.columns, column.id) != out.columns.end()) {
      return InvalidArgument("partition key contains a column twice, name:{}", name);
    }
    if (overwrite && !IsOfPrimaryKey(schema, *index)) {
      return InvalidArgument(
          "partition key must be part of the primary key when rows replace each other "
          "(update_mode = 'OVERWRITE'), key name:\"{}\"",
          name);
    }
    out.columns.push_back(column.id);
  }
  return out;
}

uint32_t PartitionOf(const Partitioning& partitioning,
                     std::span<const std::optional<TagValue>> tags) {
  VARVE_CHECK(partitioning.method != PartitionMethod::kRandom, "a random partition has no key");
  if (partitioning.method == PartitionMethod::kHash) {
    return tags.front() ? static_cast<uint32_t>(Magnitude(*tags.front()) % partitioning.count) : 0;
  }
  std::string bytes;
  for (const auto& tag : tags) {
    if (tag) {
      std::visit([&](const auto& value) { AppendTag(bytes, tag->column_id, value); }, tag->value);
    }
  }
  return static_cast<uint32_t>(Tsid(bytes) % partitioning.count);
}

std::string PartitionName(std::string_view table, uint32_t index) {
  return fmt::format("__{}_{}", table, index);
}

}  // namespace varve
