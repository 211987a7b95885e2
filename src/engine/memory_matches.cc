#include "engine/memory_matches.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <limits>
#include <string>

#include "engine/row_keys.h"

namespace varve {
namespace {

using Views = std::span<const std::shared_ptr<const MemtableView>>;

// A row: in which of the views, and where.
struct Place {
  size_t view = 0;
  uint64_t row = 0;
  bool operator==(const Place&) const = default;
};

struct Times {
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = std::numeric_limits<int64_t>::min();

  void Add(int64_t time_us) {
    min = std::min(min, time_us);
    max = std::max(max, time_us);
  }
  bool Contains(int64_t time_us) const { return min <= time_us && time_us <= max; }
  bool Overlaps(const MemChunk& chunk) const {
    return chunk.time_min.value() <= max && min <= chunk.time_max.value();
  }
};

struct SeriesTimeHash {
  size_t operator()(const SeriesTime& key) const {
    constexpr uint64_t kOddMultiplier = 0x9e3779b97f4a7c15;  // spreads neighbouring times
    return static_cast<size_t>(key.tsid ^ (static_cast<uint64_t>(key.time_us) * kOddMultiplier));
  }
};

// Late rows by (tsid, time).
class DefaultKeys {
 public:
  explicit DefaultKeys(const TableSchema& schema) : timestamp_(schema.timestamp().id) {}

  const Times& times() const { return times_; }

  Status Add(const MemtableView& view, const MemChunk& chunk, Place first,
             std::span<const uint32_t> rows) {
    const auto times = TimeValues(chunk, timestamp_);
    for (const uint32_t row : rows) {
      const uint64_t tsid = view.tsid(chunk.series[row]);
      times_.Add(times[row]);
      by_series_[tsid].Add(times[row]);
      last_.insert_or_assign({tsid, times[row]}, Place{first.view, first.row + row});
    }
    return {};
  }

  void BeginView(const MemtableView& view) {
    of_view_.assign(view.series_count(), {});
    for (uint32_t i = 0; i < view.series_count(); ++i) {
      if (const auto found = by_series_.find(view.tsid(i)); found != by_series_.end()) {
        of_view_[i] = found->second;
      }
    }
  }

  // Calls `replaced` for each row of the chunk whose key is here and was written again later.
  template <class Replaced>
  Status Match(const MemtableView& view, const MemChunk& chunk, Place first, Replaced replaced) {
    const auto times = TimeValues(chunk, timestamp_);
    for (size_t row = 0; row < times.size(); ++row) {
      const uint32_t series = chunk.series[row];
      if (!of_view_[series].Contains(times[row])) {
        continue;
      }
      const auto found = last_.find({view.tsid(series), times[row]});
      if (found != last_.end() && found->second != Place{first.view, first.row + row}) {
        replaced(first.row + row);
      }
    }
    return {};
  }

 private:
  const uint32_t timestamp_;
  Times times_;
  boost::unordered_flat_map<uint64_t, Times> by_series_;
  boost::unordered_flat_map<SeriesTime, Place, SeriesTimeHash> last_;
  std::vector<Times> of_view_;  // by number of the series in the view
};

// Late rows by a key of any columns.
class EncodedKeys {
 public:
  explicit EncodedKeys(const TableSchema& schema) : schema_(schema) {}

  const Times& times() const { return times_; }

  Status Add(const MemtableView& view, const MemChunk& chunk, Place first,
             std::span<const uint32_t> rows) {
    VARVE_ASSIGN(RowKeys keys, RowKeys::Of(schema_, view, chunk));
    for (const uint32_t row : rows) {
      times_.Add(keys.time_us(row));
      last_.insert_or_assign(std::string(keys.Key(row)), Place{first.view, first.row + row});
    }
    return {};
  }

  void BeginView(const MemtableView&) {}

