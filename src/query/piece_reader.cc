#include "query/piece_reader.h"

#include <arrow/array.h>

#include <algorithm>
#include <duckdb/storage/table/column_segment.hpp>

#include "query/arrow_vectors.h"

namespace varve {
namespace {

using duckdb::idx_t;

constexpr size_t kNoBlock = static_cast<size_t>(-1);
// Ranges of fewer rows share a chunk with their neighbours: a chunk costs as much as some dozen
// rows.
constexpr uint64_t kShortRangeRows = 128;
// Windows that leave fewer rows than that are copied together: to pass a chunk on costs more than
// to copy a few hundred rows.
constexpr idx_t kFewRows = 512;

}  // namespace

PieceReader::PieceReader(duckdb::ClientContext& context, const TableSource& source,
                         const duckdb::vector<duckdb::column_t>& columns,
                         const ScanFilters& filters, Counting counting)
    : context_(context),
      source_(source),
      filters_(filters),
      counting_(counting),
      selection_(STANDARD_VECTOR_SIZE),
      filled_(columns.size()),
      row_series_(STANDARD_VECTOR_SIZE) {
  const TableSchema& schema = source.schema();
  for (const duckdb::column_t index : columns) {
    Column& column = columns_.emplace_back();
    column.row_place = index == kRowPlaceColumn;
    if (index < schema.columns().size()) {
      column.schema = &schema.columns()[index];
      column.type = source.column_types[index];
      column.of_series = column.schema->tag || schema.tsid_index() == index;
    }
  }
  time_.schema = &schema.timestamp();
  for (const ScanFilters::Filter& filter : filters.all()) {
    row_filters_.push_back(
        {&filter, duckdb::TableFilterState::Initialize(context, *filter.filter)});
  }
}

void PieceReader::Start(std::shared_ptr<const PiecePlan> plan, std::vector<RowRange> ranges) {
  if (plan != plan_) {
    plan_ = std::move(plan);
    for (Column& column : columns_) {
      column.block = kNoBlock;
      column.tags.reset();
      column.tag_dictionary.reset();
    }
    time_.block = kNoBlock;
    window_.block = kNoBlock;
    if (source_.row_places == RowPlaces::kShown) {
      const auto& files = source_.view.version->files;
      const auto file = std::distance(files.begin(), files.find(plan_->unit.file->id));
      first_row_place_ = static_cast<uint64_t>(file) << kRowPlaceBits;
    }
  }
  ranges_ = std::move(ranges);
  time_range_ = filters_.CurrentTimeRange();
  if (plan_->narrowed && time_range_ != plan_->time_range) {
    for (RowRange& rows : ranges_) {
      rows = plan_->piece->Narrow(rows, time_range_);
    }
    std::erase_if(ranges_, [](const RowRange& rows) { return rows.begin >= rows.end; });
  }
  range_ = 0;
  row_ = ranges_.empty() ? 0 : ranges_.front().begin;
}

bool PieceReader::NextWindow() {
  const ScanPiece& piece = *plan_->piece;
  while (range_ < ranges_.size()) {
    if (row_ >= ranges_[range_].end) {
      if (++range_ < ranges_.size()) {
        row_ = std::max(row_, ranges_[range_].begin);
      }
      continue;
    }
    if (window_.block == kNoBlock || row_ < piece.blocks()[window_.block].begin ||
        row_ >= piece.blocks()[window_.block].end) {
      window_.block = piece.BlockOf(row_);
    }
    const uint64_t block_end = piece.blocks()[window_.block].end;
    if (piece.IsOutside(window_.block, time_range_)) {
      row_ = block_end;
      continue;
    }
    const uint64_t end = std::min(row_ + STANDARD_VECTOR_SIZE, block_end);
    window_.first = row_;
    selection_.Initialize(nullptr);
    row_series_known_ = false;
    if (ranges_[range_].end - row_ < kShortRangeRows && ranges_[range_].end < end) {
      GatherShortRanges(end);
      return true;
    }
    window_.count = std::min(ranges_[range_].end, end) - row_;
    window_.selected = window_.count;
    row_ += window_.count;
    return true;
  }
  return false;
}

// What the ranges have of the rows from row_ to `end`.
void PieceReader::GatherShortRanges(uint64_t end) {
  duckdb::SelectionVector wanted(STANDARD_VECTOR_SIZE);
  idx_t count = 0;
  while (range_ < ranges_.size() && ranges_[range_].begin < end) {
    const uint64_t stop = std::min(ranges_[range_].end, end);
    for (uint64_t row = std::max(row_, ranges_[range_].begin); row < stop; ++row) {
      wanted.set_index(count++, row - window_.first);
    }
    row_ = stop;
    if (ranges_[range_].end > end) {
      break;
    }
    ++range_;
  }
  if (range_ < ranges_.size()) {
    row_ = std::max(row_, ranges_[range_].begin);
  }
  window_.count = wanted.get_index(count - 1) + 1;
  window_.selected = count;
  if (count < window_.count) {
    selection_.Initialize(wanted);
  }
}

bool PieceReader::Next(duckdb::DataChunk& chunk) {
  if (window_chunk_.ColumnCount() == 0) {
    window_chunk_.Initialize(context_, chunk.GetTypes());
  }
  while (window_waits_ || NextWindow()) {
    if (!std::exchange(window_waits_, false) && !ReadWindow()) {
      continue;
    }
    if (window_.selected >= kFewRows && chunk.size() == 0) {
      chunk.Reference(window_chunk_);
      if (window_.selected < window_.count) {
        chunk.Slice(selection_, window_.selected);
      }
      return true;
    }
    if (window_.selected >= kFewRows || chunk.size() + window_.selected > STANDARD_VECTOR_SIZE) {
      window_waits_ = true;
      return true;
    }
    const bool all = window_.selected == window_.count;
    chunk.Append(window_chunk_, /*resize=*/false, all ? nullptr : &selection_, window_.selected);
  }
  return chunk.size() > 0;
}

// Reads what filters leave of the window; false: that is nothing.
bool PieceReader::ReadWindow() {
  counts_.rows += window_.selected;
  std::fill(filled_.begin(), filled_.end(), false);
  window_chunk_.Reset();
  if (Select(window_chunk_) == 0) {
    if (context_.IsInterrupted()) {
      throw duckdb::InterruptException();
    }
    return false;
  }
  for (idx_t i = 0; i < columns_.size(); ++i) {
    if (!filled_[i]) {
      Fill(i, window_chunk_.data[i]);
    }
  }
  window_chunk_.SetCardinality(window_.count);
  return true;
}

// Leaves in selection_ the rows of the window that are to be shown; their number.
idx_t PieceReader::Select(duckdb::DataChunk& chunk) {
  if (plan_->hidden != nullptr) {
    RemoveHidden();
  }
  if (plan_->passes != nullptr) {
    RemoveOtherSeries();
  }
  if (plan_->unit.some_expired && !plan_->narrowed) {
    RemoveExpired();
  }
  for (RowFilter& row_filter : row_filters_) {
    const ScanFilters::Filter& filter = *row_filter.filter;
    if (window_.selected == 0) {
      return 0;
    }
    if (IsDone(filter)) {
      continue;
    }
    duckdb::Vector& vector = chunk.data[filter.column];
    Fill(filter.column, vector);
    filled_[filter.column] = true;
    duckdb::UnifiedVectorFormat format;
    vector.ToUnifiedFormat(window_.count, format);
    duckdb::ColumnSegment::FilterSelection(selection_, vector, format, *filter.filter,
                                           *row_filter.state, window_.count, window_.selected);
  }
  return window_.selected;
}

bool PieceReader::IsDone(const ScanFilters::Filter& filter) const {
  return (filter.of_series && plan_->piece->HasSeries()) ||
         (filter.exact_interval && plan_->narrowed);
}

// Keeps the selected rows for which keeps(place in the window) is true.
template <class Keeps>
void PieceReader::Keep(Keeps&& keeps) {
  duckdb::SelectionVector kept(STANDARD_VECTOR_SIZE);
  idx_t count = 0;
  for (idx_t i = 0; i < window_.selected; ++i) {
    const idx_t place = selection_.get_index(i);
    kept.set_index(count, place);
    count += keeps(place) ? 1 : 0;
  }
  if (count < window_.selected) {
    selection_.Initialize(kept);
    window_.selected = count;
  }
}

void PieceReader::RemoveHidden() {
  const std::vector<uint32_t> rest =
      plan_->hidden->Remaining(window_.first, static_cast<uint32_t>(window_.count));
  if (rest.size() == window_.count) {
    return;
  }
  std::vector<bool> there(window_.count, false);
  for (const uint32_t place : rest) {
    there[place] = true;
  }
  Keep([&](idx_t place) { return there[place]; });
}

void PieceReader::RemoveExpired() {
  const auto& times = static_cast<const arrow::TimestampArray&>(BlockOf(time_));
  const int64_t* values =
      times.raw_values() + (window_.first - plan_->piece->blocks()[window_.block].begin);
  const int64_t from = source_.view.visible_from.value();
  Keep([&](idx_t place) { return values[place] >= from; });
}

void PieceReader::RemoveOtherSeries() {
  const uint32_t* series = RowSeries();
  const std::vector<uint8_t>& passes = *plan_->passes;
  Keep([&](idx_t place) { return passes[series[place]] != 0; });
}

const uint32_t* PieceReader::RowSeries() {
  if (!row_series_known_) {
    plan_->piece->SeriesOfRows(window_.first, window_.count, row_series_.data());
    row_series_known_ = true;
  }
  return row_series_.data();
}

const arrow::Array& PieceReader::BlockOf(Column& column) {
  if (column.block != window_.block) {
    if (counting_ == Counting::kOn) {
      const bool cached = plan_->piece->HasInMemory(*column.schema, window_.block);
      counts_.blocks_from_cache += cached ? 1 : 0;
      counts_.blocks_read += cached ? 0 : 1;
    }
    column.array = plan_->piece->Values(*column.schema, window_.block);
    column.block = window_.block;
  }
  return *column.array;
}

void PieceReader::Fill(idx_t index, duckdb::Vector& vector) {
  Column& column = columns_[index];
  if (column.row_place) {
    FillRowPlaces(vector);
    return;
  }
  if (column.schema == nullptr) {
    vector.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    duckdb::ConstantVector::SetNull(vector, true);
    return;
  }
  if (column.of_series && plan_->piece->HasSeries()) {
    FillOfSeries(column, vector);
    return;
  }
  const arrow::Array& array = BlockOf(column);
  if (array.type_id() == arrow::Type::DICTIONARY) {
    FillDictionary(column, vector);
    return;
  }
  const uint64_t first = window_.first - plan_->piece->blocks()[window_.block].begin;
  const bool all = window_.selected == window_.count;
  ShowArrow(array,
            {.first = static_cast<int64_t>(first),
             .count = window_.count,
             .only = all ? nullptr : &selection_,
             .only_count = window_.selected},
            vector);
}

void PieceReader::FillRowPlaces(duckdb::Vector& vector) const {
  const uint64_t first = first_row_place_ + window_.first;
  auto* places = duckdb::FlatVector::GetData<uint64_t>(vector);
  for (idx_t i = 0; i < window_.count; ++i) {
    places[i] = first + i;
  }
}

const arrow::Array& PieceReader::TagsOf(Column& column) {
  if (column.tags == nullptr) {
    column.tags = plan_->piece->TagValues(*column.schema);
  }
  return *column.tags;
}

// Makes the vector the values of the series [series, series + count).
void PieceReader::ShowSeries(Column& column, uint64_t series, idx_t count, duckdb::Vector& vector) {
  if (column.schema->tag) {
    ShowArrow(TagsOf(column), {.first = static_cast<int64_t>(series), .count = count}, vector);
    return;
  }
  auto* tsids = duckdb::FlatVector::GetData<uint64_t>(vector);
  for (idx_t i = 0; i < count; ++i) {
    tsids[i] = plan_->piece->tsid(series + i);
  }
}

void PieceReader::FillOfSeries(Column& column, duckdb::Vector& vector) {
  const ScanPiece& piece = *plan_->piece;
  if (piece.SameSeries(window_.first, window_.first + window_.count) == window_.count) {
    ShowSeries(column, piece.SeriesOf(window_.first), 1, vector);
    vector.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    return;
  }
  if (!column.tag_dictionary) {
    const idx_t count = piece.series_count();
    column.tag_dictionary = duckdb::DictionaryVector::CreateReusableDictionary(column.type, count);
    ShowSeries(column, 0, count, column.tag_dictionary->data);
    // A constant NULL cannot be a dictionary.
    column.tag_dictionary->data.Flatten(count);
  }
  // DuckDB only reads through it.
  const duckdb::SelectionVector rows(const_cast<uint32_t*>(RowSeries()));
  vector.Dictionary(column.tag_dictionary, rows);
}

// The dictionary of the block with one more value, NULL.
void PieceReader::FillDictionary(Column& column, duckdb::Vector& vector) const {
  const auto& array = static_cast<const arrow::DictionaryArray&>(*column.array);
  const auto null = static_cast<idx_t>(array.dictionary()->length());
  if (column.dictionary_of != array.data()->dictionary) {
    column.dictionary_of = array.data()->dictionary;
    column.dictionary = duckdb::DictionaryVector::CreateReusableDictionary(column.type, null + 1);
    ShowArrow(*array.dictionary(), {.count = null}, column.dictionary->data);
    duckdb::FlatVector::SetNull(column.dictionary->data, null, true);
  }
  const auto& indices = static_cast<const arrow::Int32Array&>(*array.indices());
  const auto first =
      static_cast<int64_t>(window_.first - plan_->piece->blocks()[window_.block].begin);
  column.codes.Initialize(STANDARD_VECTOR_SIZE);
  for (idx_t i = 0; i < window_.count; ++i) {
    const int64_t row = first + static_cast<int64_t>(i);
    column.codes.set_index(i, indices.IsNull(row) ? null : static_cast<idx_t>(indices.Value(row)));
  }
  vector.Dictionary(column.dictionary, column.codes);
}

}  // namespace varve
