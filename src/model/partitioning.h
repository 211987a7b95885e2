// Partitioning: how the rows of a table are spread over the tables that hold them, its partitions.
//
// FORMAT (do not change: it says where the rows are that were written before):
//   KEY(a, b)   the tags of the row among a, b that are not NULL, in the order of the clause, each
//               as bytes by series_key.h with its column id; partition = Tsid(bytes) % count
//   HASH(a)     |value| % count; NULL: 0
//   RANDOM      any
// LINEAR is kept and shown; rows are where they would be without it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/series_key.h"
#include "model/table_options.h"
#include "model/table_schema.h"

namespace varve {

enum class PartitionMethod : uint8_t { kKey, kHash, kRandom };

// CeresDB's limit. Each partition is a table, with a memtable and files of its own.
inline constexpr uint32_t kPartitionsMax = 1024;

// What PARTITION BY says, before it is checked.
struct PartitionClause {
  PartitionMethod method = PartitionMethod::kKey;
  bool linear = false;
  std::vector<std::string> columns;  // of kKey, kHash
  uint64_t count = 1;
  bool operator==(const PartitionClause&) const = default;
};

struct Partitioning {
  PartitionMethod method = PartitionMethod::kKey;
  bool linear = false;
  std::vector<uint32_t> columns;  // ids: a tag may be renamed, never dropped
  uint32_t count = 1;
  bool operator==(const Partitioning&) const = default;
};

// Errors: kInvalidArgument with CeresDB's reasons, and when rows of one primary key, which replace
// each other, could get into several partitions.
Result<Partitioning> MakePartitioning(const PartitionClause& clause, const TableSchema& schema,
                                      const TableOptions& options);

// Where the row with these tags is: the values of `partitioning.columns`, in that order; nullopt is
// NULL. Not for kRandom.
uint32_t PartitionOf(const Partitioning& partitioning,
                     std::span<const std::optional<TagValue>> tags);

// "__t_0"
std::string PartitionName(std::string_view table, uint32_t index);

}  // namespace varve
