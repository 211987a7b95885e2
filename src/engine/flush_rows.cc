#include "engine/flush_rows.h"

#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "engine/arrow_status.h"
#include "engine/gather.h"
#include "engine/key_order.h"
#include "model/time_range.h"

namespace varve {
namespace {

// Counting by series needs one counter per series; with far fewer rows than series a comparison
// sort is cheaper.
constexpr size_t kSeriesPerRowMax = 8;

Result<std::shared_ptr<arrow::Array>> TsidArray(const MemtableView& view) {
  arrow::UInt64Builder builder;
  for (uint32_t i = 0; i < view.series_count(); ++i) {
    VARVE_TRY(FromArrow(builder.Append(view.tsid(i))));
  }
  return FromArrow(builder.Finish());
}

std::shared_ptr<arrow::Array> FieldArray(const MemChunk& chunk, uint32_t column_id) {
  const auto found = std::ranges::find(chunk.column_ids, column_id);
  if (found == chunk.column_ids.end()) {
    return nullptr;
  }
  return chunk.rows->column(static_cast<int>(found - chunk.column_ids.begin()));
}

Result<ColumnSource> MakeSource(const ColumnSchema& column,
                                std::span<const std::shared_ptr<const MemtableView>> memtables) {
  ColumnSource source;
  source.column = &column;
  const bool is_tsid = column.name == kTsidColumn;
  source.index = column.tag || is_tsid ? ColumnSource::Index::kSeries : ColumnSource::Index::kRow;
  for (const auto& memtable : memtables) {
    std::shared_ptr<arrow::Array> of_series;
    if (is_tsid) {
      VARVE_ASSIGN(of_series, TsidArray(*memtable));
    } else if (column.tag) {
      VARVE_ASSIGN(of_series, memtable->TagValues(column));
    }
    for (const auto& chunk : memtable->chunks()) {
      source.arrays.push_back(of_series ? of_series : FieldArray(*chunk, column.id));
    }
  }
  return source;
}

// rank[i] = how many distinct tsids are smaller than that of series i.
std::vector<uint32_t> RankSeries(const std::vector<uint64_t>& tsids, uint32_t& rank_count) {
  std::vector<uint32_t> order(tsids.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t i) { return tsids[i]; });
  std::vector<uint32_t> rank(tsids.size());
  rank_count = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && tsids[order[i]] != tsids[order[i - 1]]) {
      ++rank_count;
    }
    rank[order[i]] = rank_count;
  }
  rank_count += order.empty() ? 0 : 1;
  return rank;
}

}  // namespace

Result<FlushRows> FlushRows::Make(const TableSchema& schema,
                                  std::span<const std::shared_ptr<const MemtableView>> memtables) {
  FlushRows out(schema);
  std::vector<uint64_t> tsids;
  for (const auto& memtable : memtables) {
    const auto base = static_cast<uint32_t>(tsids.size());
    for (uint32_t i = 0; i < memtable->series_count(); ++i) {
      tsids.push_back(memtable->tsid(i));
    }
    for (const auto& chunk : memtable->chunks()) {
      const auto times = FieldArray(*chunk, schema.timestamp().id);
      if (!times) {
        return Internal("rows without a timestamp are in memory");
      }
      out.chunks_.push_back(
          {chunk, static_cast<const arrow::TimestampArray&>(*times).raw_values(), base});
    }
  }
  out.series_rank_ = RankSeries(tsids, out.rank_count_);
  for (const auto& column : schema.columns()) {
    VARVE_ASSIGN(ColumnSource source, MakeSource(column, memtables));
    out.columns_.push_back(std::move(source));
  }
  return out;
}

uint64_t FlushRows::row_count() const {
  return std::accumulate(chunks_.begin(), chunks_.end(), uint64_t{0},
                         [](uint64_t sum, const Chunk& c) { return sum + c.rows->series.size(); });
}

uint32_t FlushRows::SeriesOf(RowRef ref) const {
  const Chunk& chunk = chunks_[ref.chunk];
  return chunk.series_base + chunk.rows->series[ref.row];
}

std::map<TimestampUs, std::vector<RowRef>> FlushRows::BySegment(int64_t segment_us) const {
  std::map<TimestampUs, std::vector<RowRef>> segments;
  std::vector<RowRef>* current = nullptr;
  TimestampUs current_start;
  for (uint32_t c = 0; c < chunks_.size(); ++c) {
    const int64_t* times = chunks_[c].times;
    const auto rows = static_cast<uint32_t>(chunks_[c].rows->series.size());
    for (uint32_t r = 0; r < rows; ++r) {
      const int64_t into_segment = times[r] - current_start.value();
      if (current == nullptr || into_segment < 0 || into_segment >= segment_us) {
        current_start = SegmentStart(TimestampUs(times[r]), segment_us);
        current = &segments[current_start];
      }
      current->push_back({c, r});
    }
  }
  return segments;
}

