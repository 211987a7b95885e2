#include "sst/sst_pages_internal.h"

#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/util/bit_util.h>
#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/encoding.h>
#include <parquet/page_index.h>
#include <parquet/properties.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <type_traits>
#include <unordered_map>

namespace varve {
namespace {

const parquet::ReaderProperties& Properties() {
  static const parquet::ReaderProperties properties = [] {
    parquet::ReaderProperties made;
    made.set_page_checksum_verification(true);
    return made;
  }();
  return properties;
}

std::unique_ptr<parquet::PageReader> OpenPages(const SstColumn& column, const SstChunk& chunk,
                                               std::shared_ptr<arrow::Buffer> bytes,
                                               uint64_t values) {
  return parquet::PageReader::Open(std::make_shared<arrow::io::BufferReader>(std::move(bytes)),
                                   static_cast<int64_t>(values), chunk.codec, Properties(),
                                   *column.descriptor);
}

bool IsDictionaryEncoding(parquet::Encoding::type encoding) {
  return encoding == parquet::Encoding::RLE_DICTIONARY ||
         encoding == parquet::Encoding::PLAIN_DICTIONARY;
}

// Which values of a run of pages are there. The bitmap is made at the first NULL.
class Validity {
 public:
  explicit Validity(uint64_t rows) : rows_(static_cast<int64_t>(rows)) {}

  arrow::Status SetNull(uint64_t row) {
    if (bits_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(bits_, arrow::AllocateBuffer(arrow::bit_util::BytesForBits(rows_)));
      std::fill_n(bits_->mutable_data(), bits_->size(), uint8_t{0xff});
    }
    arrow::bit_util::ClearBit(bits_->mutable_data(), static_cast<int64_t>(row));
    ++nulls_;
    return arrow::Status::OK();
  }

  bool IsValid(uint64_t row) const {
    return bits_ == nullptr || arrow::bit_util::GetBit(bits_->data(), static_cast<int64_t>(row));
  }
  int64_t nulls() const { return nulls_; }
  std::shared_ptr<arrow::Buffer> Release() { return std::move(bits_); }

 private:
  const int64_t rows_;
  int64_t nulls_ = 0;
  std::shared_ptr<arrow::Buffer> bits_;
};

// The encoded values of one data page, without its levels.
struct PageValues {
  std::shared_ptr<parquet::Page> page;  // keeps the bytes
  parquet::Encoding::type encoding = parquet::Encoding::PLAIN;
  const uint8_t* data = nullptr;
  int size = 0;
  uint64_t first = 0;  // its first row among those of all pages
  int rows = 0;
  int values = 0;  // that are not NULL
};

// The pages one after the other.
class PageCursor {
 public:
  PageCursor(const SstColumn& column, const SstChunk& chunk, const SstPages& pages)
      : column_(column),
        chunk_(chunk),
        rows_(pages.rows),
        validity_(pages.rows),
        reader_(OpenPages(column, chunk, pages.bytes, pages.rows)) {}
  // One page that has been read already, without NULLs.
  PageCursor(const SstColumn& column, const SstChunk& chunk, const PageValues& page)
      : column_(column),
        chunk_(chunk),
        rows_(static_cast<uint64_t>(page.rows)),
        validity_(rows_),
        only_(page) {}

  bool done() const { return next_ == rows_; }
  Validity& validity() { return validity_; }

  arrow::Result<PageValues> Next() {
    if (only_) {
      next_ = rows_;
      return *only_;
    }
    const std::shared_ptr<parquet::Page> page = reader_->NextPage();
    if (page == nullptr || page->type() != parquet::PageType::DATA_PAGE) {
      return arrow::Status::Invalid("a page is missing, or of a kind that data files do not have");
    }
    const auto& data = static_cast<const parquet::DataPageV1&>(*page);
    PageValues values{.page = page,
                      .encoding = data.encoding(),
                      .data = data.data(),
                      .size = data.size(),
                      .first = next_,
                      .rows = data.num_values()};
    if (values.rows <= 0 || static_cast<uint64_t>(values.rows) > rows_ - next_ ||
        data.uncompressed_size() != data.size() || !chunk_.Has(values.encoding)) {
      return arrow::Status::Invalid("a page's header disagrees with the footer");
    }
    ARROW_ASSIGN_OR_RAISE(values.values, ReadLevels(data, values));
    next_ += static_cast<uint64_t>(values.rows);
    return values;
  }

