#include "sst/compact_dictionary_internal.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include <string_view>
#include <unordered_map>
#include <vector>

namespace varve {
namespace {

class Compactor {
 public:
  // The chunk's indexes into the new dictionary; NULLs become 0.
  arrow::Result<std::shared_ptr<arrow::Buffer>> Remap(const arrow::DictionaryArray& chunk) {
    const auto& old_values = static_cast<const arrow::StringArray&>(*chunk.dictionary());
    // Slices of one array share the dictionary's data, not the array around it.
    if (chunk.data()->dictionary.get() != previous_) {
      previous_ = chunk.data()->dictionary.get();
      new_of_old_.assign(static_cast<size_t>(old_values.length()), kUnused);
    }
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(chunk.length() * sizeof(int32_t)));
    auto* out = buffer->mutable_data_as<int32_t>();
    const auto& indices = static_cast<const arrow::Int32Array&>(*chunk.indices());
    const int32_t* in = indices.raw_values();
    const bool nulls = chunk.null_count() > 0;
    for (int64_t i = 0; i < chunk.length(); ++i) {
      if (nulls && indices.IsNull(i)) {
        out[i] = 0;
        continue;
      }
      int32_t& mapped = new_of_old_[static_cast<size_t>(in[i])];
      if (mapped == kUnused) [[unlikely]] {
        mapped = Add(old_values.GetView(in[i]));
      }
      out[i] = mapped;
    }
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Dictionary() const {
    arrow::StringBuilder builder;
    for (const std::string_view value : values_) {
      ARROW_RETURN_NOT_OK(builder.Append(value));
    }
    return builder.Finish();
  }

 private:
  static constexpr int32_t kUnused = -1;

  // Different batches bring different dictionaries with the same strings in them.
  int32_t Add(std::string_view value) {
    const auto [found, added] = index_.try_emplace(value, static_cast<int32_t>(values_.size()));
    if (added) {
      values_.push_back(value);
    }
    return found->second;
  }

  const arrow::ArrayData* previous_ = nullptr;
  std::vector<int32_t> new_of_old_;
  std::unordered_map<std::string_view, int32_t> index_;
  std::vector<std::string_view> values_;
};

arrow::Result<std::shared_ptr<arrow::Buffer>> Validity(const arrow::Array& chunk) {
  if (chunk.null_count() == 0) {
    return nullptr;
  }
  return arrow::internal::CopyBitmap(arrow::default_memory_pool(), chunk.null_bitmap_data(),
                                     chunk.offset(), chunk.length());
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::ChunkedArray>> CompactDictionary(
    const arrow::ChunkedArray& values) {
  Compactor compactor;
  std::vector<std::shared_ptr<arrow::Buffer>> indices;
  for (const auto& chunk : values.chunks()) {
    ARROW_ASSIGN_OR_RAISE(auto remapped,
                          compactor.Remap(static_cast<const arrow::DictionaryArray&>(*chunk)));
    indices.push_back(std::move(remapped));
  }
  ARROW_ASSIGN_OR_RAISE(const auto dictionary, compactor.Dictionary());
  const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
  arrow::ArrayVector chunks;
  for (int i = 0; i < values.num_chunks(); ++i) {
    const auto& chunk = *values.chunk(i);
    ARROW_ASSIGN_OR_RAISE(auto validity, Validity(chunk));
    auto data = arrow::ArrayData::Make(type, chunk.length(),
                                       {std::move(validity), indices[static_cast<size_t>(i)]},
                                       chunk.null_count());
    data->dictionary = dictionary->data();
    chunks.push_back(arrow::MakeArray(std::move(data)));
  }
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), type);
}

}  // namespace varve
