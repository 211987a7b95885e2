#include "engine/gather.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "engine/arrow_status.h"

namespace varve {
namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

bool MayHaveNulls(const Arrays& arrays) {
  return std::ranges::any_of(arrays, [](const auto& a) { return !a || a->null_count() > 0; });
}

struct Validity {
  std::shared_ptr<arrow::Buffer> bitmap;  // null: no NULLs
  int64_t null_count = 0;
};

Result<Validity> GatherValidity(const Arrays& arrays, std::span<const RowRef> refs) {
  Validity validity;
  if (!MayHaveNulls(arrays)) {
    return validity;
  }
  VARVE_ASSIGN(validity.bitmap,
               FromArrow(arrow::AllocateEmptyBitmap(static_cast<int64_t>(refs.size()))));
  uint8_t* bits = validity.bitmap->mutable_data();
  for (size_t i = 0; i < refs.size(); ++i) {
    const auto& array = arrays[refs[i].chunk];
    if (array && array->IsValid(refs[i].row)) {
      arrow::bit_util::SetBit(bits, static_cast<int64_t>(i));
    } else {
      ++validity.null_count;
    }
  }
  if (validity.null_count == 0) {
    validity.bitmap = nullptr;
  }
  return validity;
}

template <class Word>
Result<std::shared_ptr<arrow::Buffer>> GatherWords(const Arrays& arrays,
                                                   std::span<const RowRef> refs) {
  std::vector<const Word*> values(arrays.size(), nullptr);
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (arrays[i]) {
      values[i] = arrays[i]->data()->GetValues<Word>(1);
    }
  }
  VARVE_ASSIGN(std::shared_ptr<arrow::Buffer> buffer,
               FromArrow(arrow::AllocateBuffer(static_cast<int64_t>(refs.size() * sizeof(Word)))));
  auto* out = reinterpret_cast<Word*>(buffer->mutable_data());
  for (const RowRef ref : refs) {
    const Word* from = values[ref.chunk];
    *out++ = from == nullptr ? Word{} : from[ref.row];
  }
  return buffer;
}

Result<std::shared_ptr<arrow::Buffer>> GatherFixedWidth(ColumnType type, const Arrays& arrays,
                                                        std::span<const RowRef> refs) {
  switch (static_cast<const arrow::FixedWidthType&>(*ArrowType(type)).bit_width()) {
    case 8:
      return GatherWords<uint8_t>(arrays, refs);
    case 16:
      return GatherWords<uint16_t>(arrays, refs);
    case 32:
      return GatherWords<uint32_t>(arrays, refs);
    default:
      return GatherWords<uint64_t>(arrays, refs);
  }
}

Result<std::shared_ptr<arrow::Array>> GatherBooleans(const Arrays& arrays,
                                                     std::span<const RowRef> refs) {
  arrow::BooleanBuilder builder;
  VARVE_TRY(FromArrow(builder.Reserve(static_cast<int64_t>(refs.size()))));
  for (const RowRef ref : refs) {
    const auto* array = static_cast<const arrow::BooleanArray*>(arrays[ref.chunk].get());
    if (array == nullptr || array->IsNull(ref.row)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(array->Value(ref.row));
    }
  }
  return FromArrow(builder.Finish());
}

Result<std::shared_ptr<arrow::Array>> GatherText(ColumnType type, const Arrays& arrays,
                                                 std::span<const RowRef> refs) {
  VARVE_ASSIGN(const auto any, FromArrow(arrow::MakeBuilder(ArrowType(type))));
  auto& builder = static_cast<arrow::BinaryBuilder&>(*any);
  const auto value = [&](RowRef ref) -> std::optional<std::string_view> {
    const auto* array = static_cast<const arrow::BinaryArray*>(arrays[ref.chunk].get());
    return array == nullptr || array->IsNull(ref.row) ? std::nullopt
                                                      : std::optional(array->GetView(ref.row));
  };
  // A builder that grows has its texts in memory twice.
  int64_t bytes = 0;
  for (const RowRef ref : refs) {
    bytes += static_cast<int64_t>(value(ref).value_or("").size());
  }
  VARVE_TRY(FromArrow(builder.Reserve(static_cast<int64_t>(refs.size()))));
  VARVE_TRY(FromArrow(builder.ReserveData(bytes)));
  for (const RowRef ref : refs) {
    if (const auto text = value(ref)) {
      builder.UnsafeAppend(*text);
    } else {
      builder.UnsafeAppendNull();
    }
  }
  return FromArrow(builder.Finish());
}

