#include "engine/file_matches.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/log.h"

namespace varve {
namespace {

std::vector<Uuid> IdsOf(const std::map<Uuid, FileMeta>& files) {
  std::vector<Uuid> ids;
  ids.reserve(files.size());
  std::ranges::transform(files, std::back_inserter(ids),
                         [](const auto& file) { return file.first; });
  return ids;
}

bool IsDamage(const Error& error) {
  return error.kind == ErrorKind::kCorruption || error.kind == ErrorKind::kNotFound;
}

bool OverlapInTime(const FileMeta& file, const MemtableView& view) {
  return file.time_min <= view.time_max() && view.time_min() <= file.time_max;
}

Result<KeySet> LateKeys(const TableSchema& schema, const MemtableView& view, uint64_t from) {
  KeySet keys(schema);
  const std::vector<uint64_t> rows = view.LateRows(from);
  if (!rows.empty()) {
    VARVE_TRY(keys.Add(schema, view, rows));
  }
  return keys;
}

}  // namespace

Result<std::vector<uint64_t>> FileMatches::RowsIn(const Version& version, const FileMeta& file,
                                                  const KeySet& keys) {
  VARVE_ASSIGN(const auto opened, files_->Open(file));
  VARVE_ASSIGN(auto rows, FindRows(*opened, *version.schema, keys));
  if (file.deletion_vector && !rows.empty()) {
    VARVE_ASSIGN(const auto deleted, files_->Deletions(file.id, *file.deletion_vector));
    std::erase_if(rows, [&](uint64_t row) { return deleted->Contains(row); });
  }
  return rows;
}

Status FileMatches::LookUp(Memory& memory, const Version& version, const FileMeta& file,
                           const KeySet& keys) {
  const uint64_t count = keys.CountWithin(file);
  if (count == 0) {
    return {};
  }
  *lookups_ += count;
  const auto rows = RowsIn(version, file, keys);
  if (!rows && IsDamage(rows.error())) {
    // Nobody can read its rows; writes and reads of all other files go on.
    if (damaged_.insert(file.id).second) {
      LogError(
          "rows that were written late replace nothing in a file that cannot be read, and are "
          "there "
          "beside the older ones when it is restored: {}",
          rows.error().message);
    }
    return {};
  }
  if (!rows) {
    return std::unexpected(rows.error());
  }
  if (rows->empty()) {
    return {};
  }
  DeletionVector added = DeletionVector::FromRows(*rows);
  const auto [found, is_new] = memory.found.try_emplace(file.id, added);
  if (!is_new) {
    found->second = found->second.Union(added);
  }
  return {};
}

Status FileMatches::Update(Memory& memory, const Version& version, const MemtableView& view) {
  if (memory.rows_done == view.row_count() && memory.version_done == version.id) {
    return {};
  }
  std::vector<Uuid> ids = IdsOf(version.files);
  std::erase_if(memory.found, [&](const auto& f) { return !version.files.contains(f.first); });
  // Keys are collected when a file needs them: most memtables are beyond all files in time.
  std::optional<KeySet> fresh;
  std::optional<KeySet> all;
  for (const auto& [id, file] : version.files) {
    if (!OverlapInTime(file, view)) {
      continue;
    }
    const bool done_before = std::ranges::binary_search(memory.files_done, id);
    std::optional<KeySet>& keys = done_before ? fresh : all;
    if (!keys) {
      VARVE_ASSIGN(keys, LateKeys(*version.schema, view, done_before ? memory.rows_done : 0));
    }
    VARVE_TRY(LookUp(memory, version, file, *keys));
  }
  memory.rows_done = view.row_count();
  memory.files_done = std::move(ids);
  memory.version_done = version.id;
  return {};
}

Result<FileRows> FileMatches::Find(const Version& version,
                                   std::span<const std::shared_ptr<const MemtableView>> views) {
  // These memtables are in files; their matches are in the version's deletion vectors.
  std::erase_if(memories_, [&](const auto& memory) { return memory.first <= version.flushed; });
  FileRows rows;
  for (const auto& view : views) {
    if (view->late_count() == 0) {
      continue;
    }
    Memory& memory = memories_[view->first_sequence()];
    VARVE_TRY(Update(memory, version, *view));
    for (const auto& [id, found] : memory.found) {
      auto& all = rows[id];
      all = std::make_shared<const DeletionVector>(all ? all->Union(found) : found);
    }
  }
  return rows;
}

}  // namespace varve
