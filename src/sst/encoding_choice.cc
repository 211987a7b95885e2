#include "sst/encoding_choice.h"

#include <arrow/array.h>
#include <arrow/chunked_array.h>
#include <arrow/type.h>
#include <arrow/visit_type_inline.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "sst/float_sizes_internal.h"

namespace varve {
namespace {

// A run is one block of DELTA_BINARY_PACKED as Arrow writes it; 16 runs see most data well and cost
// about 50 us.
constexpr int64_t kRunRows = 128;
constexpr int64_t kRuns = 16;
constexpr int64_t kMiniblockRows = 32;
constexpr double kDeltaHeaderBits = 0.4;  // per value: the block's minimum and four widths
// Arrow gives up a dictionary of more than 1 MiB half-way through the row group.
constexpr double kDictionaryBytesMax = 1 << 20;
constexpr double kImpossible = std::numeric_limits<double>::infinity();

template <class Type>
concept Binary = std::is_base_of_v<arrow::BinaryType, Type>;
template <class Type>
concept Numeric =
    arrow::is_integer_type<Type>::value || std::is_same_v<Type, arrow::FloatType> ||
    std::is_same_v<Type, arrow::DoubleType> || arrow::is_timestamp_type<Type>::value ||
    arrow::is_date_type<Type>::value || arrow::is_time_type<Type>::value;

struct Sample {
  std::vector<std::vector<uint64_t>>
      runs;  // integers sign-extended, doubles as bits, strings as hashes
  uint64_t count = 0;
  uint64_t bytes = 0;  // of the values as PLAIN
};

// Appends the non-NULL values of [first, first + kRunRows) of one chunk.
template <class ArrayType>
void AppendRun(const ArrayType& chunk, int64_t first, Sample& sample) {
  std::vector<uint64_t> run;
  const int64_t end = std::min(chunk.length(), first + kRunRows);
  for (int64_t i = first; i < end; ++i) {
    if (chunk.IsNull(i)) {
      continue;
    }
    if constexpr (std::is_base_of_v<arrow::BinaryArray, ArrayType>) {
      const std::string_view value = chunk.GetView(i);
      run.push_back(Xxh3(value));
      sample.bytes += value.size() + sizeof(uint32_t);
    } else {
      const auto value = chunk.Value(i);
      if constexpr (std::is_floating_point_v<decltype(value)>) {
        using Bits = std::conditional_t<sizeof(value) == 8, uint64_t, uint32_t>;
        run.push_back(std::bit_cast<Bits>(value));
      } else {
        run.push_back(static_cast<uint64_t>(static_cast<int64_t>(value)));
      }
      sample.bytes += sizeof(value);
    }
  }
  sample.count += run.size();
  if (!run.empty()) {
    sample.runs.push_back(std::move(run));
  }
}

template <class ArrayType>
Sample TakeSample(const arrow::ChunkedArray& values) {
  Sample sample;
  const int64_t step = std::max(values.length() / kRuns, kRunRows);
  int64_t next = 0;         // row at which the next run starts
  int64_t chunk_start = 0;  // row at which the chunk starts
  for (const auto& chunk : values.chunks()) {
    const auto& typed = static_cast<const ArrayType&>(*chunk);
    for (; next < chunk_start + chunk->length(); next += step) {
      AppendRun(typed, next - chunk_start, sample);
    }
    chunk_start += chunk->length();
  }
  return sample;
}

// Chao's estimate of how many distinct values there are, from how many were seen once and twice.
double EstimateDistinct(const Sample& sample) {
  std::vector<uint64_t> sorted;
  for (const auto& run : sample.runs) {
    sorted.insert(sorted.end(), run.begin(), run.end());
  }
  std::ranges::sort(sorted);
  double distinct = 0;
  double once = 0;
  double twice = 0;
  for (size_t i = 0; i < sorted.size();) {
    const size_t start = i;
    while (i < sorted.size() && sorted[i] == sorted[start]) {
      ++i;
    }
    distinct += 1;
    once += i - start == 1 ? 1 : 0;
    twice += i - start == 2 ? 1 : 0;
  }
  return distinct + once * once / (2 * std::max(twice, 0.5));
}

// Bits per value as dictionary indexes and the dictionary; kImpossible where values do not repeat.
double DictionaryBits(const Sample& sample, int64_t rows) {
  const double distinct = EstimateDistinct(sample);
  const double value_bytes = static_cast<double>(sample.bytes) / static_cast<double>(sample.count);
  if (distinct > static_cast<double>(rows) / 2 || distinct * value_bytes > kDictionaryBytesMax) {
    return kImpossible;
  }
  uint64_t stretches = 0;  // of equal neighbours
  for (const auto& run : sample.runs) {
    for (size_t i = 0; i < run.size(); ++i) {
      stretches += i == 0 || run[i] != run[i - 1] ? 1 : 0;
    }
  }
  const double index_bits = std::ceil(std::log2(std::max(distinct, 1.0)));
  const double stretch = static_cast<double>(sample.count) / static_cast<double>(stretches);
  // From 8 equal values on, a run costs its index and a length.
  const double packed = stretch >= 8 ? (8 + index_bits) / stretch : index_bits;
  return packed + 8 * value_bytes * distinct / static_cast<double>(rows);
}

double DeltaBitsOfRun(const std::vector<uint64_t>& run) {
  std::vector<int64_t> deltas;
  for (size_t i = 1; i < run.size(); ++i) {
    deltas.push_back(static_cast<int64_t>(run[i] - run[i - 1]));
  }
  if (deltas.empty()) {
    return 0;
  }
  const auto least = static_cast<uint64_t>(*std::ranges::min_element(deltas));
  double bits = 0;
  for (size_t start = 0; start < deltas.size(); start += kMiniblockRows) {
    const size_t end = std::min(deltas.size(), start + kMiniblockRows);
    int width = 0;
    for (size_t i = start; i < end; ++i) {
      width = std::max(width,
                       static_cast<int>(std::bit_width(static_cast<uint64_t>(deltas[i]) - least)));
    }
    bits += static_cast<double>(width) * static_cast<double>(end - start);
  }
  return bits;
}

double DeltaBits(const Sample& sample) {
  double bits = 0;
  for (const auto& run : sample.runs) {
    bits += DeltaBitsOfRun(run);
  }
  return bits / static_cast<double>(sample.count) + kDeltaHeaderBits;
}

struct Chooser {
  const arrow::ChunkedArray& values;
  ColumnEncoding chosen = ColumnEncoding::kDictionary;