  template <class Replaced>
  Status Match(const MemtableView& view, const MemChunk& chunk, Place first, Replaced replaced) {
    VARVE_ASSIGN(RowKeys keys, RowKeys::Of(schema_, view, chunk));
    for (int64_t row = 0; row < keys.row_count(); ++row) {
      if (!times_.Contains(keys.time_us(row))) {
        continue;
      }
      const uint64_t position = first.row + static_cast<uint64_t>(row);
      const auto found = last_.find(keys.Key(row));
      if (found != last_.end() && found->second != Place{first.view, position}) {
        replaced(position);
      }
    }
    return {};
  }

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  const TableSchema& schema_;
  Times times_;
  boost::unordered_flat_map<std::string, Place, TextHash, std::equal_to<>> last_;
};

// Oldest rows first, so that the last place of a key stays.
template <class Keys>
Status AddLateRows(Keys& keys, const MemtableView& view, size_t index, uint64_t from) {
  Place first{index, 0};
  for (const auto& chunk : view.chunks()) {
    const uint64_t skipped = from > first.row ? from - first.row : 0;
    const auto fresh = std::ranges::lower_bound(chunk->late, skipped);
    if (fresh != chunk->late.end()) {
      VARVE_TRY(keys.Add(view, *chunk, first, {fresh, chunk->late.end()}));
    }
    first.row += chunk->series.size();
  }
  return {};
}

template <class Keys>
Result<std::vector<uint64_t>> MatchRows(Keys& keys, const MemtableView& view, size_t index) {
  std::vector<uint64_t> rows;
  if (std::ranges::none_of(view.chunks(),
                           [&](const auto& c) { return keys.times().Overlaps(*c); })) {
    return rows;
  }
  keys.BeginView(view);
  Place first{index, 0};
  for (const auto& chunk : view.chunks()) {
    if (keys.times().Overlaps(*chunk)) {
      VARVE_TRY(keys.Match(view, *chunk, first, [&](uint64_t row) { rows.push_back(row); }));
    }
    first.row += chunk->series.size();
  }
  return rows;
}

// Per view: the rows that are replaced.
template <class Keys>
Result<std::vector<std::vector<uint64_t>>> Match(const TableSchema& schema, Views views,
                                                 const std::vector<uint64_t>& done) {
  Keys keys(schema);
  for (size_t i = 0; i < views.size(); ++i) {
    VARVE_TRY(AddLateRows(keys, *views[i], i, done[i]));
  }
  std::vector<std::vector<uint64_t>> replaced(views.size());
  for (size_t i = 0; i < views.size(); ++i) {
    VARVE_ASSIGN(replaced[i], MatchRows(keys, *views[i], i));
  }
  return replaced;
}

}  // namespace

Status MemoryMatches::Update(const TableSchema& schema, Views views) {
  std::map<Sequence, Memory> next;
  std::vector<uint64_t> done;
  bool fresh = false;
  for (const auto& view : views) {
    const auto found = memories_.find(view->first_sequence());
    Memory memory = found == memories_.end() ? Memory() : found->second;
    done.push_back(memory.rows_done);
    fresh = fresh || !view->LateRows(memory.rows_done).empty();
    memory.rows_done = view->row_count();
    next[view->first_sequence()] = std::move(memory);
  }
  if (fresh) {
    VARVE_ASSIGN(const auto replaced, schema.HasDefaultKey()
                                          ? Match<DefaultKeys>(schema, views, done)
                                          : Match<EncodedKeys>(schema, views, done));
    for (size_t i = 0; i < views.size(); ++i) {
      auto& before = next[views[i]->first_sequence()].replaced;
      if (!replaced[i].empty()) {
        auto added = DeletionVector::FromRows(replaced[i]);
        before = std::make_shared<const DeletionVector>(before ? before->Union(added)
                                                               : std::move(added));
      }
    }
  }
  memories_ = std::move(next);
  return {};
}

std::shared_ptr<const DeletionVector> MemoryMatches::Replaced(const MemtableView& view) const {
  const auto found = memories_.find(view.first_sequence());
  return found == memories_.end() ? nullptr : found->second.replaced;
}

}  // namespace varve
