// ColumnText: the values of one Arrow array as text. Everything about the type is looked up once
// per array, so that a value costs one predictable switch, no virtual call and no allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/text_out.h"

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace varve {

// One thread.
class ColumnText {
 public:
  // Keeps the array alive.
  explicit ColumnText(std::shared_ptr<arrow::Array> array);

  // JSON: instants as integer milliseconds, dates, times and intervals as strings, binaries as
  // arrays of numbers, NULL, NaN and infinities as null.
  void WriteJson(TextOut& out, int64_t row) const;
  // The same, but NULL is nothing, strings are quoted only where they must be, binaries are
  // hexadecimal.
  void WriteCsv(TextOut& out, int64_t row) const;

 private:
  enum class Kind : uint8_t {
    kNull,
    kBool,
    kInt8,
    kInt16,
    kInt32,
    kInt64,
    kUInt8,
    kUInt16,
    kUInt32,
    kUInt64,
    kFloat,
    kDouble,
    kInstant,
    kInstant32,
    kDate,
    kTime32,
    kTime64,
    kString,
    kLargeString,
    kStringView,
    kBinary,
    kLargeBinary,
    kBinaryView,
    kFixedBinary,
    kDictionary,
    kDecimal,
    kInterval,
    kList,
    kLargeList,
    kFixedList,
    kStruct,
    kMap,
    kOther
  };

  static Kind KindOf(const arrow::DataType& type);
  void Bind();
  void BindChildren();
  void BindDictionary();

  bool IsNull(int64_t row) const {
    const int64_t bit = row + bit_offset_;
    return validity_ != nullptr && (validity_[bit >> 3] >> (bit & 7) & 1) == 0;
  }
  template <class T>
  T Value(int64_t row) const {
    return static_cast<const T*>(values_)[row];
  }
  template <class Offset>
  std::string_view Bytes(int64_t row) const {
    const auto* const offsets = static_cast<const Offset*>(values_);
    return {data_ + offsets[row], static_cast<size_t>(offsets[row + 1] - offsets[row])};
  }
  std::string_view AnyBytes(int64_t row) const;
  int64_t Code(int64_t row) const;
  int64_t Milliseconds(int64_t value) const;
  bool IsText() const;
  bool IsBinary() const;

  void WriteNested(TextOut& out, int64_t row) const;
  void WriteOther(TextOut& out, int64_t row) const;
  void WriteByteNumbers(TextOut& out, std::string_view bytes) const;
  void WriteList(TextOut& out, int64_t begin, int64_t end) const;
  void WriteStruct(TextOut& out, int64_t row) const;
  void WriteMap(TextOut& out, int64_t row) const;
  void WriteDecimal(TextOut& out, int64_t row) const;
  void WriteInterval(TextOut& out, int64_t row) const;

  std::shared_ptr<arrow::Array> array_;
  Kind kind_;
  const void* values_ =
      nullptr;  // fixed-width values, or the offsets of strings and lists; at the array's first row
  const char* data_ = nullptr;
  const uint8_t* validity_ = nullptr;
  int64_t bit_offset_ = 0;  // of the validity and of booleans
  int64_t multiplier_ = 1;  // from the array's unit to milliseconds or microseconds
  int64_t divisor_ = 1;
  int32_t width_ = 0;  // of fixed-size binaries, lists and dictionary codes
  std::vector<ColumnText> children_;
  std::vector<std::string> names_;  // of struct fields, as "\"name\":"
  std::vector<std::string> dictionary_json_;
};

inline void ColumnText::WriteJson(TextOut& out, int64_t row) const {
  out.Ensure(kScalarBytesMax);
  if (IsNull(row)) {
    out.at = WriteText(out.at, "null");
    return;
  }
  const auto string = [&](std::string_view text) {
    out.Ensure(JsonStringBytesMax(text.size()));
    out.at = WriteJsonString(out.at, text);
  };
  switch (kind_) {
    case Kind::kInt64:
      out.at = WriteSigned(out.at, Value<int64_t>(row));
      return;
    case Kind::kDouble:
      out.at = WriteDouble(out.at, Value<double>(row));
      return;
    case Kind::kInstant:
      out.at = WriteSigned(out.at, Milliseconds(Value<int64_t>(row)));
      return;
    case Kind::kString:
      return string(Bytes<int32_t>(row));
    case Kind::kDictionary:
      return out.Write(dictionary_json_[static_cast<size_t>(Code(row))]);
    case Kind::kInt32:
      out.at = WriteSigned(out.at, Value<int32_t>(row));
      return;
    case Kind::kUInt64:
      out.at = WriteUnsigned(out.at, Value<uint64_t>(row));
      return;
    case Kind::kLargeString:
    case Kind::kStringView:
      return string(AnyBytes(row));
    default:
      return WriteNested(out, row);
  }
}

}  // namespace varve
