// Rows that are older than their table keeps rows, and so are not written at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/row_batch.h"

namespace varve {

struct ExpiredRows {
  std::string table;
  uint64_t rows = 0;
  std::chrono::milliseconds ttl{};
};

// What a write that succeeded did not keep.
struct WriteReport {
  std::vector<ExpiredRows> expired;  // one per table, none for tables that kept all

  // Adds what another write to the same tables reports.
  void Add(const WriteReport& other);
  // For the client: "12 rows of table cpu are older than its ttl (7d) and were not kept".
  std::vector<std::string> Warnings() const;
};

// The batch without the rows whose time is before `oldest`, and without series that have none left.
// The same batch, untouched, when there are none such. `time_column` is the timestamp key's id;
// the batch has passed CheckBatch. Errors: kInternal when Arrow fails.
Result<RowBatch> WithoutRowsBefore(RowBatch batch, uint32_t time_column, TimestampUs oldest);

}  // namespace varve
