#include "server/http/column_text.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>

namespace varve {
namespace {

// In JSON a NaN of any place is null; so is what has no text.
constexpr std::string_view kNullText = "null";

int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return quotient - (value % divisor < 0 ? 1 : 0);
}

bool NeedsCsvQuotes(std::string_view text) {
  static constexpr auto kSpecial = [] {
    std::array<bool, 256> special{};
    for (const char c : std::string_view(",\"\r\n")) {
      special[static_cast<uint8_t>(c)] = true;
    }
    return special;
  }();
  bool found = text.empty();
  for (const char c : text) {
    found |= kSpecial[static_cast<uint8_t>(c)];
  }
  return found;
}

void WriteCsvQuoted(TextOut& out, std::string_view text) {
  out.Ensure(2 * text.size() + 2);
  *out.at++ = '"';
  for (const char c : text) {
    if (c == '"') {
      *out.at++ = '"';
    }
    *out.at++ = c;
  }
  *out.at++ = '"';
}

void WriteCsvText(TextOut& out, std::string_view text) {
  NeedsCsvQuotes(text) ? WriteCsvQuoted(out, text) : out.Write(text);
}

}  // namespace

ColumnText::ColumnText(std::shared_ptr<arrow::Array> array)
    : array_(std::move(array)), kind_(KindOf(*array_->type())) {
  Bind();
}

ColumnText::Kind ColumnText::KindOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return Kind::kNull;
    case arrow::Type::BOOL:
      return Kind::kBool;
    case arrow::Type::INT8:
      return Kind::kInt8;
    case arrow::Type::INT16:
      return Kind::kInt16;
    case arrow::Type::INT32:
      return Kind::kInt32;
    case arrow::Type::INT64:
      return Kind::kInt64;
    case arrow::Type::UINT8:
      return Kind::kUInt8;
    case arrow::Type::UINT16:
      return Kind::kUInt16;
    case arrow::Type::UINT32:
      return Kind::kUInt32;
    case arrow::Type::UINT64:
      return Kind::kUInt64;
    case arrow::Type::FLOAT:
      return Kind::kFloat;
    case arrow::Type::DOUBLE:
      return Kind::kDouble;
    case arrow::Type::TIMESTAMP:
      return Kind::kInstant;
    case arrow::Type::DATE32:
      return Kind::kDate;
    case arrow::Type::TIME32:
      return Kind::kTime32;
    case arrow::Type::TIME64:
      return Kind::kTime64;
    case arrow::Type::STRING:
      return Kind::kString;
    case arrow::Type::LARGE_STRING:
      return Kind::kLargeString;
    case arrow::Type::STRING_VIEW:
      return Kind::kStringView;
    case arrow::Type::BINARY:
      return Kind::kBinary;
    case arrow::Type::LARGE_BINARY:
      return Kind::kLargeBinary;
    case arrow::Type::BINARY_VIEW:
      return Kind::kBinaryView;
    case arrow::Type::FIXED_SIZE_BINARY:
      return Kind::kFixedBinary;
    case arrow::Type::DICTIONARY:
      return Kind::kDictionary;
    case arrow::Type::DECIMAL128:
      return Kind::kDecimal;
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return Kind::kInterval;
    case arrow::Type::LIST:
      return Kind::kList;
    case arrow::Type::LARGE_LIST:
      return Kind::kLargeList;
    case arrow::Type::FIXED_SIZE_LIST:
      return Kind::kFixedList;
    case arrow::Type::STRUCT:
      return Kind::kStruct;
    case arrow::Type::MAP:
      return Kind::kMap;
    default:
      return Kind::kOther;
  }
}

