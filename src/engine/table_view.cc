// What readers see of a table, and what late rows have replaced in it.
#include "base/log.h"
#include "engine/newest_in_files.h"
#include "engine/table.h"

namespace varve {

TimestampUs Table::VisibleFrom(const TableOptions& options, TimestampUs now) {
  if (!options.enable_ttl) {
    return ReadView{}.visible_from;
  }
  return TimestampUs(now.value() - std::chrono::microseconds(options.ttl).count());
}

ReadView Table::ViewLocked() const {
  ReadView view;
  view.version = version_;
  view.schema = version_->schema;
  view.visible_from = VisibleFrom(version_->options, services_.clock->Now());
  view.files = services_.files;
  view.table = weak_from_this().lock();
  for (const auto& memtable : sealed_) {
    view.memtables.push_back({memtable->View(), nullptr});
  }
  if (active_->row_count() > 0) {
    view.memtables.push_back({active_->View(), nullptr});
  }
  return view;
}

bool Table::HasLateRowsLocked() const {
  return active_->late_count() > 0 ||
         std::ranges::any_of(sealed_, [](const auto& m) { return m->late_count() > 0; });
}

Result<ReadView> Table::View() const {
  {
    std::lock_guard lock(state_mutex_);
    if (!HasLateRowsLocked()) {
      return ViewLocked();
    }
  }
  // In this order: what is found then fits what is seen, and nobody has found more already.
  std::lock_guard resolving(resolve_mutex_);
  ReadView view;
  {
    std::lock_guard lock(state_mutex_);
    view = ViewLocked();
  }
  VARVE_TRY(ResolveLocked(view));
  return view;
}

Status Table::ResolveLocked(ReadView& view) const {
  MemtableViews memtables;
  for (const MemoryRows& memtable : view.memtables) {
    memtables.push_back(memtable.rows);
  }
  VARVE_TRY(memory_matches_.Update(*view.schema, memtables));
  for (MemoryRows& memtable : view.memtables) {
    memtable.replaced = memory_matches_.Replaced(*memtable.rows);
  }
  VARVE_ASSIGN(view.replaced, file_matches_.Find(*view.version, memtables));
  LearnFrontLocked(*view.version);
  return {};
}

Result<FileRows> Table::FindReplacedInFiles(const Version& version,
                                            const MemtableViews& memtables) const {
  if (std::ranges::none_of(memtables, [](const auto& m) { return m->late_count() > 0; })) {
    return FileRows();
  }
  std::lock_guard resolving(resolve_mutex_);
  LearnFrontLocked(version);
  return file_matches_.Find(version, memtables);
}

void Table::LearnFrontLocked(const Version& version) const {
  SeriesFront::Unknown unknown;
  {
    std::lock_guard lock(state_mutex_);
    unknown = front_.unknown();
  }
  if (unknown.tsids.empty()) {
    return;
  }
  auto newest = NewestInFiles(version, *services_.files, unknown.tsids);
  if (!newest) {
    LogWarn(
        "table {}: what is newest of {} series could not be read, more of their rows are looked "
        "up than need be: {}",
        name(), unknown.tsids.size(), newest.error().message);
    newest.emplace();
    for (const uint64_t tsid : unknown.tsids) {
      newest->push_back({tsid, NewestInFiles(version)});
    }
  }
  std::lock_guard lock(state_mutex_);
  front_.Learn(unknown.generation, *newest);
}

}  // namespace varve
