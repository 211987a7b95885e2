#include "engine/gather_runs.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "engine/arrow_status.h"

namespace varve {
namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;
using Buffer = std::shared_ptr<arrow::Buffer>;

struct Source {
  Arrays arrays;  // of one column, by batch
  std::span<const RowRun> runs;
  int64_t rows;

  const arrow::ArrayData& data(const RowRun& run) const { return *arrays[run.batch]->data(); }
};

Result<Buffer> Allocate(int64_t bytes) { return FromArrow(arrow::AllocateBuffer(bytes)); }

struct Validity {
  Buffer bitmap;  // null: no NULLs
  int64_t null_count = 0;
};

Result<Validity> GatherValidity(const Source& source) {
  Validity validity;
  if (std::ranges::all_of(source.arrays, [](const auto& a) { return a->null_count() == 0; })) {
    return validity;
  }
  VARVE_ASSIGN(validity.bitmap, FromArrow(arrow::AllocateEmptyBitmap(source.rows)));
  uint8_t* const bits = validity.bitmap->mutable_data();
  int64_t at = 0;
  for (const RowRun& run : source.runs) {
    const arrow::Array& array = *source.arrays[run.batch];
    if (array.null_bitmap_data() == nullptr) {
      arrow::bit_util::SetBitsTo(bits, at, run.count, array.null_count() == 0);
    } else {
      arrow::internal::CopyBitmap(array.null_bitmap_data(), array.offset() + run.first, run.count,
                                  bits, at);
    }
    at += run.count;
  }
  validity.null_count = source.rows - arrow::internal::CountSetBits(bits, 0, source.rows);
  if (validity.null_count == 0) {
    validity.bitmap = nullptr;
  }
  return validity;
}

Result<Buffer> GatherWords(const Source& source, int64_t width) {
  VARVE_ASSIGN(Buffer buffer, Allocate(source.rows * width));
  uint8_t* out = buffer->mutable_data();
  for (const RowRun& run : source.runs) {
    const arrow::ArrayData& data = source.data(run);
    const int64_t bytes = int64_t{run.count} * width;
    std::memcpy(out, data.buffers[1]->data() + (data.offset + run.first) * width,
                static_cast<size_t>(bytes));
    out += bytes;
  }
  return buffer;
}

Result<Buffer> GatherBits(const Source& source) {
  VARVE_ASSIGN(Buffer buffer, FromArrow(arrow::AllocateEmptyBitmap(source.rows)));
  int64_t at = 0;
  for (const RowRun& run : source.runs) {
    const arrow::ArrayData& data = source.data(run);
    arrow::internal::CopyBitmap(data.buffers[1]->data(), data.offset + run.first, run.count,
                                buffer->mutable_data(), at);
    at += run.count;
  }
  return buffer;
}

Result<std::vector<Buffer>> GatherText(const Source& source) {
  int64_t bytes = 0;
  for (const RowRun& run : source.runs) {
    const auto* offsets = source.data(run).GetValues<int32_t>(1) + run.first;
    bytes += offsets[run.count] - offsets[0];
  }
  if (bytes > std::numeric_limits<int32_t>::max()) {
    return ResourceExhausted(
        "{} rows hold {} bytes of text in one column, at most 2 GiB fit: set a smaller "
        "num_rows_per_row_group",
        source.rows, bytes);
  }
  VARVE_ASSIGN(Buffer offsets_out, Allocate((source.rows + 1) * int64_t{sizeof(int32_t)}));
  VARVE_ASSIGN(Buffer text_out, Allocate(bytes));
  auto* offset_out = offsets_out->mutable_data_as<int32_t>();
  int32_t at = 0;
  for (const RowRun& run : source.runs) {
    const arrow::ArrayData& data = source.data(run);
    const int32_t* offsets = data.GetValues<int32_t>(1) + run.first;
    const int32_t shift = at - offsets[0];
    for (uint32_t i = 0; i < run.count; ++i) {
      *offset_out++ = offsets[i] + shift;
    }
    if (const int32_t size = offsets[run.count] - offsets[0]; size > 0) {
      std::memcpy(text_out->mutable_data() + at, data.buffers[2]->data() + offsets[0],
                  static_cast<size_t>(size));
      at += size;
    }
  }
  *offset_out = at;
  return std::vector<Buffer>{std::move(offsets_out), std::move(text_out)};
}

// One dictionary out of those of many batches.
class DictionaryMerge {
 public:
  // By code of the array's dictionary: the new code; kUnknown until Map has been asked. The last
  // array's is found at once: runs come from few batches in turn.
  std::vector<int32_t>& CodesOf(const arrow::DictionaryArray& array) {
    auto& codes = codes_[array.data()->dictionary.get()];
    if (codes.empty()) {
      codes.resize(static_cast<size_t>(array.dictionary()->length()), kUnknown);
    }
    return codes;
  }

