// Accumulator: one aggregate of a direct aggregate (direct_aggregate.h), of all its groups.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <memory>
#include <span>
#include <vector>

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

enum class AggregateKind : uint8_t { kCount, kMin, kMax, kSum, kAvg };

// Neighbouring rows of a chunk that belong to one group.
struct GroupRun {
  duckdb::idx_t begin = 0;
  duckdb::idx_t end = 0;
  uint32_t group = 0;
};

// One thread. Groups count from 0.
class Accumulator {
 public:
  // nullptr: DuckDB gives this aggregate of the type a meaning of its own (a wider type, an
  // error on overflow), which is left to it.
  static std::unique_ptr<Accumulator> Make(AggregateKind kind, const duckdb::LogicalType& type);

  virtual ~Accumulator() = default;
  // There are so many groups from now on.
  virtual void Resize(size_t groups) = 0;
  // Takes the runs' values of a chunk's column, which has `count` rows.
  virtual void Add(duckdb::Vector& values, duckdb::idx_t count, std::span<const GroupRun> runs) = 0;
  // As DuckDB orders values, NULLs last: negative when the result of group a stands before b's.
  virtual int Compare(uint32_t a, uint32_t b) const = 0;
  virtual bool IsNull(uint32_t group) const = 0;
  // The results of the groups, in that order.
  virtual std::shared_ptr<arrow::Array> Results(std::span<const uint32_t> groups) const = 0;
};

}  // namespace varve