 private:
  // Takes the levels off the page's bytes; the number of values that are not NULL.
  arrow::Result<int> ReadLevels(const parquet::DataPageV1& page, PageValues& values) {
    if (!column_.optional) {
      return values.rows;
    }
    if (page.definition_level_encoding() != parquet::Encoding::RLE) {
      return arrow::Status::Invalid(
          "a page's levels are of an encoding that data files do not have");
    }
    parquet::LevelDecoder decoder;
    const auto open = [&] {
      return decoder.SetData(parquet::Encoding::RLE, 1, values.rows, page.data(), page.size());
    };
    const int consumed = open();
    values.data += consumed;
    values.size -= consumed;
    // Nearly always one run.
    if (decoder.CountUpTo(1, values.rows).matching_count == values.rows) {
      return values.rows;
    }
    open();
    levels_.resize(static_cast<size_t>(values.rows));
    if (decoder.Decode(values.rows, levels_.data()) != values.rows) {
      return arrow::Status::Invalid("a page has too few levels");
    }
    int present = 0;
    for (int i = 0; i < values.rows; ++i) {
      if (levels_[static_cast<size_t>(i)] == 1) {
        ++present;
      } else {
        ARROW_RETURN_NOT_OK(validity_.SetNull(values.first + static_cast<uint64_t>(i)));
      }
    }
    return present;
  }

  const SstColumn& column_;
  const SstChunk& chunk_;
  const uint64_t rows_;
  Validity validity_;
  const std::unique_ptr<parquet::PageReader> reader_;
  const std::optional<PageValues> only_;
  uint64_t next_ = 0;
  std::vector<int16_t> levels_;
};

arrow::Status CheckCount(int decoded, int expected) {
  return decoded == expected
             ? arrow::Status::OK()
             : arrow::Status::Invalid("a page has ", decoded, " of ", expected, " values");
}

// The dictionary codes of a page, all below `size`.
arrow::Status DecodeCodes(const PageValues& page, int64_t size, int32_t* out) {
  if (page.values == 0) {
    return arrow::Status::OK();
  }
  const auto decoder = parquet::MakeDictDecoder<parquet::Int32Type>();
  decoder->SetData(page.values, page.data, page.size);
  ARROW_RETURN_NOT_OK(CheckCount(decoder->DecodeIndices(page.values, out), page.values));
  uint32_t largest = 0;
  for (int i = 0; i < page.values; ++i) {
    largest = std::max(largest, static_cast<uint32_t>(out[i]));
  }
  return largest < size ? arrow::Status::OK()
                        : arrow::Status::Invalid("a page names no value of its dictionary");
}

// Moves the values of a page, which stand together at its first row, to the rows that have one.
template <class T>
void Spread(const PageValues& page, const Validity& validity, T* out) {
  int next = page.values;
  for (int i = page.rows - 1; i >= 0 && next <= i; --i) {
    out[i] = validity.IsValid(page.first + static_cast<uint64_t>(i)) ? out[--next] : T{};
  }
}

template <class Type>
arrow::Status CheckPlainSize(const PageValues& page) {
  using T = typename Type::c_type;
  if (page.encoding == parquet::Encoding::PLAIN && !std::is_same_v<T, bool> &&
      static_cast<size_t>(page.size) != static_cast<size_t>(page.values) * sizeof(T)) {
    return arrow::Status::Invalid("a page has ", page.size, " bytes for ", page.values, " values");
  }
  return arrow::Status::OK();
}

// Numbers: `Type` as the file has them, T as the array does.
template <class Type, class T>
class NumberDecoder {
 public:
  using Stored = typename Type::c_type;

