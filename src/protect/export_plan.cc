// What a new export is going to do: its manifest, before anything is written.
#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/checksum.h"
#include "base/units.h"
#include "protect/chunk_plan.h"
#include "protect/chunk_sources.h"
#include "protect/export_job.h"
#include "query/session.h"

namespace varve {

Status ExportJob::LoadBase() {
  if (!request_.since) {
    return {};
  }
  VARVE_ASSIGN(base_,
               LoadExportBase(*services_.since, *request_.since, services_.database->uuid()));
  VARVE_ASSIGN(request_, RequestOfIncrement(std::move(request_), *base_, *services_.database));
  return {};
}

Status ExportJob::PlanManifest(const SnapshotSchema& schema) {
  manifest_.db_uuid = services_.database->uuid();
  manifest_.server_version = VARVE_VERSION;
  manifest_.catalog = kDefaultCatalogName;
  manifest_.schemas = schema.schemas;
  manifest_.created_at = services_.database->clock().Now();
  manifest_.schema_only = request_.contents == ExportRequest::Contents::kSchemaOnly;
  manifest_.format = request_.format.value_or(DataFormat::kParquet);
  manifest_.chunk_window = request_.chunk_window.value_or(kChunkWindowDefault);
  if (base_) {
    manifest_.base = base_->identity;
    manifest_.selection = base_->manifest.selection;
    manifest_.changes = ChangesSince(base_->schema, schema);
  } else {
    manifest_.selection = {request_.schemas, request_.tables, request_.start};
  }
  for (const TableDefinition& table : schema.tables) {
    manifest_.tables.push_back(fmt::format("{}.{}", table.schema, table.name));
  }
  for (const PinnedTable& table : tables_) {
    ExportSource source{table.schema, table.table, table.partition, table.uuid, table.version->id};
    if (table.visible_from != ReadView{}.visible_from) {
      source.visible_from = table.visible_from;
    }
    manifest_.sources.push_back(std::move(source));
  }
  VARVE_TRY(PlanSchemaFiles(schema));
  VARVE_TRY(PlanRange());
  VARVE_TRY(PlanChunkList());
  SetTotals();
  return {};
}

Status ExportJob::PlanSchemaFiles(const SnapshotSchema& schema) {
  VARVE_ASSIGN(schema_texts_, EncodeSchema(schema));
  for (const SchemaText& file : schema_texts_) {
    manifest_.schema_files.push_back({file.path, file.text.size(), Sha256Hex(file.text)});
  }
  return {};
}

Status ExportJob::PlanRange() {
  TimestampUs earliest{std::numeric_limits<int64_t>::max()};
  TimestampUs latest{std::numeric_limits<int64_t>::min()};
  for (const PinnedTable& table : tables_) {
    for (const FileMeta* file : table.FilesIn(TimeRange())) {
      earliest = std::min(earliest, std::max(file->time_min, table.visible_from));
      latest = std::max(latest, file->time_max);
    }
  }
  TimestampUs end = request_.end.value_or(manifest_.created_at);
  // Without rows before the end there is nothing to cover.
  TimestampUs start = std::min(end, AlignedStart(std::min(earliest, end), manifest_.chunk_window));
  if (base_ && !request_.end) {
    end = std::max(end, base_->manifest.range.end);
  }
  if (request_.start) {
    start = *request_.start;
  } else if (base_ && !base_->manifest.chunks.empty()) {
    start = StartOfIncrement(earliest);
  }
  manifest_.range = {start, end};
  if (!request_.end && latest >= end && earliest <= latest) {
    warnings_.push_back(
        fmt::format("there are rows up to {}, after now: they are not exported; say end_time to "
                    "export them too",
                    FormatTimestamp(latest.value())));
  }
  return {};
}

TimestampUs ExportJob::StartOfIncrement(TimestampUs earliest) const {
  const TimestampUs start = base_->manifest.range.start;
  if (earliest >= start) {
    return start;
  }
  // Rows have been written into times before the base's: whole windows before its first one.
  const int64_t window = std::chrono::microseconds(manifest_.chunk_window).count();
  const TimestampUs phase(start.value() - SegmentStart(start, window).value());
  return TimestampUs(SegmentStart(TimestampUs(earliest.value() - phase.value()), window).value() +
                     phase.value());
}

Status ExportJob::PlanChunkList() {
  if (manifest_.schema_only) {
    return {};
  }
  VARVE_ASSIGN(const auto ranges, PlanChunks(manifest_.range, manifest_.chunk_window));
  auto sources = SourcesOf(tables_, ranges, manifest_.chunk_window);
  const TableIndex tables(tables_);
  std::map<TimestampUs, const Chunk*> base;
  if (base_) {
    for (const Chunk& chunk : base_->manifest.chunks) {
      base[chunk.range.start] = &chunk;
    }
  }
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (base_) {
      const auto before = base.find(ranges[i].start);
      sources[i] = CompareSources(std::move(sources[i]), ranges[i],
                                  before == base.end() ? nullptr : before->second, tables);
    }
    const bool has_rows = std::ranges::any_of(sources[i], &ChunkSource::HasRows);
    manifest_.chunks.push_back({.id = i + 1,
                                .range = ranges[i],
                                .status = has_rows ? ChunkStatus::kPending : ChunkStatus::kSkipped,
                                .sources = std::move(sources[i])});
  }
  return {};
}

void ExportJob::NoteMissingSources() {
  std::vector<TimeRange> ranges;
  for (const Chunk& chunk : manifest_.chunks) {
    ranges.push_back(chunk.range);
  }
  auto sources = SourcesOf(tables_, ranges, manifest_.chunk_window);
  for (size_t i = 0; i < ranges.size(); ++i) {
    Chunk& chunk = manifest_.chunks[i];
    if (chunk.status == ChunkStatus::kPending && chunk.sources.empty()) {
      chunk.sources = std::move(sources[i]);
    }
  }
}

void ExportJob::SetTotals() {
  const auto pending = std::ranges::count(manifest_.chunks, ChunkStatus::kPending, &Chunk::status);
  progress_.SetTotals(manifest_.chunks.size(), BytesToRead());
  for (size_t i = static_cast<size_t>(pending); i < manifest_.chunks.size(); ++i) {
    progress_.AddChunk();
  }
  progress_.AddBytes(manifest_.data_bytes());
  progress_.AddRows(manifest_.row_count());
}

uint64_t ExportJob::BytesToRead() const {
  std::map<Uuid, uint64_t> sizes;
  for (const PinnedTable& table : tables_) {
    for (const auto& [id, file] : table.version->files) {
      sizes[id] = file.size_bytes;
    }
  }
  uint64_t bytes = 0;
  for (const Chunk& chunk : manifest_.chunks) {
    for (const ChunkSource& source : chunk.sources) {
      const auto& files = source.change == ChunkChange::kAdd ? source.added : source.files;
      for (size_t i = 0; source.HasRows() && i < files.size(); ++i) {
        // Of a file that reaches over several chunks once.
        bytes += std::exchange(sizes[files[i].id], 0);
      }
    }
  }
  return bytes;
}

}  // namespace varve
