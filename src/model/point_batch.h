// PointBatch: what the schemaless protocols (InfluxDB line protocol, OpenTSDB, Prometheus) decode
// to: rows of one table with columns by name. The engine turns it into a RowBatch, making the table
// and its columns where they are missing.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "model/column_type.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace varve {

struct PointField {
  std::string name;
  ColumnType type = ColumnType::kDouble;
  std::shared_ptr<arrow::Array> values;  // ArrowType(type), one value or NULL per row
};

struct PointBatch {
  std::string table;
  std::vector<std::string> tag_names;  // distinct, in any order
  // Distinct series, one after the other: tag_names.size() values each; nullopt = the series has no
  // such tag. The views point into `text`, or into memory that the caller keeps alive while the
  // batch is used.
  std::vector<std::optional<std::string_view>> series_tags;
  size_t series_count = 0;
  std::vector<uint32_t> row_series;  // per row: which series
  std::vector<int64_t> time_us;      // per row; multiples of 1,000
  std::vector<PointField> fields;    // distinct names, none of them a tag's
  // What had to be unescaped. A list, because vectors copy a batch with a deque when they grow.
  std::list<std::string> text;
};
static_assert(std::is_nothrow_move_constructible_v<PointBatch>, "a copy has views of the original");

}  // namespace varve
