// The part of a line that names the series: measurement and tags.
#include <algorithm>
#include <cstring>

#include "model/table_schema.h"
#include "server/influx/line_parser_internal.h"

namespace varve {
namespace {

constexpr size_t kTablesMax = 4096;  // of one request; each has buffers of its own

// The first comma (or `other`) that no backslash precedes; text.size() when there is none.
size_t FindUnescaped(std::string_view text, char other, size_t from) {
  for (size_t i = from; i < text.size(); ++i) {
    if ((text[i] == ',' || text[i] == other) && (i == 0 || text[i - 1] != '\\')) {
      return i;
    }
  }
  return text.size();
}

// In measurements an equals sign needs no backslash, so one before it is itself.
std::string UnescapeMeasurement(std::string_view raw) {
  std::string out;
  for (size_t i = 0; i < raw.size(); ++i) {
    const char next = i + 1 < raw.size() ? raw[i + 1] : '\0';
    if (raw[i] != '\\' || (next != ',' && next != ' ')) {
      out.push_back(raw[i]);
    }
  }
  return out;
}

}  // namespace

const char* LineParser::ReadKey(const char* at) {
  if (const std::string_view* const key = cache_.Predicted(at, end_)) {
    return at + key->size();
  }
  return ReadNewKey(at);
}

const char* LineParser::ReadNewKey(const char* at) {
  // Within the line, so that bodies without a space do not cost a search to their end for every
  // line.
  const auto* const line_end =
      static_cast<const char*>(std::memchr(at, '\n', static_cast<size_t>(end_ - at)));
  const char* const limit = line_end == nullptr ? end_ : line_end;
  const char* space = at;
  do {
    space = static_cast<const char*>(
        std::memchr(space + 1, ' ', static_cast<size_t>(limit - std::min(limit, space + 1))));
  } while (space != nullptr && space[-1] == '\\');
  if (space == nullptr) {
    return Fail("missing fields");
  }
  const std::string_view key(at, space);
  if (!cache_.Find(key) && !(SplitKey(key) && PlaceSeries(key))) {
    return nullptr;
  }
  return space;
}

bool LineParser::SplitKey(std::string_view key) {
  const size_t comma = FindUnescaped(key, ',', 0);
  raw_measurement_ = key.substr(0, comma);
  tags_.clear();
  if (raw_measurement_.empty()) {
    Fail("missing measurement");
    return false;
  }
  return comma == key.size() || SplitTags(key.substr(comma + 1));
}

bool LineParser::SplitTags(std::string_view text) {
  const auto fail = [this](std::string_view reason) {
    Fail(reason);
    return false;
  };
  while (true) {
    const size_t equals = FindUnescaped(text, '=', 0);
    if (equals == 0 || text.empty()) {
      return fail("missing tag key");
    }
    if (equals == text.size() || text[equals] == ',') {
      return fail("missing tag value");
    }
    const size_t end = FindUnescaped(text, '=', equals + 1);
    if (end == equals + 1) {
      return fail("missing tag value");
    }
    if (end < text.size() && text[end] == '=') {
      return fail("invalid tag format");
    }
    if (tags_.size() == kLineTagsMax) {
      return fail(fmt::format("more than {} tags", kLineTagsMax));
    }
    tags_.push_back({text.substr(0, equals), text.substr(equals + 1, end - equals - 1)});
    if (end == text.size()) {
      return true;
    }
    text.remove_prefix(end + 1);
  }
}

std::optional<uint32_t> LineParser::TableOf(std::string_view raw_measurement) {
  std::string raw(raw_measurement);
  const auto found = table_index_.find(raw);
  if (found != table_index_.end()) {
    return found->second;
  }
  std::string name = UnescapeMeasurement(raw_measurement);
  if (const Status checked = CheckIdentifier("measurement", name); !checked) {
    Fail(checked.error().message);
    return std::nullopt;
  }
  if (tables_.size() == kTablesMax) {
    too_large_ = fmt::format("the request has more than {} measurements", kTablesMax);
    return std::nullopt;
  }
  const auto index = static_cast<uint32_t>(tables_.size());
  table_index_.emplace(std::move(raw), index);
  tables_.emplace_back(std::move(name));
  return index;
}

// The order of tags does not matter for which series it is. One order is canonical, and in it equal
// series have equal texts, because there is only one way to escape a text.
bool LineParser::PlaceSeries(std::string_view key) {
  const auto table_index = TableOf(raw_measurement_);
  if (!table_index) {
    return false;
  }
  LineTable& table = tables_[*table_index];
  table_ = &table;
  mark_ = table.mark();
  cache_mark_ = cache_.size();
  if (const Status found = table.FindTags(tags_); !found) {
    Fail(found.error().message);
    return false;
  }
  const bool canonical = std::ranges::is_sorted(tags_, {}, &LineTable::Tag::index);
  if (!canonical) {
    std::ranges::sort(tags_, {}, &LineTable::Tag::index);
  }
  if (std::ranges::adjacent_find(tags_, {}, &LineTable::Tag::index) != tags_.end()) {
    Fail("duplicate tags");
    return false;
  }
  if (canonical) {
    cache_.Add(key, {*table_index, table.AddSeries(tags_)});
    return true;
  }
  const std::string_view canonical_key = CanonicalKey();
  if (!cache_.Find(canonical_key)) {
    cache_.Add(canonical_key, {*table_index, table.AddSeries(tags_)});
  }
  cache_.Add(key, cache_.place());
  return true;
}

std::string_view LineParser::CanonicalKey() {
  std::string key(raw_measurement_);
  for (const LineTable::Tag& tag : tags_) {
    key.append(",").append(tag.raw_name).append("=").append(tag.raw_value);
  }
  return canonical_keys_.emplace_back(std::move(key));
}

}  // namespace varve
