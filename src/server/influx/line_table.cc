#include "server/influx/line_table.h"

#include "model/table_schema.h"

namespace varve {

std::string UnescapeName(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    const char next = i + 1 < raw.size() ? raw[i + 1] : '\0';
    const bool escape = raw[i] == '\\' && (next == ',' || next == '=' || next == ' ');
    if (!escape) {
      out.push_back(raw[i]);
    }
  }
  return out;
}

std::string_view LineTable::Unescaped(std::string_view raw) {
  if (raw.find('\\') == std::string_view::npos) {
    return raw;
  }
  return text_.emplace_back(UnescapeName(raw));
}

void LineTable::BackTo(const Mark& mark) {
  while (tag_names_.size() > mark.tags) {
    tag_index_.erase(raw_tag_names_.back());
    raw_tag_names_.pop_back();
    tag_names_.pop_back();
  }
  series_ends_.resize(mark.series);
  tag_values_.resize(mark.tag_values);
  while (columns_.size() > mark.columns) {
    column_index_.erase(columns_.back().raw_name());
    columns_.pop_back();
  }
  for (FieldColumn& column : columns_) {
    column.CutTo(rows());
  }
}

Status LineTable::FindTags(std::vector<Tag>& tags) {
  for (size_t i = 0; i < tags.size(); ++i) {
    Tag& tag = tags[i];
    if (i < raw_tag_names_.size() && raw_tag_names_[i] == tag.raw_name) {
      tag.index = static_cast<uint32_t>(i);
      continue;
    }
    const auto found = tag_index_.find(tag.raw_name);
    if (found != tag_index_.end()) {
      tag.index = found->second;
      continue;
    }
    std::string name = UnescapeName(tag.raw_name);
    VARVE_TRY(CheckIdentifier("tag", name));
    if (column_index_.contains(std::string(tag.raw_name))) {
      return InvalidArgument("'{}' is a field of measurement '{}' and cannot be a tag too", name,
                             name_);
    }
    tag.index = static_cast<uint32_t>(tag_names_.size());
    tag_index_.emplace(tag.raw_name, tag.index);
    raw_tag_names_.push_back(tag.raw_name);
    tag_names_.push_back(std::move(name));
  }
  return {};
}

uint32_t LineTable::AddSeries(const std::vector<Tag>& tags) {
  for (const Tag& tag : tags) {
    tag_values_.emplace_back(tag.index, Unescaped(tag.raw_value));
  }
  series_ends_.push_back(tag_values_.size());
  return static_cast<uint32_t>(series_ends_.size() - 1);
}

FieldColumn* LineTable::FindColumn(std::string_view raw_name) {
  const auto found = column_index_.find(std::string(raw_name));
  return found == column_index_.end() ? nullptr : &columns_[found->second];
}

Result<FieldColumn*> LineTable::AddColumn(std::string_view raw_name, ColumnType type) {
  std::string name = UnescapeName(raw_name);
  VARVE_TRY(CheckIdentifier("field", name));
  if (tag_index_.contains(raw_name)) {
    return InvalidArgument("'{}' is a tag of measurement '{}' and cannot be a field too", name,
                           name_);
  }
  if (columns_.size() + tag_names_.size() >= kColumnsMax) {
    return InvalidArgument("measurement '{}' has more than {} tags and fields", name_, kColumnsMax);
  }
  column_index_.emplace(raw_name, static_cast<uint32_t>(columns_.size()));
  columns_.emplace_back(std::string(raw_name), std::move(name), type);
  return &columns_.back();
}

PointBatch LineTable::Finish() {
  PointBatch batch;
  batch.series_count = series_ends_.size();
  batch.series_tags.resize(batch.series_count * tag_names_.size());
  size_t at = 0;
  for (size_t series = 0; series < batch.series_count; ++series) {
    for (; at < series_ends_[series]; ++at) {
      const auto& [tag, value] = tag_values_[at];
      batch.series_tags[series * tag_names_.size() + tag] = value;
    }
  }
  for (FieldColumn& column : columns_) {
    batch.fields.push_back(column.Finish(rows()));
  }
  batch.table = std::move(name_);
  batch.tag_names = std::move(tag_names_);
  batch.row_series = std::move(row_series_);
  batch.time_us = std::move(time_us_);
  batch.text = std::move(text_);
  return batch;
}

}  // namespace varve
