#include "protect/chunk_sources.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace varve {
namespace {

SourceFile SourceOf(const FileMeta& file) {
  return {file.id, file.deletion_vector ? file.deletion_vector->sha256 : ""};
}

// Whether it is the same table or partition, and has the same name.
bool IsOfSame(const auto& a, const auto& b) {
  return a.uuid == b.uuid && a.schema == b.schema && a.table == b.table &&
         a.partition == b.partition;
}

// All that the source was made of.
std::vector<SourceFile> AllFiles(const ChunkSource& source) {
  std::vector<SourceFile> all;
  std::ranges::set_union(source.files, source.added, std::back_inserter(all));
  return all;
}

// Snapshots may come from a Varve that did not note what they are made of.
bool HasUnknownRows(const Chunk& chunk, const ChunkSource& source) {
  const auto is_of_it = [&](const auto& one) {
    return one.schema == source.schema && one.table == source.table &&
           one.partition == source.partition;
  };
  return std::ranges::any_of(chunk.files, is_of_it) &&
         std::ranges::none_of(chunk.sources, is_of_it);
}

// `before`: in the base's chunk; nullptr: it is not there.
ChunkSource Compare(ChunkSource now, const ChunkSource* before, const TimeRange& range,
                    const Chunk& base, const PinnedTable& table) {
  const std::vector<SourceFile> former =
      before == nullptr ? std::vector<SourceFile>() : AllFiles(*before);
  const auto has_rows_beyond = [&](const SourceFile& file) {
    const auto meta = table.version->files.find(file.id);
    return meta != table.version->files.end() && meta->second.time_max >= base.range.end;
  };
  now.change = ChunkChange::kReplace;
  if (before == nullptr ? HasUnknownRows(base, now)
                        : !former.empty() && before->visible_from != now.visible_from) {
    return now;
  }
  if (!std::ranges::includes(now.files, former)) {
    return now;
  }
  if (base.range.end < range.end && std::ranges::any_of(former, has_rows_beyond)) {
    return now;
  }
  std::ranges::set_difference(now.files, former, std::back_inserter(now.added));
  now.change = now.added.empty() ? ChunkChange::kNone : ChunkChange::kAdd;
  now.files = former;
  return now;
}

// Readers without Varve do not know which partition a row is in.
void ReplaceWholeTables(std::vector<ChunkSource>& sources) {
  std::set<RelationName> replaced;
  for (const ChunkSource& source : sources) {
    if (source.change == ChunkChange::kReplace) {
      replaced.insert({source.schema, source.table});
    }
  }
  for (ChunkSource& source : sources) {
    if (replaced.contains({source.schema, source.table})) {
      source.change = ChunkChange::kReplace;
      source.files = AllFiles(source);
      source.added.clear();
    }
  }
}

}  // namespace

TableIndex::TableIndex(std::span<const PinnedTable> tables) {
  for (const PinnedTable& table : tables) {
    tables_[table.uuid] = &table;
  }
}

const PinnedTable* TableIndex::Find(const ChunkSource& source) const {
  const auto found = tables_.find(source.uuid);
  return found != tables_.end() && IsOfSame(*found->second, source) ? found->second : nullptr;
}

std::vector<std::vector<ChunkSource>> SourcesOf(std::span<const PinnedTable> tables,
                                                std::span<const TimeRange> chunks,
                                                std::chrono::milliseconds window) {
  std::vector<std::vector<ChunkSource>> out(chunks.size());
  if (chunks.empty()) {
    return out;
  }
  const TimeRange whole{chunks.front().start, chunks.back().end};
  const int64_t step = std::chrono::microseconds(window).count();
  for (const PinnedTable& table : tables) {
    for (const FileMeta* file : table.FilesIn(whole)) {
      const TimestampUs from = std::max({file->time_min, table.visible_from, whole.start});
      for (auto i = static_cast<size_t>((from.value() - whole.start.value()) / step);
           i < chunks.size() && chunks[i].start <= file->time_max; ++i) {
        auto& sources = out[i];
        if (sources.empty() || sources.back().uuid != table.uuid) {
          sources.push_back({table.schema, table.table, table.partition, table.uuid});
        }
        ChunkSource& source = sources.back();
        source.files.push_back(SourceOf(*file));
        if (chunks[i].start < table.visible_from && file->time_min < table.visible_from) {
          source.visible_from = table.visible_from;
        }
      }
    }
  }
  for (auto& sources : out) {
    for (ChunkSource& source : sources) {
      std::ranges::sort(source.files);
    }
  }
  return out;
}

std::vector<ChunkSource> CompareSources(std::vector<ChunkSource> now, const TimeRange& range,
                                        const Chunk* base, const TableIndex& tables) {
  const Chunk none{.id = 0, .range = range};
  const Chunk& before = base == nullptr ? none : *base;
  std::map<Uuid, const ChunkSource*> former;
  for (const ChunkSource& source : before.sources) {
    if (tables.Find(source) != nullptr) {
      former[source.uuid] = &source;
    }
  }
  std::set<Uuid> here;
  for (const ChunkSource& source : now) {
    here.insert(source.uuid);
  }
  for (const auto& [uuid, source] : former) {
    if (!here.contains(uuid)) {
      now.push_back({source->schema, source->table, source->partition, uuid});
    }
  }
  std::vector<ChunkSource> out;
  for (ChunkSource& source : now) {
    const auto found = former.find(source.uuid);
    const ChunkSource* same = found == former.end() ? nullptr : found->second;
    const PinnedTable& table = *tables.Find(source);
    out.push_back(Compare(std::move(source), same, range, before, table));
  }
  ReplaceWholeTables(out);
  std::erase_if(out, [](const ChunkSource& source) {
    return source.change == ChunkChange::kNone && source.files.empty();
  });
  return out;
}

}  // namespace varve
