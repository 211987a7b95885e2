#include "model/series_key.h"

#include "base/bytes.h"
#include "model/murmur3.h"

namespace varve {
namespace {

constexpr uint8_t kColumnMark = 9;
constexpr uint8_t kBytesMark = 2;
constexpr uint8_t kSignedMark = 8;
constexpr uint8_t kUnsignedMark = 9;

void AppendColumn(std::string& key, uint32_t column_id, uint8_t mark) {
  key.push_back(static_cast<char>(kColumnMark));
  AppendVarint(key, column_id);
  key.push_back(static_cast<char>(mark));
}

Result<TagValue> DecodeTag(ByteReader& reader) {
  TagValue tag;
  VARVE_ASSIGN(const uint8_t column_mark, reader.Fixed<uint8_t>());
  VARVE_ASSIGN(const uint64_t column_id, reader.Varint());
  VARVE_ASSIGN(const uint8_t mark, reader.Fixed<uint8_t>());
  VARVE_ASSIGN(const uint64_t number, reader.Varint());
  if (column_mark != kColumnMark || column_id == 0 || column_id > UINT32_MAX) {
    return Corruption("a series key has no column at offset {}", reader.offset());
  }
  tag.column_id = static_cast<uint32_t>(column_id);
  switch (mark) {
    case kBytesMark: {
      VARVE_ASSIGN(tag.value, reader.Bytes(static_cast<uint64_t>(UnZigZag(number))));
      return tag;
    }
    case kSignedMark:
      tag.value = UnZigZag(number);
      return tag;
    case kUnsignedMark:
      tag.value = number;
      return tag;
    default:
      return Corruption("a series key has the unknown mark {} at offset {}", mark, reader.offset());
  }
}

}  // namespace

void AppendTag(std::string& key, uint32_t column_id, std::string_view value) {
  AppendColumn(key, column_id, kBytesMark);
  AppendVarint(key, ZigZag(static_cast<int64_t>(value.size())));
  key.append(value);
}

void AppendTag(std::string& key, uint32_t column_id, int64_t value) {
  AppendColumn(key, column_id, kSignedMark);
  AppendVarint(key, ZigZag(value));
}

void AppendTag(std::string& key, uint32_t column_id, uint64_t value) {
  AppendColumn(key, column_id, kUnsignedMark);
  AppendVarint(key, value);
}

uint64_t Tsid(std::string_view key) { return Murmur3Low64(key); }

Result<std::vector<TagValue>> DecodeSeriesKey(std::string_view key) {
  std::vector<TagValue> tags;
  ByteReader reader(key);
  while (reader.remaining() > 0) {
    VARVE_ASSIGN(TagValue tag, DecodeTag(reader));
    tags.push_back(tag);
  }
  return tags;
}

uint32_t SeriesSet::Add(std::string_view key, uint64_t tsid) {
  keys_.append(key);
  ends_.push_back(keys_.size());
  tsids_.push_back(tsid);
  return static_cast<uint32_t>(tsids_.size() - 1);
}

}  // namespace varve