// Codes of values, given in the order in which the values first occur.
class DictionaryBuilder {
 public:
  explicit DictionaryBuilder(const Arrays& arrays) {
    for (const auto& array : arrays) {
      auto& codes = codes_by_array_[array.get()];
      codes.resize(array ? static_cast<size_t>(array->length()) : 0, kUnknown);
      codes_.push_back(codes.data());
      arrays_.push_back(static_cast<const arrow::StringArray*>(array.get()));
    }
  }

  // -1 for NULL.
  Result<int32_t> Code(RowRef ref) {
    const arrow::StringArray* array = arrays_[ref.chunk];
    if (array == nullptr) {
      return -1;
    }
    int32_t& code = codes_[ref.chunk][ref.row];
    if (code == kUnknown) {
      VARVE_ASSIGN(code, NewCode(*array, ref.row));
    }
    return code;
  }

  Result<std::shared_ptr<arrow::Array>> Dictionary() { return FromArrow(values_.Finish()); }

 private:
  static constexpr int32_t kUnknown = -2;

  Result<int32_t> NewCode(const arrow::StringArray& array, uint32_t index) {
    if (array.IsNull(index)) {
      return -1;
    }
    const std::string_view value = array.GetView(index);
    const auto [found, is_new] =
        by_value_.try_emplace(value, static_cast<int32_t>(by_value_.size()));
    if (is_new) {
      VARVE_TRY(FromArrow(values_.Append(value)));
    }
    return found->second;
  }

  // Chunks of one memtable share their array, and so their codes.
  std::unordered_map<const arrow::Array*, std::vector<int32_t>> codes_by_array_;
  std::vector<int32_t*> codes_;
  std::vector<const arrow::StringArray*> arrays_;
  std::unordered_map<std::string_view, int32_t> by_value_;
  arrow::StringBuilder values_;
};

}  // namespace

Result<std::shared_ptr<arrow::Array>> GatherValues(ColumnType type, const Arrays& arrays,
                                                   std::span<const RowRef> refs) {
  if (type == ColumnType::kBoolean) {
    return GatherBooleans(arrays, refs);
  }
  if (type == ColumnType::kString || type == ColumnType::kVarbinary) {
    return GatherText(type, arrays, refs);
  }
  VARVE_ASSIGN(Validity validity, GatherValidity(arrays, refs));
  VARVE_ASSIGN(auto values, GatherFixedWidth(type, arrays, refs));
  return arrow::MakeArray(arrow::ArrayData::Make(ArrowType(type), static_cast<int64_t>(refs.size()),
                                                 {std::move(validity.bitmap), std::move(values)},
                                                 validity.null_count));
}

Result<std::shared_ptr<arrow::Array>> GatherDictionary(const Arrays& arrays,
                                                       std::span<const RowRef> refs) {
  DictionaryBuilder dictionary(arrays);
  arrow::Int32Builder codes;
  VARVE_TRY(FromArrow(codes.Reserve(static_cast<int64_t>(refs.size()))));
  for (const RowRef ref : refs) {
    VARVE_ASSIGN(const int32_t code, dictionary.Code(ref));
    if (code < 0) {
      codes.UnsafeAppendNull();
    } else {
      codes.UnsafeAppend(code);
    }
  }
  VARVE_ASSIGN(const auto indices, FromArrow(codes.Finish()));
  VARVE_ASSIGN(const auto values, dictionary.Dictionary());
  return FromArrow(arrow::DictionaryArray::FromArrays(
      arrow::dictionary(arrow::int32(), arrow::utf8()), indices, values));
}

}  // namespace varve
