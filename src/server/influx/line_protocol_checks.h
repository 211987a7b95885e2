// What must hold of the points of any text: for the mutation test and the fuzzer.
#pragma once

#include <arrow/array.h>

#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/influx/line_protocol.h"

namespace varve {

inline void CheckBatch(const PointBatch& batch) {
  const size_t rows = batch.time_us.size();
  VARVE_CHECK(rows > 0 && batch.row_series.size() == rows);
  VARVE_CHECK(batch.series_tags.size() == batch.series_count * batch.tag_names.size());
  std::set<std::string> names(batch.tag_names.begin(), batch.tag_names.end());
  for (const PointField& field : batch.fields) {
    names.insert(field.name);
    VARVE_CHECK(field.values->length() == static_cast<int64_t>(rows), "{}", field.name);
    VARVE_CHECK(field.values->ValidateFull().ok(), "{}", field.name);
    VARVE_CHECK(field.values->null_count() < field.values->length(), "{} is empty", field.name);
  }
  VARVE_CHECK(names.size() == batch.tag_names.size() + batch.fields.size(), "equal names");
  std::set<std::string> series;
  for (size_t i = 0; i < batch.series_count; ++i) {
    std::string key;
    for (size_t tag = 0; tag < batch.tag_names.size(); ++tag) {
      const auto& value = batch.series_tags[i * batch.tag_names.size() + tag];
      key += value ? fmt::format("{}:{},", value->size(), *value) : std::string("-");
    }
    VARVE_CHECK(series.insert(std::move(key)).second, "equal series");
  }
  for (size_t row = 0; row < rows; ++row) {
    VARVE_CHECK(batch.row_series[row] < batch.series_count);
    VARVE_CHECK(batch.time_us[row] % 1000 == 0);
  }
}

inline void CheckAnyLines(std::string_view body) {
  for (const LinePrecision precision : {LinePrecision::kNanoseconds, LinePrecision::kHours}) {
    const auto parsed = ParseLines(body, {precision, TimestampUs(1'234'567)});
    if (!parsed) {
      continue;
    }
    size_t rows = 0;
    for (const PointBatch& batch : parsed->batches) {
      CheckBatch(batch);
      rows += batch.time_us.size();
    }
    VARVE_CHECK(rows == parsed->rows);
    VARVE_CHECK(parsed->errors.empty() == (parsed->dropped == 0));
  }
}

}  // namespace varve
