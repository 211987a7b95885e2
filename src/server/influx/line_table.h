// LineTable: what a request says about one measurement, on its way to a PointBatch.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/point_batch.h"
#include "server/influx/field_column.h"

namespace varve {

// Values a request may make us hold, NULLs included. A body of the usual limit has at most half as
// many values; what reaches this is mostly NULL: many fields or tags that are each in few of many
// rows.
inline constexpr size_t kLineCellsMax = 32 << 20;
inline constexpr size_t kLineTagsMax =
    256;  // of one line; bounds what sorting and comparing tags may cost

// One thread. Raw texts are as in the request, with their escapes, and must outlive the table.
class LineTable {
 public:
  struct Tag {
    std::string_view raw_name;
    std::string_view raw_value;
    uint32_t index = 0;  // of the table's tags
  };
  // What there was of the table, to go back to when a line turns out to be bad.
  struct Mark {
    size_t tags = 0;
    size_t series = 0;
    size_t tag_values = 0;
    size_t columns = 0;
  };

  explicit LineTable(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  size_t rows() const { return time_us_.size(); }
  Mark mark() const {
    return {tag_names_.size(), series_ends_.size(), tag_values_.size(), columns_.size()};
  }
  void BackTo(const Mark& mark);

  // Gives each tag its index; new names are added. Errors: kInvalidArgument (a bad name, a field's
  // name).
  Status FindTags(std::vector<Tag>& tags);
  uint32_t AddSeries(const std::vector<Tag>& tags);

  std::vector<FieldColumn>& columns() { return columns_; }
  // The column of that name; nullptr: there is none.
  FieldColumn* FindColumn(std::string_view raw_name);
  // Errors: kInvalidArgument (a bad name, a tag's name, too many columns).
  Result<FieldColumn*> AddColumn(std::string_view raw_name, ColumnType type);

  void AddRow(uint32_t series, int64_t time_us) {
    row_series_.push_back(series);
    time_us_.push_back(time_us);
  }

  // Values, NULLs included, of the batch.
  size_t cells() const {
    return rows() * (columns_.size() + 1) + series_ends_.size() * tag_names_.size();
  }
  // The table is empty then.
  PointBatch Finish();

 private:
  std::string_view Unescaped(std::string_view raw);

  std::string name_;
  std::vector<std::string> tag_names_;
  std::vector<std::string_view> raw_tag_names_;
  std::unordered_map<std::string_view, uint32_t> tag_index_;  // by raw name
  std::vector<std::pair<uint32_t, std::string_view>> tag_values_;
  std::vector<size_t> series_ends_;  // where the tags of each series end in tag_values_
  std::vector<FieldColumn> columns_;
  std::unordered_map<std::string, uint32_t> column_index_;  // by raw name
  std::vector<uint32_t> row_series_;
  std::vector<int64_t> time_us_;
  std::list<std::string> text_;
};

// Takes out the backslashes before the characters that need one in names and tag values: comma,
// equals sign, space.
std::string UnescapeName(std::string_view raw);

}  // namespace varve