  arrow::Status Decode(const SstColumn& column, const PageValues& page,
                       const arrow::Array* dictionary, T* out) {
    if (page.values == 0) {
      return arrow::Status::OK();
    }
    if (IsDictionaryEncoding(page.encoding)) {
      return DecodeByDictionary(page, dictionary, out);
    }
    ARROW_RETURN_NOT_OK(CheckPlainSize<Type>(page));
    const auto decoder = parquet::MakeTypedDecoder<Type>(page.encoding, column.descriptor.get());
    decoder->SetData(page.values, page.data, page.size);
    if constexpr (sizeof(T) == sizeof(Stored)) {
      return CheckCount(decoder->Decode(reinterpret_cast<Stored*>(out), page.values), page.values);
    } else {
      stored_.resize(static_cast<size_t>(page.values));
      ARROW_RETURN_NOT_OK(CheckCount(decoder->Decode(stored_.data(), page.values), page.values));
      return Narrow(out);
    }
  }

 private:
  arrow::Status DecodeByDictionary(const PageValues& page, const arrow::Array* dictionary, T* out) {
    if (dictionary == nullptr) {
      return arrow::Status::Invalid("a page needs a dictionary, which is missing");
    }
    codes_.resize(static_cast<size_t>(page.values));
    ARROW_RETURN_NOT_OK(DecodeCodes(page, dictionary->length(), codes_.data()));
    const T* values = dictionary->data()->GetValues<T>(1);
    for (size_t i = 0; i < codes_.size(); ++i) {
      out[i] = values[codes_[i]];
    }
    return arrow::Status::OK();
  }

  arrow::Status Narrow(T* out) const {
    bool fits = true;
    for (size_t i = 0; i < stored_.size(); ++i) {
      out[i] = static_cast<T>(stored_[i]);
      fits &= static_cast<Stored>(out[i]) == stored_[i];
    }
    return fits ? arrow::Status::OK()
                : arrow::Status::Invalid("a value is beyond the type of its column");
  }

  std::vector<int32_t> codes_;
  std::vector<Stored> stored_;
};

template <class Type, class T>
arrow::Result<std::shared_ptr<arrow::Array>> Numbers(const SstColumn& column, PageCursor& cursor,
                                                     const SstPages& pages) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> values,
                        arrow::AllocateBuffer(static_cast<int64_t>(pages.rows * sizeof(T))));
  NumberDecoder<Type, T> decoder;
  while (!cursor.done()) {
    ARROW_ASSIGN_OR_RAISE(const PageValues page, cursor.Next());
    T* out = values->mutable_data_as<T>() + page.first;
    ARROW_RETURN_NOT_OK(decoder.Decode(column, page, pages.dictionary.get(), out));
    if (page.values < page.rows) {
      Spread(page, cursor.validity(), out);
    }
  }
  return arrow::MakeArray(arrow::ArrayData::Make(
      ArrowType(column.type), static_cast<int64_t>(pages.rows),
      {cursor.validity().Release(), std::move(values)}, cursor.validity().nulls()));
}

