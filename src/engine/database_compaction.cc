// How a database has its tables compacted.
#include "base/log.h"
#include "engine/database.h"

namespace varve {
namespace {

// A segment that is compacted in time has some two dozen files at most (see compaction_picker.cc);
// each file more is opened by every query over it, of 256 that may be open at once.
constexpr size_t kSegmentFilesMax = 64;

}  // namespace

std::unique_ptr<Maintenance> Database::MakeMaintenance() {
  MaintenanceOptions options;
  options.clock = options_.clock;
  options.threads = options_.compaction_threads;
  options.bytes_per_second = options_.compaction_bytes_per_second;
  options.limits = options_.compaction_limits;
  return std::make_unique<Maintenance>(options, [this](TableId id) { return TableById(id); });
}

void Database::NoteFlushed(TableId id) {
  if (const auto table = TableById(id)) {
    table->ObserveFiles();
    maintenance_->Examine(id);
  }
}

Result<CompactionOutcome> Database::CompactTable(Table& table) {
  CompactionOutcome all;
  VARVE_TRY(OnPartitions(table, "COMPACT TABLE", [&](Table& partition) -> Status {
    VARVE_ASSIGN(const CompactionOutcome one, CompactTable(partition));
    all.Add(one);
    return {};
  }));
  if (table.partitioning()) {
    return all;
  }
  VARVE_TRY(table.Flush());
  memory_freed_.notify_all();
  return maintenance_->CompactFully(table);
}

Status Database::WaitForCompaction(const std::vector<TableWrite>& writes) {
  if (!maintenance_->in_background()) {
    return {};
  }
  const auto behind = [&]() -> const Table* {
    for (const TableWrite& write : writes) {
      if (!write.table->dropped() &&
          write.table->compaction().segment_files_max() > kSegmentFilesMax) {
        return write.table.get();
      }
    }
    return nullptr;
  };
  const auto deadline = options_.clock->Steady() + options_.write_wait;
  std::unique_lock lock(memory_mutex_);
  while (const Table* table = behind()) {
    if (options_.clock->Steady() >= deadline) {
      ++counters_.rejected_writes;
      return ResourceExhausted(
          "table {} has {} files in one segment: compaction does not keep up; try again later, "
          "write larger batches, or allow more compactions at once",
          table->name(), table->compaction().segment_files_max());
    }
    memory_freed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  return {};
}

}  // namespace varve
