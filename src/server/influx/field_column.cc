#include "server/influx/field_column.h"

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include <algorithm>

namespace varve {
namespace {

// Saves growing in usual batches; more would let a body of many fields reserve without end.
constexpr size_t kRowsReserved = 4096;

std::vector<uint8_t> AllOnes(size_t bits) { return std::vector<uint8_t>((bits + 7) / 8, 0xff); }

}  // namespace

FieldColumn::FieldColumn(std::string raw_name, std::string name, ColumnType type)
    : raw_name_(std::move(raw_name)), column_name_(std::move(name)), type_(type) {
  const std::string text = raw_name_ + '=';
  if (text.size() <= kNameBytes) {
    name_words_ = (text.size() + 7) / 8;
    std::memcpy(name_.data(), text.data(), text.size());
    std::memset(mask_.data(), 0xff, text.size());
  }
  if (type_ == ColumnType::kString) {
    ends_.reserve(kRowsReserved);
  } else {
    words_.reserve(kRowsReserved);
  }
}

bool FieldColumn::NameIsAtSlowly(const char* at, const char* end) const {
  const size_t size = raw_name_.size();
  return static_cast<size_t>(end - at) > size && at[size] == '=' &&
         std::memcmp(at, raw_name_.data(), size) == 0;
}

void FieldColumn::SetString(size_t row, std::string_view text) {
  CutTo(row);
  bytes_.append(text);
  ends_.push_back(static_cast<int32_t>(bytes_.size()));
}

void FieldColumn::PadTo(size_t rows) {
  if (size() >= rows) {
    return;
  }
  gaps_.push_back({size(), rows});
  if (type_ == ColumnType::kString) {
    ends_.resize(rows, static_cast<int32_t>(bytes_.size()));
  } else {
    words_.resize(rows);
  }
}

void FieldColumn::CutTo(size_t rows) {
  if (size() <= rows) {
    return;
  }
  if (type_ == ColumnType::kString) {
    ends_.resize(rows);
    bytes_.resize(rows == 0 ? 0 : static_cast<size_t>(ends_.back()));
  } else {
    words_.resize(rows);
  }
}

PointField FieldColumn::Finish(size_t rows) {
  PadTo(rows);
  const auto length = static_cast<int64_t>(rows);
  std::shared_ptr<arrow::Buffer> validity;
  int64_t null_count = 0;
  if (!gaps_.empty()) {
    std::vector<uint8_t> bits = AllOnes(rows);
    for (const Gap& gap : gaps_) {
      for (size_t row = gap.begin; row < gap.end; ++row) {
        bits[row / 8] &= static_cast<uint8_t>(~(1 << row % 8));
      }
      null_count += static_cast<int64_t>(gap.end - gap.begin);
    }
    validity = arrow::Buffer::FromVector(std::move(bits));
  }
  std::vector<std::shared_ptr<arrow::Buffer>> buffers = {std::move(validity)};
  if (type_ == ColumnType::kString) {
    ends_.insert(ends_.begin(), 0);
    buffers.push_back(arrow::Buffer::FromVector(std::move(ends_)));
    buffers.push_back(arrow::Buffer::FromString(std::move(bytes_)));
  } else if (type_ == ColumnType::kBoolean) {
    std::vector<uint8_t> bits((rows + 7) / 8);
    for (size_t row = 0; row < rows; ++row) {
      bits[row / 8] |= static_cast<uint8_t>(words_[row] << row % 8);
    }
    buffers.push_back(arrow::Buffer::FromVector(std::move(bits)));
  } else {
    buffers.push_back(arrow::Buffer::FromVector(std::move(words_)));
  }
  return {std::move(column_name_), type_,
          arrow::MakeArray(
              arrow::ArrayData::Make(ArrowType(type_), length, std::move(buffers), null_count))};
}

}  // namespace varve
