#include "sst/float_sizes_internal.h"

#include <arrow/array.h>
#include <arrow/chunked_array.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace varve {
namespace {

constexpr int64_t kPageRows = 8'192;
constexpr int64_t kPages = 2;
constexpr int kZstdLevel = 1;
// Arrow gives up a dictionary of more than 1 MiB half-way through the row group.
constexpr double kDictionaryBytesMax = 1 << 20;

template <class Value>
std::vector<Value> TakePages(const arrow::ChunkedArray& column) {
  using ArrayType = std::conditional_t<sizeof(Value) == 8, arrow::DoubleArray, arrow::FloatArray>;
  std::vector<Value> values;
  for (int64_t page = 0; page < kPages; ++page) {
    const int64_t first = std::max<int64_t>(0, (column.length() - kPageRows) * page / kPages);
    const auto slice = column.Slice(first, kPageRows);
    for (const auto& chunk : slice->chunks()) {
      const auto& typed = static_cast<const ArrayType&>(*chunk);
      for (int64_t i = 0; i < typed.length(); ++i) {
        if (typed.IsValid(i)) {
          values.push_back(typed.Value(i));
        }
      }
    }
  }
  return values;
}

double CompressedBits(const std::string& bytes, size_t count) {
  const std::unique_ptr<arrow::util::Codec> codec =
      arrow::util::Codec::Create(arrow::Compression::ZSTD, kZstdLevel).ValueOrDie();
  const auto* input = reinterpret_cast<const uint8_t*>(bytes.data());
  const auto size = static_cast<int64_t>(bytes.size());
  std::vector<uint8_t> output(static_cast<size_t>(codec->MaxCompressedLen(size, input)));
  const auto compressed =
      codec->Compress(size, input, static_cast<int64_t>(output.size()), output.data());
  return 8.0 * static_cast<double>(compressed.ValueOr(size)) / static_cast<double>(count);
}

template <class Value>
double SplitBits(const std::vector<Value>& values) {
  std::string streams(values.size() * sizeof(Value), '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    char bytes[sizeof(Value)];
    std::memcpy(bytes, &values[i], sizeof(Value));
    for (size_t byte = 0; byte < sizeof(Value); ++byte) {
      streams[byte * values.size() + i] = bytes[byte];
    }
  }
  return CompressedBits(streams, values.size());
}

// The values as dictionary indexes, packed to as many bits as the largest needs.
std::string PackIndexes(const std::vector<uint32_t>& indexes, size_t distinct) {
  const auto width = static_cast<size_t>(std::bit_width(distinct - 1));
  std::string packed((indexes.size() * width + 7) / 8 + sizeof(uint64_t), '\0');
  size_t bit = 0;
  for (const uint32_t index : indexes) {
    uint64_t word = 0;
    std::memcpy(&word, packed.data() + bit / 8, sizeof(word));
    word |= uint64_t{index} << (bit % 8);
    std::memcpy(packed.data() + bit / 8, &word, sizeof(word));
    bit += width;
  }
  return packed;
}

template <class Value>
double DictionaryBits(const std::vector<Value>& values, int64_t rows) {
  using Bits = std::conditional_t<sizeof(Value) == 8, uint64_t, uint32_t>;
  std::unordered_map<Bits, uint32_t> dictionary;
  std::vector<uint32_t> indexes;
  for (const Value value : values) {
    const auto next = static_cast<uint32_t>(dictionary.size());
    indexes.push_back(dictionary.try_emplace(std::bit_cast<Bits>(value), next).first->second);
  }
  // A sample that hardly repeats comes from a column with many more values than it shows.
  if (dictionary.size() > values.size() / 2 && values.size() > 1) {
    return std::numeric_limits<double>::infinity();
  }
  const double dictionary_bytes =
      static_cast<double>(dictionary.size()) * static_cast<double>(sizeof(Value));
  if (dictionary_bytes > kDictionaryBytesMax) {
    return std::numeric_limits<double>::infinity();
  }
  return CompressedBits(PackIndexes(indexes, dictionary.size()), values.size()) +
         8 * dictionary_bytes / static_cast<double>(rows);
}

template <class Value>
FloatSizes Try(const arrow::ChunkedArray& column) {
  const auto values = TakePages<Value>(column);
  if (values.empty()) {
    return {.dictionary = 0, .byte_stream_split = 0};
  }
  return {.dictionary = DictionaryBits(values, column.length()),
          .byte_stream_split = SplitBits(values)};
}

}  // namespace

FloatSizes TryFloatEncodings(const arrow::ChunkedArray& values) {
  return values.type()->id() == arrow::Type::DOUBLE ? Try<double>(values) : Try<float>(values);
}

}  // namespace varve
