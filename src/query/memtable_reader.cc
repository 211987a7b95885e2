#include "query/memtable_reader.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <duckdb/storage/table/column_segment.hpp>

#include "query/arrow_vectors.h"
#include "query/duckdb_bridge.h"
#include "query/time_filter.h"

namespace varve {

using duckdb::idx_t;

MemtableReader::MemtableReader(duckdb::OpenFileInfo file, duckdb::shared_ptr<TableSource> source,
                               MemoryUnit unit)
    : BaseFileReader(std::move(file)),
      source_(std::move(source)),
      memtable_(*source_->view.memtables[unit.memtable].rows),
      unit_(unit),
      next_chunk_(unit.chunk_begin),
      selection_(STANDARD_VECTOR_SIZE) {
  for (size_t i = 0; i < source_->column_names.size(); ++i) {
    duckdb::MultiFileColumnDefinition column(source_->column_names[i], source_->column_types[i]);
    column.identifier =
        duckdb::Value::INTEGER(static_cast<int32_t>(source_->schema().columns()[i].id));
    columns.push_back(std::move(column));
  }
}

bool MemtableReader::TryInitializeScan(duckdb::ClientContext&, duckdb::GlobalTableFunctionState&,
                                       duckdb::LocalTableFunctionState&) {
  return !std::exchange(claimed_, true);
}

void MemtableReader::PrepareScan(duckdb::ClientContext& context, duckdb::GlobalTableFunctionState&,
                                 duckdb::LocalTableFunctionState&) {
  const TableSchema& schema = source_->schema();
  for (idx_t i = 0; i < column_ids.size(); ++i) {
    const idx_t index = column_ids[duckdb::MultiFileLocalIndex(i)].GetId();
    Output output{.column = &schema.columns()[index]};
    output.per_series = output.column->tag || schema.tsid_index() == index;
    if (output.per_series) {
      output.dictionary = BuildDictionary(*output.column);
    }
    outputs_.push_back(std::move(output));
  }
  if (!filters) {
    return;
  }
  for (auto& [output, filter] : filters->filters) {
    if (outputs_[output].per_series) {
      ApplyToSeries(context, *filter, *outputs_[output].dictionary);
      continue;
    }
    if (outputs_[output].column->id == schema.timestamp().id) {
      time_range_ = Intersect(time_range_, TimeRangeOf(*filter));
    }
    row_filters_.push_back(
        {output, filter.get(), duckdb::TableFilterState::Initialize(context, *filter)});
  }
}

duckdb::buffer_ptr<duckdb::VectorChildBuffer> MemtableReader::BuildDictionary(
    const ColumnSchema& column) const {
  const idx_t count = memtable_.series_count();
  auto dictionary = duckdb::DictionaryVector::CreateReusableDictionary(
      source_->column_types[*source_->schema().FindIndex(column.name)], count);
  if (column.tag) {
    const std::shared_ptr<arrow::Array> values = OrThrow(memtable_.TagValues(column));
    ShowArrow(*values, {.count = count}, dictionary->data);
    // A constant NULL cannot be a dictionary; the array keeps the values alive as long as the
    // memtable does.
    dictionary->data.Flatten(count);
    return dictionary;
  }
  auto* tsids = duckdb::FlatVector::GetData<uint64_t>(dictionary->data);
  for (idx_t i = 0; i < count; ++i) {
    tsids[i] = memtable_.tsid(static_cast<uint32_t>(i));
  }
  return dictionary;
}

void MemtableReader::ApplyToSeries(duckdb::ClientContext& context, duckdb::TableFilter& filter,
                                   duckdb::VectorChildBuffer& dictionary) {
  const idx_t series = memtable_.series_count();
  std::vector<uint8_t> passes(series, 0);
  const auto state = duckdb::TableFilterState::Initialize(context, filter);
  for (idx_t first = 0; first < series; first += STANDARD_VECTOR_SIZE) {
    const idx_t count = std::min<idx_t>(STANDARD_VECTOR_SIZE, series - first);
    duckdb::Vector values(dictionary.data, first, first + count);
    duckdb::UnifiedVectorFormat format;
    values.ToUnifiedFormat(count, format);
    duckdb::SelectionVector selected;
    idx_t approved = count;
    duckdb::ColumnSegment::FilterSelection(selected, values, format, filter, *state, count,
                                           approved);
    for (idx_t i = 0; i < approved; ++i) {
      passes[first + selected.get_index(i)] = 1;
    }
  }
  if (!filters_series_) {
    filters_series_ = true;
    series_passes_ = std::move(passes);
    return;
  }
  for (idx_t i = 0; i < series; ++i) {
    series_passes_[i] &= passes[i];
  }
}

bool MemtableReader::OpenChunk() {
  while (next_chunk_ < unit_.chunk_end) {
    const MemChunk& chunk = *memtable_.chunks()[next_chunk_++];
    if (!time_range_.Overlaps(chunk.time_min, chunk.time_max)) {
      continue;
    }
    chunk_ = &chunk;
    row_ = 0;
    for (Output& output : outputs_) {
      const auto found = std::ranges::find(chunk.column_ids, output.column->id);
      output.array = output.per_series || found == chunk.column_ids.end()
                         ? -1
                         : static_cast<int>(found - chunk.column_ids.begin());
    }
    return true;
  }
  chunk_ = nullptr;
  return false;
}

duckdb::AsyncResult MemtableReader::Scan(duckdb::ClientContext& context,
                                         duckdb::GlobalTableFunctionState&,
                                         duckdb::LocalTableFunctionState&,
                                         duckdb::DataChunk& chunk) {
  while (true) {
    if ((chunk_ == nullptr || row_ >= chunk_->series.size()) && !OpenChunk()) {
      return duckdb::SourceResultType::FINISHED;
    }
    const idx_t count = std::min<idx_t>(STANDARD_VECTOR_SIZE, chunk_->series.size() - row_);
    std::vector<bool> filled(outputs_.size(), false);
    const idx_t selected = Select(count, chunk, filled);
    if (selected > 0) {
      const bool all = selected == count;
      for (idx_t i = 0; i < outputs_.size(); ++i) {
        if (!filled[i]) {
          Fill(i, all ? nullptr : &selection_, selected, count, chunk.data[i]);
        }
      }
      chunk.SetCardinality(count);
      if (!all) {
        chunk.Slice(selection_, selected);
      }
      row_ += count;
      return duckdb::SourceResultType::HAVE_MORE_OUTPUT;
    }
    row_ += count;
    if (context.IsInterrupted()) {
      throw duckdb::InterruptException();
    }
  }
}

// Leaves in selection_ the rows, counted from row_, that pass all filters; not set when all pass.
idx_t MemtableReader::Select(idx_t count, duckdb::DataChunk& chunk, std::vector<bool>& filled) {
  idx_t approved = count;
  selection_.Initialize(nullptr);
  if (filters_series_) {
    duckdb::SelectionVector passing(STANDARD_VECTOR_SIZE);
    const uint32_t* series = chunk_->series.data() + row_;
    idx_t found = 0;
    for (idx_t i = 0; i < count; ++i) {
      passing.set_index(found, i);
      found += series_passes_[series[i]];
    }
    approved = found;
    selection_.Initialize(passing);
  }
  for (RowFilter& filter : row_filters_) {
    if (approved == 0) {
      break;
    }
    duckdb::Vector& vector = chunk.data[filter.output];
    Fill(filter.output, approved == count ? nullptr : &selection_, approved, count, vector);
    filled[filter.output] = true;
    duckdb::UnifiedVectorFormat format;
    vector.ToUnifiedFormat(count, format);
    duckdb::ColumnSegment::FilterSelection(selection_, vector, format, *filter.filter,
                                           *filter.state, count, approved);
  }
  return approved;
}

void MemtableReader::Fill(idx_t index, const duckdb::SelectionVector* only, idx_t only_count,
                          idx_t count, duckdb::Vector& vector) const {
  const Output& output = outputs_[index];
  if (output.per_series) {
    // DuckDB only reads through it; the chunk outlives the vector.
    duckdb::SelectionVector rows(const_cast<uint32_t*>(chunk_->series.data() + row_));
    vector.Dictionary(output.dictionary, rows);
    return;
  }
  if (output.array < 0) {
    vector.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
    duckdb::ConstantVector::SetNull(vector, true);
    return;
  }
  ShowArrow(
      *chunk_->rows->column(output.array),
      {.first = static_cast<int64_t>(row_), .count = count, .only = only, .only_count = only_count},
      vector);
}

}  // namespace varve
