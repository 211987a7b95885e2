#include "sst/sst_file.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "sst/object_stream_internal.h"
#include "sst/sst_file_internal.h"
#include "sst/sst_footer_internal.h"
#include "sst/sst_pages_internal.h"
#include "sst/sst_writer.h"

namespace varve {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

bool AsDictionary(const ColumnSchema& column) {
  return column.type == ColumnType::kString && (column.tag || column.dictionary);
}

// Without a dictionary, which others share.
uint64_t SizeBytes(const arrow::Array& array) {
  uint64_t size = sizeof(arrow::ArrayData);
  for (const auto& buffer : array.data()->buffers) {
    size += buffer == nullptr ? 0 : static_cast<uint64_t>(buffer->size());
  }
  return size;
}

// Appends one value; that of a dictionary array to a builder of strings.
arrow::Status AppendValue(const arrow::Array& array, int64_t row, arrow::ArrayBuilder& builder) {
  if (array.type_id() != arrow::Type::DICTIONARY || array.IsNull(row)) {
    return array.IsNull(row) ? builder.AppendNull()
                             : builder.AppendArraySlice(arrow::ArraySpan(*array.data()), row, 1);
  }
  const auto& encoded = static_cast<const arrow::DictionaryArray&>(array);
  const auto& values = static_cast<const arrow::StringArray&>(*encoded.dictionary());
  return static_cast<arrow::StringBuilder&>(builder).Append(
      values.GetView(encoded.GetValueIndex(row)));
}

struct Pages {
  std::vector<SstPage> list;  // empty: the chunk has no index
};

class ParquetSstFile final : public SstFile {
 public:
  ParquetSstFile(const FileMeta& meta, SstFooter footer, std::shared_ptr<const ObjectReader> object,
                 std::weak_ptr<SstCache> cache)
      : meta_(meta),
        footer_(std::move(footer)),
        object_(std::move(object)),
        cache_(std::move(cache)) {
    meta_.deletion_vector.reset();  // another in every version
    for (size_t group = 0; group + 1 < footer_.row_groups.size(); ++group) {
      const uint64_t end = footer_.row_groups[group + 1];
      for (uint64_t row = footer_.row_groups[group]; row < end; row += kDataPageRows) {
        blocks_.push_back({row, std::min<uint64_t>(row + kDataPageRows, end)});
        block_groups_.push_back(static_cast<uint32_t>(group));
      }
    }
    if (footer_.default_key) {
      tsid_column_ = KeyColumn(0);
      time_column_ = KeyColumn(1);
    }
  }

  const FileMeta& meta() const override { return meta_; }
  const std::vector<RowRange>& blocks() const override { return blocks_; }
  const std::vector<uint64_t>& row_groups() const override { return footer_.row_groups; }

  size_t BlockOf(uint64_t row) const override {
    const auto after = std::ranges::upper_bound(blocks_, row, {}, &RowRange::begin);
    return static_cast<size_t>(after - blocks_.begin()) - 1;
  }

  bool HasSeries() const override {
    return footer_.default_key && footer_.header.series_tags == SeriesTags::kConstant;
  }

  Result<ArrayPtr> Values(const ColumnSchema& column, size_t block) const override {
    const SstCache::Key key{meta_.id, column.id, static_cast<uint32_t>(block)};
    if (auto found = Find<arrow::Array>(key)) {
      return std::const_pointer_cast<arrow::Array>(found);
    }
    return Named(column.name, [&] { return ReadBlock(column, block, Keep::kYes); });
  }

  Result<std::shared_ptr<const SeriesIndex>> Series() const override {
    VARVE_TRY(CheckDefaultKey());
    const SstCache::Key key{meta_.id, kSeriesKind, 0};
    if (auto found = Find<SeriesIndex>(key)) {
      return found;
    }
    // Others that need it wait, rather than decode the column too.
    const std::lock_guard lock(series_mutex_);
    if (auto found = Find<SeriesIndex>(key)) {
      return found;
    }
    VARVE_ASSIGN(auto index, Named(tsid_column_.name, [&] { return ReadSeries(); }));
    Insert(key, index, index->size_bytes());
    return index;
  }

