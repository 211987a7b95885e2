#include "engine/key_lookup.h"

#include <arrow/array/array_primitive.h>

#include <algorithm>
#include <numeric>

#include "engine/row_keys.h"

namespace varve {
namespace {

// Keys of a file that are looked up at once: 16 bytes each in tables with the default key.
constexpr uint64_t kLookupKeysMax = 1 << 20;

// The part of `rows`, which rise, that lies in [begin, end).
std::span<const uint64_t> RowsWithin(std::span<const uint64_t> rows, RowRange range) {
  const auto first = std::ranges::lower_bound(rows, range.begin);
  const auto last = std::ranges::lower_bound(first, rows.end(), range.end);
  return {first, last};
}

}  // namespace

void KeySet::AddTime(int64_t time_us) {
  bounds_.time_min = std::min(bounds_.time_min, time_us);
  bounds_.time_max = std::max(bounds_.time_max, time_us);
}

void KeySet::AddSeriesTime(SeriesTime key) {
  AddTime(key.time_us);
  bounds_.tsid_min = std::min(bounds_.tsid_min, key.tsid);
  bounds_.tsid_max = std::max(bounds_.tsid_max, key.tsid);
  keys_.push_back(key);
}

void KeySet::AddEncoded(RowKeys keys, uint64_t first, std::span<const uint64_t> rows) {
  for (const uint64_t row : rows) {
    const auto at = static_cast<int64_t>(row - first);
    AddTime(keys.time_us(at));
    times_.insert(keys.time_us(at));
    encoded_.emplace(keys.Key(at), keys.time_us(at));
  }
}

void KeySet::Settle() {
  std::ranges::sort(keys_);
  const auto rest = std::ranges::unique(keys_);
  keys_.erase(rest.begin(), rest.end());
}

Status KeySet::Add(const TableSchema& schema, const MemtableView& view,
                   std::span<const uint64_t> rows) {
  uint64_t first = 0;
  for (const auto& chunk : view.chunks()) {
    const uint64_t end = first + chunk->series.size();
    const auto inside = RowsWithin(rows, {first, end});
    if (!inside.empty() && !default_key_) {
      VARVE_ASSIGN(RowKeys keys, RowKeys::Of(schema, view, *chunk));
      AddEncoded(std::move(keys), first, inside);
    } else if (!inside.empty()) {
      const auto times = TimeValues(*chunk, schema.timestamp().id);
      for (const uint64_t row : inside) {
        AddSeriesTime({view.tsid(chunk->series[row - first]), times[row - first]});
      }
    }
    first = end;
  }
  Settle();
  return {};
}

Status KeySet::Add(const TableSchema& schema, const SstFile& file, std::span<const uint64_t> rows) {
  std::shared_ptr<const SeriesIndex> series;
  if (default_key_) {
    VARVE_ASSIGN(series, file.Series());
  }
  for (size_t block = 0; block < file.blocks().size(); ++block) {
    const RowRange range = file.blocks()[block];
    const auto inside = RowsWithin(rows, range);
    if (!inside.empty() && !default_key_) {
      VARVE_ASSIGN(RowKeys keys, RowKeys::Of(schema, file, block));
      AddEncoded(std::move(keys), range.begin, inside);
    } else if (!inside.empty()) {
      VARVE_ASSIGN(const auto values, file.Values(schema.timestamp(), block));
      const auto& times = static_cast<const arrow::TimestampArray&>(*values);
      for (const uint64_t row : inside) {
        AddSeriesTime({series->tsid(series->SeriesOf(row)),
                       times.Value(static_cast<int64_t>(row - range.begin))});
      }
    }
  }
  Settle();
  return {};
}

bool KeySet::MayBeIn(const FileMeta& file) const {
  return bounds_.time_min <= file.time_max.value() && bounds_.time_max >= file.time_min.value() &&
         (!default_key_ ||
          (bounds_.tsid_min <= file.tsid_max && bounds_.tsid_max >= file.tsid_min));
}

std::vector<SeriesTime> KeySet::Within(const FileMeta& file) const {
  std::vector<SeriesTime> within;
  auto key = std::ranges::lower_bound(keys_, file.tsid_min, {}, &SeriesTime::tsid);
  for (; key != keys_.end() && key->tsid <= file.tsid_max; ++key) {
    if (key->time_us >= file.time_min.value() && key->time_us <= file.time_max.value()) {
      within.push_back(*key);
    }
  }
  return within;
}

uint64_t KeySet::CountWithin(const FileMeta& file) const {
  if (!MayBeIn(file)) {
    return 0;
  }
  if (default_key_) {
    return Within(file).size();
  }
  return static_cast<uint64_t>(std::ranges::count_if(encoded_, [&](const auto& key) {
    return key.second >= file.time_min.value() && key.second <= file.time_max.value();
  }));
}

Result<std::vector<uint64_t>> KeySet::FindEncoded(const SstFile& file,
                                                  const TableSchema& schema) const {
  std::vector<uint64_t> found;
  for (size_t block = 0; block < file.blocks().size(); ++block) {
    // The times of a block are read first: most blocks have none of the keys' and end here.
    VARVE_ASSIGN(const auto values, file.Values(schema.timestamp(), block));
    const auto& times = static_cast<const arrow::TimestampArray&>(*values);
    const std::span rows(times.raw_values(), static_cast<size_t>(times.length()));
    if (std::ranges::none_of(rows, [this](int64_t time) { return times_.contains(time); })) {
      continue;
    }
    VARVE_ASSIGN(RowKeys keys, RowKeys::Of(schema, file, block));
    for (size_t row = 0; row < rows.size(); ++row) {
      if (times_.contains(rows[row]) && encoded_.contains(keys.Key(static_cast<int64_t>(row)))) {
        found.push_back(file.blocks()[block].begin + row);
      }
    }
  }
  return found;
}

Result<std::vector<uint64_t>> FindRows(const SstFile& file, const TableSchema& schema,
                                       const KeySet& keys) {
  if (!keys.MayBeIn(file.meta())) {
    return std::vector<uint64_t>();
  }
  if (!keys.default_key_) {
    return keys.FindEncoded(file, schema);
  }
  const std::vector<SeriesTime> within = keys.Within(file.meta());
  return within.empty() ? std::vector<uint64_t>() : file.FindKeys(within);
}

bool MayShareKeys(const FileMeta& a, const FileMeta& b) {
  return a.time_min <= b.time_max && b.time_min <= a.time_max && a.tsid_min <= b.tsid_max &&
         b.tsid_min <= a.tsid_max;
}

Result<std::vector<uint64_t>> RowsReplaced(const TableSchema& schema, const SstFile& file,
                                           const SstFile& older) {
  std::vector<uint64_t> found;
  for (uint64_t first = 0; first < file.meta().rows; first += kLookupKeysMax) {
    std::vector<uint64_t> rows(std::min(kLookupKeysMax, file.meta().rows - first));
    std::iota(rows.begin(), rows.end(), first);
    KeySet keys(schema);
    VARVE_TRY(keys.Add(schema, file, rows));
    if (keys.CountWithin(older.meta()) == 0) {
      continue;
    }
    VARVE_ASSIGN(const auto some, FindRows(older, schema, keys));
    found.insert(found.end(), some.begin(), some.end());
  }
  return found;
}

}  // namespace varve