  arrow::Status Visit(const arrow::BooleanType&) {
    chosen = ColumnEncoding::kPlain;  // a bit each; Parquet has no dictionaries of booleans
    return arrow::Status::OK();
  }
  arrow::Status Visit(const arrow::DictionaryType&) { return arrow::Status::OK(); }
  arrow::Status Visit(const arrow::DataType& type) {
    return arrow::Status::NotImplemented(type.ToString());
  }

  template <class Type>
    requires Binary<Type> || Numeric<Type>
  arrow::Status Visit(const Type&) {
    if (values.null_count() == values.length()) {
      return arrow::Status::OK();  // a dictionary costs nothing and falls back by itself
    }
    if constexpr (arrow::is_floating_type<Type>::value) {
      const FloatSizes sizes = TryFloatEncodings(values);
      const bool repeats = sizes.dictionary <= kDictionaryPreference * sizes.byte_stream_split;
      chosen = repeats ? ColumnEncoding::kDictionary : ColumnEncoding::kByteStreamSplit;
      return arrow::Status::OK();
    }
    const Sample sample = TakeSample<typename arrow::TypeTraits<Type>::ArrayType>(values);
    const double dictionary = DictionaryBits(sample, values.length() - values.null_count());
    if constexpr (Binary<Type>) {
      chosen = dictionary == kImpossible ? ColumnEncoding::kPlain : ColumnEncoding::kDictionary;
    } else {
      const bool delta = DeltaBits(sample) < dictionary;
      chosen = delta ? ColumnEncoding::kDelta : ColumnEncoding::kDictionary;
    }
    return arrow::Status::OK();
  }
};

}  // namespace

ColumnEncoding ChooseEncoding(const arrow::ChunkedArray& values) {
  Chooser chooser{values};
  const arrow::Status status = arrow::VisitTypeInline(*values.type(), &chooser);
  return status.ok() ? chooser.chosen : ColumnEncoding::kPlain;
}

}  // namespace varve