  Result<ArrayPtr> TagValues(const ColumnSchema& column) const override {
    VARVE_CHECK(HasSeries(), "{}: the tags of series are asked of a file without", meta_.path);
    const SstCache::Key key{meta_.id, kTagsKind | column.id, 0};
    if (auto found = Find<arrow::Array>(key)) {
      return std::const_pointer_cast<arrow::Array>(found);
    }
    VARVE_ASSIGN(const auto index, Series());
    VARVE_ASSIGN(ArrayPtr values, Named(column.name, [&] { return ReadTags(column, *index); }));
    Insert(key, values, SizeBytes(*values));
    return values;
  }

  Result<RowRange> NarrowToTime(RowRange range, int64_t from_us, int64_t to_us) const override {
    VARVE_TRY(CheckDefaultKey());
    VARVE_ASSIGN(const uint64_t begin, FirstNotBefore(range, from_us));
    VARVE_ASSIGN(const uint64_t end, FirstNotBefore({begin, range.end}, to_us));
    return RowRange{begin, end};
  }

  Result<std::vector<uint64_t>> FindKeys(std::span<const SeriesTime> keys) const override {
    VARVE_ASSIGN(const auto index, Series());
    std::vector<uint64_t> rows;
    RowRange left;  // of the series of the last key: what is not before it
    uint64_t last_tsid = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i > 0 && keys[i] == keys[i - 1]) {
        continue;
      }
      if (i == 0 || keys[i].tsid != last_tsid) {
        const auto series = index->Find(keys[i].tsid);
        left = series ? index->rows(*series) : RowRange{};
        last_tsid = keys[i].tsid;
      }
      if (keys[i].time_us < meta_.time_min.value() || keys[i].time_us > meta_.time_max.value()) {
        continue;
      }
      VARVE_ASSIGN(left.begin, FirstNotBefore(left, keys[i].time_us));
      for (uint64_t row = left.begin; row < left.end; ++row) {
        VARVE_ASSIGN(const int64_t time, TimeAt(row));
        if (time != keys[i].time_us) {
          break;
        }
        rows.push_back(row);
      }
    }
    return rows;
  }

  Error InFile(const Error& error) const {
    return error.WithContext(fmt::format("data file '{}'", meta_.path));
  }

 private:
  enum class Keep : uint8_t { kYes, kNo };

  ColumnSchema KeyColumn(size_t position) const {
    ColumnSchema column;
    column.id = footer_.columns[position].id;
    column.name = footer_.columns[position].name;
    column.type = footer_.columns[position].type;
    column.nullable = false;
    return column;
  }

  Status CheckDefaultKey() const {
    return footer_.default_key
               ? Status()
               : InvalidArgument("data file '{}' is not sorted by series and time", meta_.path);
  }

  template <class T>
  std::shared_ptr<const T> Find(const SstCache::Key& key) const {
    const auto cache = cache_.lock();
    return cache == nullptr ? nullptr : std::static_pointer_cast<const T>(cache->Find(key));
  }

  void Insert(const SstCache::Key& key, std::shared_ptr<const void> value, uint64_t bytes) const {
    if (const auto cache = cache_.lock()) {
      cache->Insert(key, std::move(value), bytes);
    }
  }

  // Adds the file and the column to the error of what `read` answers.
  template <class Read>
  auto Named(const std::string& column, Read&& read) const -> std::invoke_result_t<Read> {
    auto result = read();
    if (!result) {
      return std::unexpected(
          InFile(result.error().WithContext(fmt::format("column '{}'", column))));
    }
    return result;
  }

  // What Arrow and Parquet answer and throw, as our error.
  template <class T>
  static Result<T> Guarded(const std::function<arrow::Result<T>()>& fn) {
    Result<T> result;
    const arrow::Status status = Caught([&]() -> arrow::Status {
      ARROW_ASSIGN_OR_RAISE(result, fn());
      return arrow::Status::OK();
    });
    if (!status.ok()) {
      return std::unexpected(FromArrow(
          status, std::nullopt,
          status.IsCapacityError() ? ErrorKind::kResourceExhausted : ErrorKind::kCorruption));
    }
    return result;
  }

  Result<std::shared_ptr<arrow::Buffer>> ReadBytes(uint64_t offset, uint64_t size) const {
    VARVE_ASSIGN(std::shared_ptr<arrow::Buffer> buffer,
                 Guarded<std::shared_ptr<arrow::Buffer>>(
                     [&]() -> arrow::Result<std::shared_ptr<arrow::Buffer>> {
                       return arrow::AllocateBuffer(static_cast<int64_t>(size));
                     }));
    VARVE_TRY(object_->ReadAt(offset, size, buffer->mutable_data_as<char>()));
    return buffer;
  }

  Result<const SstColumn*> FindColumn(const ColumnSchema& column) const {
    const SstColumn* stored = footer_.Find(column.id);
    if (stored == nullptr) {
      return column.nullable ? Result<const SstColumn*>(nullptr)
                             : Corruption("it is NOT NULL, but not in the file");
    }
    if (stored->type != column.type || stored->optional != column.nullable) {
      return Corruption("it is {}{} in the file and {}{} in the table",
                        ColumnTypeName(stored->type), stored->optional ? "" : " NOT NULL",
                        ColumnTypeName(column.type), column.nullable ? "" : " NOT NULL");
    }
    return stored;
  }

  uint64_t GroupRows(size_t group) const {
    return footer_.row_groups[group + 1] - footer_.row_groups[group];
  }

  Result<std::shared_ptr<const Pages>> PagesOf(const SstColumn& column, size_t group) const {
    const SstCache::Key key{meta_.id, kPagesKind | column.id, static_cast<uint32_t>(group)};
    if (auto found = Find<Pages>(key)) {
      return found;
    }
    const SstChunk& chunk = footer_.chunk(group, column);
    auto pages = std::make_shared<Pages>();
    if (chunk.index_size > 0) {
      VARVE_ASSIGN(const auto bytes, ReadBytes(chunk.index, chunk.index_size));
      VARVE_ASSIGN(pages->list, Guarded<std::vector<SstPage>>([&] {
                     return ParseOffsetIndex(chunk, GroupRows(group), *bytes);
                   }));
    }
    Insert(key, pages, sizeof(Pages) + pages->list.size() * sizeof(SstPage));
    return pages;
  }

  Result<ArrayPtr> Dictionary(const SstColumn& column, size_t group) const {
    const SstChunk& chunk = footer_.chunk(group, column);
    if (chunk.begin == chunk.data) {
      return nullptr;
    }
    const SstCache::Key key{meta_.id, kDictionaryKind | column.id, static_cast<uint32_t>(group)};
    if (auto found = Find<arrow::Array>(key)) {
      return std::const_pointer_cast<arrow::Array>(found);
    }
    VARVE_ASSIGN(const auto bytes, ReadBytes(chunk.begin, chunk.data - chunk.begin));
    VARVE_ASSIGN(ArrayPtr values,
                 Guarded<ArrayPtr>([&] { return DecodeDictionary(column, chunk, bytes); }));
    Insert(key, values, SizeBytes(*values));
    return values;
  }

  // Consecutive pages of a column chunk, and the rows of the row group that they hold.
  struct PageRun {
    uint64_t offset = 0;
    uint64_t size = 0;
    RowRange rows;
  };

  // The pages that hold the rows.
  Result<PageRun> FindPages(const SstColumn& column, size_t group, RowRange rows) const {
    const SstChunk& chunk = footer_.chunk(group, column);
    VARVE_ASSIGN(const auto pages, PagesOf(column, group));
    const std::vector<SstPage>& list = pages->list;
    if (list.empty()) {
      return PageRun{chunk.data, chunk.end - chunk.data, {0, GroupRows(group)}};
    }
    const auto first =
        std::prev(std::ranges::upper_bound(list, rows.begin, {}, &SstPage::first_row));
    const auto end = std::ranges::lower_bound(list, rows.end, {}, &SstPage::first_row);
    return PageRun{first->offset,
                   std::prev(end)->offset + std::prev(end)->size - first->offset,
                   {first->first_row, end == list.end() ? GroupRows(group) : end->first_row}};
  }

  Result<ArrayPtr> ReadBlock(const ColumnSchema& column, size_t block, Keep keep) const {
    const RowRange rows = blocks_[block];
    VARVE_ASSIGN(const SstColumn* stored, FindColumn(column));
    if (stored == nullptr) {
      return std::make_shared<arrow::NullArray>(static_cast<int64_t>(rows.end - rows.begin));
    }
    const size_t group = block_groups_[block];
    const SstChunk& chunk = footer_.chunk(group, *stored);
    const uint64_t group_begin = footer_.row_groups[group];
    VARVE_ASSIGN(const PageRun run,
                 FindPages(*stored, group, {rows.begin - group_begin, rows.end - group_begin}));
    VARVE_ASSIGN(const ArrayPtr dictionary, Dictionary(*stored, group));
    VARVE_ASSIGN(const auto bytes, ReadBytes(run.offset, run.size));
    const SstPages pages{bytes, run.rows.end - run.rows.begin, dictionary};
    VARVE_ASSIGN(const ArrayPtr values, Guarded<ArrayPtr>([&] {
                   return AsDictionary(column) ? DecodeToDictionary(*stored, chunk, pages)
                                               : DecodePages(*stored, chunk, pages);
                 }));
    const RowRange decoded{run.rows.begin + group_begin, run.rows.end + group_begin};
    if (keep == Keep::kYes) {
      KeepBlocks(column.id, block, decoded, values);
    }
    return values->Slice(static_cast<int64_t>(rows.begin - decoded.begin),
                         static_cast<int64_t>(rows.end - rows.begin));
  }

  // Keeps all blocks that lie in the decoded rows: pages may be longer than blocks.
  void KeepBlocks(uint32_t column_id, size_t block, RowRange decoded,
                  const ArrayPtr& values) const {
    size_t first = block;
    while (first > 0 && blocks_[first - 1].begin >= decoded.begin) {
      --first;
    }
    for (size_t i = first; i < blocks_.size() && blocks_[i].end <= decoded.end; ++i) {
      const auto count = static_cast<int64_t>(blocks_[i].end - blocks_[i].begin);
      const auto part =
          values->Slice(static_cast<int64_t>(blocks_[i].begin - decoded.begin), count);
      const uint64_t bytes = SizeBytes(*values) * static_cast<uint64_t>(count) /
                             static_cast<uint64_t>(values->length());
      Insert({meta_.id, column_id, static_cast<uint32_t>(i)}, part, bytes);
    }
  }

  Result<std::shared_ptr<const SeriesIndex>> ReadSeries() const {
    std::vector<uint64_t> tsids;
    std::vector<uint32_t> starts;
    for (size_t block = 0; block < blocks_.size(); ++block) {
      VARVE_ASSIGN(const ArrayPtr values, ReadBlock(tsid_column_, block, Keep::kNo));
      const uint64_t* block_tsids = static_cast<const arrow::UInt64Array&>(*values).raw_values();
      for (int64_t i = 0; i < values->length(); ++i) {
        if (tsids.empty() || block_tsids[i] != tsids.back()) {
          if (!tsids.empty() && block_tsids[i] < tsids.back()) {
            return Corruption("row {} is out of order", blocks_[block].begin + i);
          }
          tsids.push_back(block_tsids[i]);
          starts.push_back(static_cast<uint32_t>(blocks_[block].begin + i));
        }
      }
    }
    starts.push_back(static_cast<uint32_t>(meta_.rows));
    tsids.shrink_to_fit();
    starts.shrink_to_fit();
    return std::make_shared<const SeriesIndex>(std::move(tsids), std::move(starts));
  }

  Result<ArrayPtr> ReadTags(const ColumnSchema& column, const SeriesIndex& index) const {
    if (footer_.Find(column.id) == nullptr) {
      return Guarded<ArrayPtr>([&] {
        return arrow::MakeArrayOfNull(ArrowType(column.type), static_cast<int64_t>(index.size()));
      });
    }
    std::unique_ptr<arrow::ArrayBuilder> builder;
    VARVE_CHECK(
        arrow::MakeBuilder(arrow::default_memory_pool(), ArrowType(column.type), &builder).ok());
    for (size_t series = 0; series < index.size();) {
      const size_t block = BlockOf(index.rows(series).begin);
      VARVE_ASSIGN(const ArrayPtr values, ReadBlock(column, block, Keep::kNo));
      for (; series < index.size() && index.rows(series).begin < blocks_[block].end; ++series) {
        const auto row = static_cast<int64_t>(index.rows(series).begin - blocks_[block].begin);
        const arrow::Status status = AppendValue(*values, row, *builder);
        if (!status.ok()) {
          return std::unexpected(FromArrow(status, std::nullopt, ErrorKind::kResourceExhausted));
        }
      }
    }
    return Guarded<ArrayPtr>([&] { return builder->Finish(); });
  }

  Result<int64_t> TimeAt(uint64_t row) const {
    const size_t block = BlockOf(row);
    VARVE_ASSIGN(const ArrayPtr times, Values(time_column_, block));
    return static_cast<const arrow::TimestampArray&>(*times).Value(
        static_cast<int64_t>(row - blocks_[block].begin));
  }

  // The first row of the range whose time is not before `time_us`; the end when there is none.
  Result<uint64_t> FirstNotBefore(RowRange range, int64_t time_us) const {
    if (range.begin >= range.end || time_us <= meta_.time_min.value()) {
      return range.begin;
    }
    if (time_us > meta_.time_max.value()) {
      return range.end;
    }
    // The last block whose first row of the range is before the time.
    size_t low = BlockOf(range.begin);
    size_t high = BlockOf(range.end - 1);
    while (low < high) {
      const size_t middle = low + (high - low + 1) / 2;
      VARVE_ASSIGN(const int64_t time, TimeAt(blocks_[middle].begin));
      if (time < time_us) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    VARVE_ASSIGN(const ArrayPtr times, Values(time_column_, low));
    const int64_t* values = static_cast<const arrow::TimestampArray&>(*times).raw_values();
    const uint64_t block_begin = blocks_[low].begin;
    const uint64_t begin = std::max(range.begin, block_begin) - block_begin;
    const uint64_t end = std::min(range.end, blocks_[low].end) - block_begin;
    return block_begin +
           static_cast<uint64_t>(std::lower_bound(values + begin, values + end, time_us) - values);
  }

  FileMeta meta_;
  const SstFooter footer_;
  const std::shared_ptr<const ObjectReader> object_;
  const std::weak_ptr<SstCache> cache_;
  std::vector<RowRange> blocks_;
  std::vector<uint32_t> block_groups_;  // the row group of each
  ColumnSchema tsid_column_;            // default key only, as time_column_
  ColumnSchema time_column_;
  mutable std::mutex series_mutex_;  // held while the tsids are read
};

}  // namespace

Result<std::shared_ptr<const SstFile>> OpenSstFile(ObjectStore& store, const FileMeta& meta,
                                                   std::weak_ptr<SstCache> cache) {
  VARVE_ASSIGN(auto object, store.Open(meta.path));
  auto footer = ReadSstFooter(object, meta);
  if (!footer) {
    return std::unexpected(footer.error().WithContext(fmt::format("data file '{}'", meta.path)));
  }
  return std::make_shared<const ParquetSstFile>(meta, *std::move(footer), std::move(object),
                                                std::move(cache));
}

}  // namespace varve
