#include "sst/series_tags_internal.h"

#include <arrow/array.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace varve {
namespace {

// The array, of a dictionary array its indices: equal codes of one batch are equal values.
std::shared_ptr<arrow::Array> Codes(const std::shared_ptr<arrow::Array>& array) {
  return array->type_id() == arrow::Type::DICTIONARY
             ? static_cast<const arrow::DictionaryArray&>(*array).indices()
             : array;
}

// Whether the values [begin, end) are all the same.
bool AllEqual(const arrow::Array& array, int64_t begin, int64_t end) {
  if (array.null_count() == 0 && arrow::is_integer(array.type_id())) {
    const int width = array.type()->byte_width();
    const uint8_t* values = array.data()->buffers[1]->data() + (array.offset() + begin) * width;
    return std::memcmp(values, values + width, static_cast<size_t>((end - begin - 1) * width)) == 0;
  }
  return array.RangeEquals(array, begin, end - 1, begin + 1);
}

std::shared_ptr<arrow::Scalar> ValueAt(const arrow::Array& array, int64_t row) {
  auto scalar = array.GetScalar(row);
  VARVE_CHECK(scalar.ok(), "{}", scalar.status().ToString());
  if ((*scalar)->type->id() != arrow::Type::DICTIONARY) {
    return *scalar;
  }
  auto value = static_cast<const arrow::DictionaryScalar&>(**scalar).GetEncodedValue();
  VARVE_CHECK(value.ok(), "{}", value.status().ToString());
  return *value;
}

}  // namespace

SeriesTagsCheck::SeriesTagsCheck(const TableSchema& schema)
    : schema_(schema),
      found_(schema.HasDefaultKey() ? SeriesTags::kConstant : SeriesTags::kUnknown) {}

void SeriesTagsCheck::Add(const arrow::RecordBatch& batch) {
  if (found_ != SeriesTags::kConstant || batch.num_rows() == 0) {
    return;
  }
  const uint64_t* tsids = static_cast<const arrow::UInt64Array&>(*batch.column(0)).raw_values();
  std::vector<std::shared_ptr<arrow::Array>> tags;
  for (const size_t tag : schema_.tags()) {
    tags.push_back(Codes(batch.column(static_cast<int>(tag))));
  }
  bool constant = last_tags_.empty() || tsids[0] != last_tsid_ || GoesOn(batch);
  for (int64_t begin = 0; constant && begin < batch.num_rows();) {
    const int64_t end =
        std::find_if(tsids + begin, tsids + batch.num_rows(),
                     [tsid = tsids[begin]](uint64_t other) { return other != tsid; }) -
        tsids;
    constant =
        std::ranges::all_of(tags, [&](const auto& tag) { return AllEqual(*tag, begin, end); });
    begin = end;
  }
  if (!constant) {
    found_ = SeriesTags::kMixed;
    return;
  }
  last_tsid_ = tsids[batch.num_rows() - 1];
  Remember(batch);
}

// Whether the first row has the tags of the last one before.
bool SeriesTagsCheck::GoesOn(const arrow::RecordBatch& batch) const {
  for (size_t i = 0; i < schema_.tags().size(); ++i) {
    const auto& column = *batch.column(static_cast<int>(schema_.tags()[i]));
    if (!ValueAt(column, 0)->Equals(*last_tags_[i])) {
      return false;
    }
  }
  return true;
}

void SeriesTagsCheck::Remember(const arrow::RecordBatch& batch) {
  last_tags_.clear();
  for (const size_t tag : schema_.tags()) {
    last_tags_.push_back(ValueAt(*batch.column(static_cast<int>(tag)), batch.num_rows() - 1));
  }
}

}  // namespace varve