  int32_t Map(const arrow::DictionaryArray& array, int32_t code) {
    const auto& values = static_cast<const arrow::StringArray&>(*array.dictionary());
    const std::string_view value = values.GetView(code);
    const auto [found, is_new] = index_.try_emplace(value, static_cast<int32_t>(values_.size()));
    if (is_new) {
      values_.push_back(value);
    }
    return found->second;
  }

  Result<std::shared_ptr<arrow::Array>> Dictionary() const {
    arrow::StringBuilder builder;
    VARVE_TRY(
        FromArrow(builder.AppendValues(std::vector<std::string>(values_.begin(), values_.end()))));
    return FromArrow(builder.Finish());
  }

  static constexpr int32_t kUnknown = -1;

 private:
  std::unordered_map<const arrow::ArrayData*, std::vector<int32_t>> codes_;
  std::unordered_map<std::string_view, int32_t> index_;
  std::vector<std::string_view> values_;
};

void MapRun(const arrow::DictionaryArray& array, const RowRun& run, DictionaryMerge& merge,
            std::vector<int32_t>& codes, int32_t* out) {
  const int32_t* const in =
      static_cast<const arrow::Int32Array&>(*array.indices()).raw_values() + run.first;
  const bool nulls = array.null_count() > 0;
  for (uint32_t i = 0; i < run.count; ++i) {
    if (nulls && array.IsNull(run.first + i)) {
      out[i] = 0;
      continue;
    }
    int32_t& code = codes[static_cast<size_t>(in[i])];
    if (code == DictionaryMerge::kUnknown) [[unlikely]] {
      code = merge.Map(array, in[i]);
    }
    out[i] = code;
  }
}

Result<std::shared_ptr<arrow::Array>> GatherDictionaries(const Source& source) {
  VARVE_ASSIGN(Validity validity, GatherValidity(source));
  VARVE_ASSIGN(Buffer indices, Allocate(source.rows * int64_t{sizeof(int32_t)}));
  DictionaryMerge merge;
  std::vector<std::vector<int32_t>*> codes;
  for (const auto& array : source.arrays) {
    codes.push_back(&merge.CodesOf(static_cast<const arrow::DictionaryArray&>(*array)));
  }
  auto* out = indices->mutable_data_as<int32_t>();
  for (const RowRun& run : source.runs) {
    const auto& array = static_cast<const arrow::DictionaryArray&>(*source.arrays[run.batch]);
    MapRun(array, run, merge, *codes[run.batch], out);
    out += run.count;
  }
  VARVE_ASSIGN(const auto dictionary, merge.Dictionary());
  auto data =
      arrow::ArrayData::Make(source.arrays.front()->type(), source.rows,
                             {std::move(validity.bitmap), std::move(indices)}, validity.null_count);
  data->dictionary = dictionary->data();
  return arrow::MakeArray(std::move(data));
}

Result<std::shared_ptr<arrow::Array>> GatherColumn(const Source& source) {
  const auto& type = source.arrays.front()->type();
  if (type->id() == arrow::Type::DICTIONARY) {
    return GatherDictionaries(source);
  }
  VARVE_ASSIGN(Validity validity, GatherValidity(source));
  std::vector<Buffer> buffers = {std::move(validity.bitmap)};
  if (type->id() == arrow::Type::STRING || type->id() == arrow::Type::BINARY) {
    VARVE_ASSIGN(auto text, GatherText(source));
    std::ranges::move(text, std::back_inserter(buffers));
  } else if (type->id() == arrow::Type::BOOL) {
    VARVE_ASSIGN(buffers.emplace_back(), GatherBits(source));
  } else {
    const int bits = static_cast<const arrow::FixedWidthType&>(*type).bit_width();
    VARVE_ASSIGN(buffers.emplace_back(), GatherWords(source, bits / 8));
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, source.rows, std::move(buffers), validity.null_count));
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatch>> GatherRuns(
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches, std::span<const RowRun> runs) {
  int64_t rows = 0;
  for (const RowRun& run : runs) {
    rows += run.count;
  }
  Arrays columns;
  for (int c = 0; c < batches.front()->num_columns(); ++c) {
    Source source{.arrays = {}, .runs = runs, .rows = rows};
    for (const auto& batch : batches) {
      source.arrays.push_back(batch->column(c));
    }
    VARVE_ASSIGN(columns.emplace_back(), GatherColumn(source));
  }
  return arrow::RecordBatch::Make(batches.front()->schema(), rows, std::move(columns));
}

}  // namespace varve