arrow::Result<std::shared_ptr<arrow::Array>> Booleans(const SstColumn& column, PageCursor& cursor,
                                                      const SstPages& pages) {
  ARROW_ASSIGN_OR_RAISE(
      std::shared_ptr<arrow::Buffer> bits,
      arrow::AllocateBuffer(arrow::bit_util::BytesForBits(static_cast<int64_t>(pages.rows))));
  std::fill_n(bits->mutable_data(), bits->size(), uint8_t{0});
  const auto values = std::make_unique<bool[]>(pages.rows);
  while (!cursor.done()) {
    ARROW_ASSIGN_OR_RAISE(const PageValues page, cursor.Next());
    if (page.values == 0) {
      continue;
    }
    const auto decoder =
        parquet::MakeTypedDecoder<parquet::BooleanType>(page.encoding, column.descriptor.get());
    decoder->SetData(page.values, page.data, page.size);
    bool* out = values.get() + page.first;
    // The bitmap form of Decode hides the other.
    auto& typed = static_cast<parquet::TypedDecoder<parquet::BooleanType>&>(*decoder);
    ARROW_RETURN_NOT_OK(CheckCount(typed.Decode(out, page.values), page.values));
    if (page.values < page.rows) {
      Spread(page, cursor.validity(), out);
    }
    for (int i = 0; i < page.rows; ++i) {
      const auto row = static_cast<int64_t>(page.first) + i;
      arrow::bit_util::SetBitTo(bits->mutable_data(), row, out[i]);
    }
  }
  return arrow::MakeArray(arrow::ArrayData::Make(arrow::boolean(), static_cast<int64_t>(pages.rows),
                                                 {cursor.validity().Release(), std::move(bits)},
                                                 cursor.validity().nulls()));
}

// The values of a page, which point into it or into the decoder.
class TextDecoder {
 public:
  explicit TextDecoder(const SstColumn& column, const arrow::Array* dictionary)
      : column_(column), dictionary_(static_cast<const arrow::BinaryArray*>(dictionary)) {}

  arrow::Result<const std::vector<std::string_view>*> Decode(const PageValues& page) {
    texts_.clear();
    if (page.values == 0) {
      return &texts_;
    }
    if (IsDictionaryEncoding(page.encoding)) {
      if (dictionary_ == nullptr) {
        return arrow::Status::Invalid("a page needs a dictionary, which is missing");
      }
      codes_.resize(static_cast<size_t>(page.values));
      ARROW_RETURN_NOT_OK(DecodeCodes(page, dictionary_->length(), codes_.data()));
      for (const int32_t code : codes_) {
        texts_.push_back(dictionary_->GetView(code));
      }
      return &texts_;
    }
    decoder_ =
        parquet::MakeTypedDecoder<parquet::ByteArrayType>(page.encoding, column_.descriptor.get());
    decoder_->SetData(page.values, page.data, page.size);
    stored_.resize(static_cast<size_t>(page.values));
    ARROW_RETURN_NOT_OK(CheckCount(decoder_->Decode(stored_.data(), page.values), page.values));
    size_t size = 0;
    for (const parquet::ByteArray& value : stored_) {
      texts_.emplace_back(static_cast<std::string_view>(value));
      size += sizeof(uint32_t) + value.len;
    }
    if (page.encoding == parquet::Encoding::PLAIN && size != static_cast<size_t>(page.size)) {
      return arrow::Status::Invalid("a page has ", page.size, " bytes for values of ", size);
    }
    return &texts_;
  }

 private:
  const SstColumn& column_;
  const arrow::BinaryArray* const dictionary_;
  std::unique_ptr<parquet::ByteArrayDecoder> decoder_;
  std::vector<int32_t> codes_;
  std::vector<parquet::ByteArray> stored_;
  std::vector<std::string_view> texts_;
};

// Calls `add(text)` or `add_null()` for every row.
template <class Add, class AddNull>
arrow::Status ForEachText(const SstColumn& column, PageCursor& cursor, const SstPages& pages,
                          Add&& add, AddNull&& add_null) {
  TextDecoder decoder(column, pages.dictionary.get());
  while (!cursor.done()) {
    ARROW_ASSIGN_OR_RAISE(const PageValues page, cursor.Next());
    ARROW_ASSIGN_OR_RAISE(const auto* texts, decoder.Decode(page));
    size_t next = 0;
    for (int i = 0; i < page.rows; ++i) {
      const bool there = page.values == page.rows ||
                         cursor.validity().IsValid(page.first + static_cast<uint64_t>(i));
      ARROW_RETURN_NOT_OK(there ? add((*texts)[next++]) : add_null());
    }
  }
  return arrow::Status::OK();
}