void FlushRows::Sort(std::vector<RowRef>& rows) const {
  if (schema_->HasDefaultKey()) {
    SortByDefaultKey(rows);
  } else {
    SortByAnyKey(rows);
  }
}

void FlushRows::SortByDefaultKey(std::vector<RowRef>& rows) const {
  const auto time_of = [this](RowRef ref) { return chunks_[ref.chunk].times[ref.row]; };
  const auto rank_of = [this](RowRef ref) { return series_rank_[SeriesOf(ref)]; };
  if (rank_count_ > kSeriesPerRowMax * rows.size()) {
    std::ranges::stable_sort(rows, {},
                             [&](RowRef ref) { return std::pair(rank_of(ref), time_of(ref)); });
    return;
  }
  // Rows come in order of time within a series almost always: one counting sort by series, then a
  // look whether it is so.
  std::vector<uint32_t> ends(rank_count_ + 1, 0);
  for (const RowRef ref : rows) {
    ++ends[rank_of(ref) + 1];
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<RowRef> sorted(rows.size());
  std::vector<uint32_t> next(ends.begin(), ends.end() - 1);
  for (const RowRef ref : rows) {
    sorted[next[rank_of(ref)]++] = ref;
  }
  for (uint32_t rank = 0; rank < rank_count_; ++rank) {
    const auto run = std::span(sorted).subspan(ends[rank], ends[rank + 1] - ends[rank]);
    if (!std::ranges::is_sorted(run, {}, time_of)) {
      std::ranges::stable_sort(run, {}, time_of);
    }
  }
  rows = std::move(sorted);
}

std::function<int(RowRef, RowRef)> FlushRows::KeyOrder() const {
  return MakeKeyOrder(std::span(columns_).first(schema_->key_size()),
                      [this](RowRef ref) { return chunks_[ref.chunk].rows->series[ref.row]; });
}

void FlushRows::DropReplaced(std::vector<RowRef>& rows) const {
  const auto drop = [&rows](auto same_key) {
    size_t kept = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (i + 1 == rows.size() || !same_key(rows[i], rows[i + 1])) {
        rows[kept++] = rows[i];
      }
    }
    rows.resize(kept);
  };
  if (schema_->HasDefaultKey()) {
    drop([this](RowRef a, RowRef b) {
      return chunks_[a.chunk].times[a.row] == chunks_[b.chunk].times[b.row] &&
             series_rank_[SeriesOf(a)] == series_rank_[SeriesOf(b)];
    });
  } else {
    drop([compare = KeyOrder()](RowRef a, RowRef b) { return compare(a, b) == 0; });
  }
}

void FlushRows::SortByAnyKey(std::vector<RowRef>& rows) const {
  const auto compare = KeyOrder();
  std::ranges::stable_sort(rows, [&](RowRef a, RowRef b) { return compare(a, b) < 0; });
}

Result<std::shared_ptr<arrow::RecordBatch>> FlushRows::Gather(std::span<const RowRef> rows) const {
  std::vector<RowRef> by_series(rows.begin(), rows.end());
  for (RowRef& ref : by_series) {
    ref.row = chunks_[ref.chunk].rows->series[ref.row];
  }
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const ColumnSource& source : columns_) {
    const bool of_series = source.index == ColumnSource::Index::kSeries;
    const std::span<const RowRef> refs = of_series ? std::span<const RowRef>(by_series) : rows;
    const bool as_dictionary = source.column->tag && source.column->type == ColumnType::kString;
    VARVE_ASSIGN(auto column, as_dictionary
                                  ? GatherDictionary(source.arrays, refs)
                                  : GatherValues(source.column->type, source.arrays, refs));
    fields.push_back(arrow::field(source.column->name, column->type()));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)),
                                  static_cast<int64_t>(rows.size()), std::move(columns));
}

std::vector<int64_t> FlushRows::SampleIntervals(size_t samples_max) const {
  std::vector<int64_t> samples;
  std::unordered_map<uint32_t, int64_t> last_time;
  for (const Chunk& chunk : chunks_) {
    for (size_t r = 0; r < chunk.rows->series.size(); ++r) {
      if (samples.size() == samples_max || last_time.size() > samples_max) {
        return samples;
      }
      const uint32_t rank = series_rank_[chunk.series_base + chunk.rows->series[r]];
      const auto [found, is_new] = last_time.try_emplace(rank, chunk.times[r]);
      if (!is_new && chunk.times[r] > found->second) {
        samples.push_back(chunk.times[r] - found->second);
        found->second = chunk.times[r];
      }
    }
  }
  return samples;
}

}  // namespace varve
