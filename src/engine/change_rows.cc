#include "engine/change_rows.h"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "engine/gather.h"
#include "sst/sst_file.h"
#include "sst/sst_reader.h"

namespace varve {
namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;
using Offsets = std::vector<uint32_t>;

// Fewer than one of so many rows are read block by block: a block of a column is about as dear to
// find as so many are to read on.
constexpr uint64_t kSparse = 16;

// array[offset] for each offset, as one array of ArrowType(type).
Result<std::shared_ptr<arrow::Array>> Pick(ColumnType type, std::shared_ptr<arrow::Array> array,
                                           const Offsets& offsets) {
  std::vector<RowRef> refs;
  refs.reserve(offsets.size());
  if (array->type_id() == arrow::Type::DICTIONARY) {
    const auto& codes = static_cast<const arrow::DictionaryArray&>(*array);
    for (const uint32_t offset : offsets) {
      const bool null = codes.IsNull(offset);
      refs.push_back(
          {null ? 1U : 0U, null ? 0U : static_cast<uint32_t>(codes.GetValueIndex(offset))});
    }
    return GatherValues(type, {codes.dictionary(), nullptr}, refs);
  }
  if (array->type_id() == arrow::Type::NA) {
    array = nullptr;
  }
  for (const uint32_t offset : offsets) {
    refs.push_back({0, offset});
  }
  return GatherValues(type, {std::move(array)}, refs);
}

Result<ChangeColumns> PickAll(const ChangeInput& input, const Arrays& arrays,
                              const Offsets& offsets) {
  ChangeColumns out;
  out.rows = static_cast<int64_t>(offsets.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    const ColumnType type = input.schema->columns()[i].type;
    const bool whole =
        out.rows == arrays[i]->length() && arrays[i]->type()->Equals(*ArrowType(type));
    if (whole) {
      out.values.push_back(arrays[i]);
      continue;
    }
    VARVE_ASSIGN(out.values.emplace_back(), Pick(type, arrays[i], offsets));
  }
  return out;
}

void RemoveExpired(const ChangeInput& input, const arrow::Array& times, Offsets& offsets) {
  const auto& values = static_cast<const arrow::TimestampArray&>(times);
  std::erase_if(offsets,
                [&](uint32_t offset) { return values.Value(offset) < input.visible_from.value(); });
}

class StreamedRows final : public ChangeRows {
 public:
  // Of the rows [first, first + count): the offsets of those that are wanted.
  using Choose = std::function<Offsets(uint64_t first, uint32_t count)>;
  StreamedRows(const ChangeInput& input, std::unique_ptr<SstReader> reader, Choose choose)
      : input_(input), reader_(std::move(reader)), choose_(std::move(choose)) {}

  Result<ChangeColumns> Next() override {
    while (true) {
      VARVE_ASSIGN(const auto batch, reader_->Next());
      if (batch == nullptr) {
        return ChangeColumns();
      }
      const auto count = static_cast<uint32_t>(batch->num_rows());
      Offsets offsets = choose_(std::exchange(first_, first_ + count), count);
      RemoveExpired(input_, *batch->column(static_cast<int>(input_.schema->timestamp_index())),
                    offsets);
      if (!offsets.empty()) {
        return PickAll(input_, batch->columns(), offsets);
      }
    }
  }

 private:
  const ChangeInput& input_;
  const std::unique_ptr<SstReader> reader_;
  const Choose choose_;
  uint64_t first_ = 0;  // row of the next batch
};

class SparseRows final : public ChangeRows {
 public:
  SparseRows(const ChangeInput& input, std::shared_ptr<const SstFile> file,
             std::vector<uint64_t> rows)
      : input_(input), file_(std::move(file)), rows_(std::move(rows)) {}

  Result<ChangeColumns> Next() override {
    while (next_ < rows_.size()) {
      const size_t block = file_->BlockOf(rows_[next_]);
      Offsets offsets = OffsetsIn(file_->blocks()[block]);
      VARVE_ASSIGN(const auto times, file_->Values(input_.schema->timestamp(), block));
      RemoveExpired(input_, *times, offsets);
      if (offsets.empty()) {
        continue;
      }
      Arrays arrays;
      for (const ColumnSchema& column : input_.schema->columns()) {
        VARVE_ASSIGN(arrays.emplace_back(), file_->Values(column, block));
      }
      return PickAll(input_, arrays, offsets);
    }
    return ChangeColumns();
  }

 private:
  Offsets OffsetsIn(const RowRange& block) {
    Offsets offsets;
    for (; next_ < rows_.size() && rows_[next_] < block.end; ++next_) {
      offsets.push_back(static_cast<uint32_t>(rows_[next_] - block.begin));
    }
    return offsets;
  }

  const ChangeInput& input_;
  const std::shared_ptr<const SstFile> file_;
  const std::vector<uint64_t> rows_;
  size_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<ChangeRows>> ChangeRows::AllBut(const ChangeInput& input,
                                                       const FileMeta& file,
                                                       const DeletionVector& rows) {
  VARVE_ASSIGN(auto reader, SstReader::Open(*input.store, file, *input.schema));
  return std::make_unique<StreamedRows>(
      input, std::move(reader),
      [rows](uint64_t first, uint32_t count) { return rows.Remaining(first, count); });
}

Result<std::unique_ptr<ChangeRows>> ChangeRows::Only(const ChangeInput& input, const FileMeta& file,
                                                     const DeletionVector& rows) {
  if (rows.size() < file.rows / kSparse) {
    VARVE_ASSIGN(auto opened, input.files->Open(file));
    return std::make_unique<SparseRows>(input, std::move(opened), rows.Rows());
  }
  VARVE_ASSIGN(auto reader, SstReader::Open(*input.store, file, *input.schema));
  return std::make_unique<StreamedRows>(
      input, std::move(reader), [rows](uint64_t first, uint32_t count) {
        Offsets offsets(count);
        std::iota(offsets.begin(), offsets.end(), 0U);
        std::erase_if(offsets, [&](uint32_t offset) { return !rows.Contains(first + offset); });
        return offsets;
      });
}

}  // namespace varve