template <class Builder>
arrow::Result<std::shared_ptr<arrow::Array>> Texts(const SstColumn& column, PageCursor& cursor,
                                                   const SstPages& pages) {
  Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(pages.rows)));
  ARROW_RETURN_NOT_OK(ForEachText(
      column, cursor, pages, [&](std::string_view text) { return builder.Append(text); },
      [&] { return builder.AppendNull(); }));
  return builder.Finish();
}

// Pages without a dictionary: Parquet gives it up where values hardly repeat.
arrow::Result<std::shared_ptr<arrow::Array>> Encoded(const SstColumn& column, const SstChunk& chunk,
                                                     const SstPages& pages) {
  PageCursor cursor(column, chunk, pages);
  ARROW_ASSIGN_OR_RAISE(const auto texts, Texts<arrow::StringBuilder>(column, cursor, pages));
  const auto& values = static_cast<const arrow::StringArray&>(*texts);
  std::unordered_map<std::string_view, int32_t> codes;
  arrow::StringBuilder dictionary;
  arrow::Int32Builder indices;
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) {
      ARROW_RETURN_NOT_OK(indices.AppendNull());
      continue;
    }
    const auto [code, added] =
        codes.try_emplace(values.GetView(i), static_cast<int32_t>(codes.size()));
    if (added) {
      ARROW_RETURN_NOT_OK(dictionary.Append(values.GetView(i)));
    }
    ARROW_RETURN_NOT_OK(indices.Append(code->second));
  }
  ARROW_ASSIGN_OR_RAISE(const auto built, dictionary.Finish());
  ARROW_ASSIGN_OR_RAISE(const auto built_indices, indices.Finish());
  return std::make_shared<arrow::DictionaryArray>(arrow::dictionary(arrow::int32(), arrow::utf8()),
                                                  built_indices, built);
}

arrow::Result<std::shared_ptr<arrow::Array>> Decode(const SstColumn& column, PageCursor& cursor,
                                                    const SstPages& pages) {
  switch (column.type) {
    case ColumnType::kTimestamp:
    case ColumnType::kInt64:
    case ColumnType::kUInt64:
    case ColumnType::kTime:
      return Numbers<parquet::Int64Type, int64_t>(column, cursor, pages);
    case ColumnType::kDouble:
      return Numbers<parquet::DoubleType, double>(column, cursor, pages);
    case ColumnType::kFloat:
      return Numbers<parquet::FloatType, float>(column, cursor, pages);
    case ColumnType::kInt32:
    case ColumnType::kDate:
      return Numbers<parquet::Int32Type, int32_t>(column, cursor, pages);
    case ColumnType::kInt16:
      return Numbers<parquet::Int32Type, int16_t>(column, cursor, pages);
    case ColumnType::kInt8:
      return Numbers<parquet::Int32Type, int8_t>(column, cursor, pages);
    case ColumnType::kUInt32:
      return Numbers<parquet::Int64Type, uint32_t>(column, cursor, pages);
    case ColumnType::kUInt16:
      return Numbers<parquet::Int32Type, uint16_t>(column, cursor, pages);
    case ColumnType::kUInt8:
      return Numbers<parquet::Int32Type, uint8_t>(column, cursor, pages);
    case ColumnType::kBoolean:
      return Booleans(column, cursor, pages);
    case ColumnType::kString:
      return Texts<arrow::StringBuilder>(column, cursor, pages);
    case ColumnType::kVarbinary:
      return Texts<arrow::BinaryBuilder>(column, cursor, pages);
  }
  return arrow::Status::Invalid("a type that data files do not have");
}

}  // namespace