void ColumnText::Bind() {
  const arrow::ArrayData& data = *array_->data();
  bit_offset_ = data.offset;
  if (array_->null_count() > 0 && !data.buffers.empty() && data.buffers[0] != nullptr) {
    validity_ = data.buffers[0]->data();
  }
  switch (kind_) {
    case Kind::kNull:
    case Kind::kOther:
      return;
    case Kind::kBool:
      values_ = data.buffers[1]->data();
      return;
    case Kind::kDictionary:
      return BindDictionary();
    case Kind::kList:
    case Kind::kLargeList:
    case Kind::kFixedList:
    case Kind::kStruct:
    case Kind::kMap:
      return BindChildren();
    default:
      break;
  }
  int64_t unit_bytes = 1;
  if (const auto* fixed = dynamic_cast<const arrow::FixedWidthType*>(array_->type().get())) {
    width_ = fixed->bit_width() / 8;
    unit_bytes = width_;
  } else {
    unit_bytes = kind_ == Kind::kLargeString || kind_ == Kind::kLargeBinary ? 8 : 4;
  }
  if (data.buffers[1] != nullptr) {
    values_ = data.buffers[1]->data() + data.offset * unit_bytes;
  }
  if (data.buffers.size() > 2 && data.buffers[2] != nullptr) {
    data_ = reinterpret_cast<const char*>(data.buffers[2]->data());
  }
  // Ticks of a second, in the unit's order: second, milli, micro, nano.
  static constexpr std::array<int64_t, 4> kTicks = {1, 1'000, 1'000'000, 1'000'000'000};
  const auto scale_to = [&](arrow::TimeUnit::type unit, int64_t wanted) {
    const int64_t ticks = kTicks[static_cast<size_t>(unit)];
    multiplier_ = std::max<int64_t>(1, wanted / ticks);
    divisor_ = std::max<int64_t>(1, ticks / wanted);
  };
  if (kind_ == Kind::kInstant) {
    scale_to(static_cast<const arrow::TimestampType&>(*array_->type()).unit(), 1'000);
  } else if (kind_ == Kind::kTime32 || kind_ == Kind::kTime64) {
    scale_to(static_cast<const arrow::TimeType&>(*array_->type()).unit(), 1'000'000);
  }
}

void ColumnText::BindChildren() {
  const arrow::ArrayData& data = *array_->data();
  switch (kind_) {
    case Kind::kList:
      values_ = static_cast<const arrow::ListArray&>(*array_).raw_value_offsets();
      children_.emplace_back(static_cast<const arrow::ListArray&>(*array_).values());
      return;
    case Kind::kLargeList:
      values_ = static_cast<const arrow::LargeListArray&>(*array_).raw_value_offsets();
      children_.emplace_back(static_cast<const arrow::LargeListArray&>(*array_).values());
      return;
    case Kind::kMap: {
      const auto& map = static_cast<const arrow::MapArray&>(*array_);
      values_ = map.raw_value_offsets();
      children_.emplace_back(map.keys());
      children_.emplace_back(map.items());
      return;
    }
    case Kind::kFixedList:
      width_ = static_cast<const arrow::FixedSizeListType&>(*array_->type()).list_size();
      children_.emplace_back(static_cast<const arrow::FixedSizeListArray&>(*array_).values());
      return;
    default:
      break;
  }
  const auto& rows = static_cast<const arrow::StructArray&>(*array_);
  for (int i = 0; i < rows.num_fields(); ++i) {
    children_.emplace_back(rows.field(i));
    TextOut name;
    name.Ensure(JsonStringBytesMax(data.type->field(i)->name().size()) + 1);
    name.at = WriteJsonString(name.at, data.type->field(i)->name());
    name.Write(':');
    names_.push_back(name.Take());
  }
}

void ColumnText::BindDictionary() {
  const auto& codes = static_cast<const arrow::DictionaryArray&>(*array_);
  const auto& indices = *codes.indices();
  width_ = static_cast<const arrow::FixedWidthType&>(*indices.type()).bit_width() / 8;
  values_ = indices.data()->buffers[1]->data() + indices.offset() * width_;
  children_.emplace_back(codes.dictionary());
  TextOut text;
  for (int64_t i = 0; i < codes.dictionary()->length(); ++i) {
    children_[0].WriteJson(text, i);
    dictionary_json_.emplace_back(text.text());
    text.Cut(0);
  }
}

int64_t ColumnText::Code(int64_t row) const {
  switch (width_) {
    case 1:
      return Value<uint8_t>(row);
    case 2:
      return Value<uint16_t>(row);
    case 4:
      return Value<int32_t>(row);
    default:
      return Value<int64_t>(row);
  }
}

int64_t ColumnText::Milliseconds(int64_t value) const {
  if (divisor_ == 1'000) [[likely]] {
    return FloorDivide(value, 1'000);
  }
  return divisor_ > 1 ? FloorDivide(value, divisor_) : value * multiplier_;
}

std::string_view ColumnText::AnyBytes(int64_t row) const {
  switch (kind_) {
    case Kind::kString:
    case Kind::kBinary:
      return Bytes<int32_t>(row);
    case Kind::kLargeString:
    case Kind::kLargeBinary:
      return Bytes<int64_t>(row);
    case Kind::kFixedBinary:
      return {static_cast<const char*>(values_) + row * width_, static_cast<size_t>(width_)};
    default:
      return static_cast<const arrow::BinaryViewArray&>(*array_).GetView(row);
  }
}

bool ColumnText::IsText() const {
  return kind_ == Kind::kString || kind_ == Kind::kLargeString || kind_ == Kind::kStringView;
}

bool ColumnText::IsBinary() const {
  return kind_ == Kind::kBinary || kind_ == Kind::kLargeBinary || kind_ == Kind::kBinaryView ||
         kind_ == Kind::kFixedBinary;
}

void ColumnText::WriteNested(TextOut& out, int64_t row) const {
  const auto quoted = [&](char* (*write)(char*, int64_t), int64_t value) {
    *out.at++ = '"';
    out.at = write(out.at, value);
    *out.at++ = '"';
  };
  const auto time = [&](int64_t value) {
    quoted(WriteTime, divisor_ > 1 ? FloorDivide(value, divisor_) : value * multiplier_);
  };
  switch (kind_) {
    case Kind::kNull:
      out.at = WriteText(out.at, kNullText);
      return;
    case Kind::kBool: {
      const int64_t bit = row + bit_offset_;
      out.at = WriteBoolean(out.at, (Value<uint8_t>(bit >> 3) >> (bit & 7) & 1) != 0);
      return;
    }
    case Kind::kInt8:
      out.at = WriteSigned(out.at, Value<int8_t>(row));
      return;
    case Kind::kInt16:
      out.at = WriteSigned(out.at, Value<int16_t>(row));
      return;
    case Kind::kUInt8:
      out.at = WriteUnsigned(out.at, Value<uint8_t>(row));
      return;
    case Kind::kUInt16:
      out.at = WriteUnsigned(out.at, Value<uint16_t>(row));
      return;
    case Kind::kUInt32:
      out.at = WriteUnsigned(out.at, Value<uint32_t>(row));
      return;
    case Kind::kFloat:
      out.at = WriteShortest(out.at, Value<float>(row));
      return;
    case Kind::kDate:
      return quoted(WriteDate, Value<int32_t>(row));
    case Kind::kTime32:
      return time(Value<int32_t>(row));
    case Kind::kTime64:
      return time(Value<int64_t>(row));
    case Kind::kBinary:
    case Kind::kLargeBinary:
    case Kind::kBinaryView:
    case Kind::kFixedBinary:
      return WriteByteNumbers(out, AnyBytes(row));
    case Kind::kDecimal:
      return WriteDecimal(out, row);
    case Kind::kInterval:
      return WriteInterval(out, row);
    case Kind::kList:
      return WriteList(out, Value<int32_t>(row), Value<int32_t>(row + 1));
    case Kind::kLargeList:
      return WriteList(out, Value<int64_t>(row), Value<int64_t>(row + 1));
    case Kind::kFixedList: {
      const int64_t first = (row + bit_offset_) * width_;
      return WriteList(out, first, first + width_);
    }
    case Kind::kStruct:
      return WriteStruct(out, row);
    case Kind::kMap:
      return WriteMap(out, row);
    default:
      break;
  }
  WriteOther(out, row);
}

void ColumnText::WriteOther(TextOut& out, int64_t row) const {
  const auto scalar = array_->GetScalar(row);
  const std::string text = scalar.ok() ? (*scalar)->ToString() : std::string();
  out.Ensure(JsonStringBytesMax(text.size()));
  out.at = WriteJsonString(out.at, text);
}

void ColumnText::WriteByteNumbers(TextOut& out, std::string_view bytes) const {
  constexpr size_t kBytesPerNumber = 4;
  out.Ensure(kBytesPerNumber * bytes.size() + 2);
  *out.at++ = '[';
  for (const char byte : bytes) {
    out.at = WriteUnsigned(out.at, static_cast<uint8_t>(byte));
    *out.at++ = ',';
  }
  out.at -= bytes.empty() ? 0 : 1;
  *out.at++ = ']';
}

void ColumnText::WriteList(TextOut& out, int64_t begin, int64_t end) const {
  out.Write('[');
  for (int64_t i = begin; i < end; ++i) {
    if (i > begin) {
      out.Write(',');
    }
    children_[0].WriteJson(out, i);
  }
  out.Write(']');
}

void ColumnText::WriteStruct(TextOut& out, int64_t row) const {
  out.Write('{');
  for (size_t i = 0; i < children_.size(); ++i) {
    if (i > 0) {
      out.Write(',');
    }
    out.Write(names_[i]);
    children_[i].WriteJson(out, row);
  }
  out.Write('}');
}

// JSON names are strings: a key of another type becomes its text in quotes.
void ColumnText::WriteMap(TextOut& out, int64_t row) const {
  TextOut key;
  out.Write('{');
  const int64_t begin = Value<int32_t>(row);
  for (int64_t i = begin; i < Value<int32_t>(row + 1); ++i) {
    if (i > begin) {
      out.Write(',');
    }
    key.Cut(0);
    children_[0].WriteJson(key, i);
    if (key.text().starts_with('"')) {
      out.Write(key.text());
    } else {
      out.Ensure(JsonStringBytesMax(key.size()));
      out.at = WriteJsonString(out.at, key.text());
    }
    out.Write(':');
    children_[1].WriteJson(out, i);
  }
  out.Write('}');
}

void ColumnText::WriteDecimal(TextOut& out, int64_t row) const {
  const auto* const bytes = static_cast<const uint8_t*>(values_) + row * width_;
  const arrow::Decimal128 value(bytes);
  const int32_t scale = static_cast<const arrow::Decimal128Type&>(*array_->type()).scale();
  const bool fits = value.high_bits() == static_cast<int64_t>(value.low_bits()) >> 63;
  if (scale == 0 && fits) {
    out.at = WriteSigned(out.at, static_cast<int64_t>(value.low_bits()));
    return;
  }
  // Decimal128::ToString may choose an exponent; this does not.
  std::string digits = value.ToIntegerString();
  const bool negative = digits.starts_with('-');
  digits.erase(0, negative ? 1 : 0);
  if (scale > 0) {
    const auto decimals = static_cast<size_t>(scale);
    digits.insert(0, digits.size() <= decimals ? decimals + 1 - digits.size() : 0, '0');
    digits.insert(digits.size() - decimals, 1, '.');
  } else {
    digits.append(static_cast<size_t>(-scale), '0');
  }
  out.Write(negative ? "-" : "");
  out.Write(digits);
}

// ISO 8601: P1Y2M3DT4H5M6.5S; each part carries its own sign, because a month has no fixed number
// of days.
void ColumnText::WriteInterval(TextOut& out, int64_t row) const {
  constexpr int64_t kSecond = 1'000'000'000;
  const auto value = Value<arrow::MonthDayNanoIntervalType::MonthDayNanos>(row);
  std::string text = "P";
  const auto part = [&text](int64_t number, char unit) {
    if (number != 0) {
      fmt::format_to(std::back_inserter(text), "{}{}", number, unit);
    }
  };
  part(value.months / 12, 'Y');
  part(value.months % 12, 'M');
  part(value.days, 'D');
  if (value.nanoseconds != 0 || text.size() == 1) {
    text += 'T';
    part(value.nanoseconds / (3600 * kSecond), 'H');
    part(value.nanoseconds / (60 * kSecond) % 60, 'M');
    const int64_t nanos = value.nanoseconds % (60 * kSecond);
    if (nanos % kSecond != 0) {
      std::string fraction = fmt::format("{:09}", std::abs(nanos % kSecond));
      fraction.erase(fraction.find_last_not_of('0') + 1);
      fmt::format_to(std::back_inserter(text), "{}{}.{}S", nanos < 0 ? "-" : "",
                     std::abs(nanos / kSecond), fraction);
    } else if (nanos != 0 || text.ends_with('T')) {
      fmt::format_to(std::back_inserter(text), "{}S", nanos / kSecond);
    }
  }
  out.Write('"');
  out.Write(text);
  out.Write('"');
}

void ColumnText::WriteCsv(TextOut& out, int64_t row) const {
  if (IsNull(row) || kind_ == Kind::kNull) {
    return;
  }
  if (kind_ == Kind::kDictionary) {
    return children_[0].WriteCsv(out, Code(row));
  }
  if (IsText()) {
    return WriteCsvText(out, AnyBytes(row));
  }
  if (IsBinary()) {
    const std::string_view bytes = AnyBytes(row);
    constexpr std::string_view kHex = "0123456789abcdef";
    out.Ensure(2 * bytes.size());
    for (const char byte : bytes) {
      *out.at++ = kHex[static_cast<uint8_t>(byte) >> 4];
      *out.at++ = kHex[static_cast<uint8_t>(byte) & 15];
    }
    return;
  }
  if (kind_ >= Kind::kList) {
    TextOut json;
    WriteJson(json, row);
    return WriteCsvText(out, json.text());
  }
  const size_t before = out.size();
  WriteJson(out, row);
  const std::string_view value = out.text().substr(before);
  if (value == kNullText) {
    out.Cut(before);  // NaN
  } else if (value.starts_with('"')) {
    std::memmove(out.at - value.size(), value.data() + 1, value.size() - 2);
    out.Cut(before + value.size() - 2);
  }
}

}  // namespace varve
