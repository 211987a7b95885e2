// Direct aggregates: what dashboards ask most, "these aggregates of these few series, by interval
// of time", answered without a plan. DuckDB takes a millisecond to plan and start a query, whatever
// it reads; over some thousand rows that is most of the time.
//
//   SELECT [key, …] aggregate(column), … FROM table [WHERE comparisons with constants]
//   [GROUP BY key, …] [ORDER BY any of them] [LIMIT n [OFFSET m]]
//
// Keys are tags, the time, and the time rounded down to an interval (date_trunc, time_bucket);
// aggregates count, min, max, sum and avg. What is read, and how, is the scan's business as ever
// (scan_state.h). Anything that is not exactly that, whatever DuckDB would give another type or an
// error, and whatever reads more than kDirectRowsMax rows is left to DuckDB. Both answer the same.
#pragma once

#include <cstdint>
#include <duckdb.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/table.h"
#include "query/accumulator.h"
#include "query/query_rewrite.h"
#include "query/scan_units.h"
#include "query/session.h"

namespace varve {

// One thread does it in a few milliseconds; of more, DuckDB's threads make up for its start.
inline constexpr uint64_t kDirectRowsMax = kScanTaskRows;

struct DirectAggregate {
  // Times rounded down to origin + n * width, in microseconds.
  struct Interval {
    int64_t width_us = 1;
    int64_t origin_us = 0;
    bool operator==(const Interval&) const = default;
  };
  struct Key {
    size_t column = 0;                 // in the schema: a tag or the time
    std::optional<Interval> interval;  // of the time
    bool operator==(const Key&) const = default;
  };
  struct Aggregate {
    AggregateKind kind = AggregateKind::kCount;
    std::optional<size_t> column;  // nullopt: of rows
    bool operator==(const Aggregate&) const = default;
  };
  // A column of the result, or what it is ordered by.
  struct Output {
    enum class Of : uint8_t { kKey, kAggregate } of = Of::kKey;
    size_t index = 0;  // in keys or aggregates
    bool operator==(const Output&) const = default;
  };
  struct Order {
    Output by;
    bool descending = false;
  };

  std::shared_ptr<Table> table;
  std::shared_ptr<const Version> version;     // that is read; nullptr: what there is now
  std::shared_ptr<const TableSchema> schema;  // that the indexes are of
  std::vector<Key> keys;
  bool grouped = false;  // without GROUP BY there is one row, whatever is read
  std::vector<Aggregate> aggregates;
  std::vector<Output> outputs;
  std::vector<std::string> names;  // of the outputs
  std::vector<Order> order;
  uint64_t limit = std::numeric_limits<uint64_t>::max();
  uint64_t offset = 0;
  // By column of the schema; all must pass.
  std::map<size_t, std::vector<duckdb::unique_ptr<duckdb::TableFilter>>> filters;
};

// nullopt: it is something else. The statement is as DuckDB's parser gives it.
std::optional<DirectAggregate> MatchDirectAggregate(const duckdb::SelectStatement& statement,
                                                    const RewriteContext& context);

// Whether RunDirectAggregate would answer now. Throws what reading answers.
bool IsDirect(duckdb::ClientContext& context, const DirectAggregate& query);

// The result; nullptr when there is too much to read, or the table has changed. `context` is used
// for memory and cancelling. Throws what reading answers.
std::unique_ptr<ResultStream> RunDirectAggregate(duckdb::ClientContext& context,
                                                 const DirectAggregate& query);

}  // namespace varve