arrow::Result<std::vector<SstPage>> ParseOffsetIndex(const SstChunk& chunk, uint64_t rows,
                                                     const arrow::Buffer& bytes) {
  const auto index =
      parquet::OffsetIndex::Make(bytes.data(), bytes.size(), parquet::default_reader_properties());
  std::vector<SstPage> pages;
  uint64_t offset = chunk.data;
  for (const parquet::PageLocation& location : index->page_locations()) {
    const bool first = pages.empty();
    if (static_cast<uint64_t>(location.offset) != offset || location.compressed_page_size <= 0 ||
        location.first_row_index < 0 || static_cast<uint64_t>(location.first_row_index) >= rows ||
        (first ? location.first_row_index != 0
               : location.first_row_index <= int64_t{pages.back().first_row})) {
      return arrow::Status::Invalid("the page index disagrees with the footer");
    }
    pages.push_back({offset, static_cast<uint32_t>(location.compressed_page_size),
                     static_cast<uint32_t>(location.first_row_index)});
    offset += pages.back().size;
  }
  if (offset != chunk.end) {
    return arrow::Status::Invalid("the page index disagrees with the footer");
  }
  return pages;
}

arrow::Result<std::shared_ptr<arrow::Array>> DecodeDictionary(const SstColumn& column,
                                                              const SstChunk& chunk,
                                                              std::shared_ptr<arrow::Buffer> page) {
  const auto reader = OpenPages(column, chunk, std::move(page), /*values=*/1);
  const std::shared_ptr<parquet::Page> read = reader->NextPage();
  if (read == nullptr || read->type() != parquet::PageType::DICTIONARY_PAGE) {
    return arrow::Status::Invalid("the dictionary page is missing");
  }
  const auto& dictionary = static_cast<const parquet::DictionaryPage&>(*read);
  if (dictionary.num_values() < 0 ||
      (dictionary.encoding() != parquet::Encoding::PLAIN &&
       dictionary.encoding() != parquet::Encoding::PLAIN_DICTIONARY)) {
    return arrow::Status::Invalid("the dictionary page's header is not one of a data file");
  }
  const PageValues values{.page = read,
                          .encoding = parquet::Encoding::PLAIN,
                          .data = read->data(),
                          .size = read->size(),
                          .first = 0,
                          .rows = dictionary.num_values(),
                          .values = dictionary.num_values()};
  PageCursor cursor(column, chunk, values);
  return Decode(column, cursor, SstPages{.rows = static_cast<uint64_t>(values.rows)});
}

arrow::Result<std::shared_ptr<arrow::Array>> DecodePages(const SstColumn& column,
                                                         const SstChunk& chunk,
                                                         const SstPages& pages) {
  PageCursor cursor(column, chunk, pages);
  return Decode(column, cursor, pages);
}

arrow::Result<std::shared_ptr<arrow::Array>> DecodeToDictionary(const SstColumn& column,
                                                                const SstChunk& chunk,
                                                                const SstPages& pages) {
  if (pages.dictionary == nullptr) {
    return Encoded(column, chunk, pages);
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> codes,
                        arrow::AllocateBuffer(static_cast<int64_t>(pages.rows * sizeof(int32_t))));
  PageCursor cursor(column, chunk, pages);
  while (!cursor.done()) {
    ARROW_ASSIGN_OR_RAISE(const PageValues page, cursor.Next());
    if (!IsDictionaryEncoding(page.encoding)) {
      return Encoded(column, chunk, pages);
    }
    int32_t* out = codes->mutable_data_as<int32_t>() + page.first;
    ARROW_RETURN_NOT_OK(DecodeCodes(page, pages.dictionary->length(), out));
    if (page.values < page.rows) {
      Spread(page, cursor.validity(), out);
    }
  }
  auto data = arrow::ArrayData::Make(
      arrow::dictionary(arrow::int32(), arrow::utf8()), static_cast<int64_t>(pages.rows),
      {cursor.validity().Release(), std::move(codes)}, cursor.validity().nulls());
  data->dictionary = pages.dictionary->data();
  return arrow::MakeArray(std::move(data));
}

}  // namespace varve
