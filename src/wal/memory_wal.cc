#include "wal/memory_wal.h"

#include "base/check.h"

namespace varve {

Status MemoryWal::Append(std::span<const WalEntry> entries) {
  uint64_t bytes = 0;
  for (const WalEntry& entry : entries) {
    bytes += entry.payload.size();
  }
  if (bytes > kAppendBytesMax) {
    return InvalidArgument("{} bytes in one append, at most {} are allowed", bytes,
                           kAppendBytesMax);
  }
  const std::lock_guard lock(log_->mutex);
  VARVE_TRY(CheckOpen());
  for (const WalEntry& entry : entries) {
    VARVE_CHECK(entry.sequence.value() > 0, "sequences count from 1");
    log_->tables[entry.table][entry.sequence] = entry.payload;
  }
  ++appends_;
  appended_bytes_ += bytes;
  return {};
}

Status MemoryWal::Replay(TableId table, Sequence after,
                         const std::function<Status(Sequence, std::string_view payload)>& apply) {
  const std::lock_guard lock(log_->mutex);
  VARVE_TRY(CheckOpen());
  const auto found = log_->tables.find(table);
  if (found == log_->tables.end()) {
    return {};
  }
  for (auto it = found->second.upper_bound(after); it != found->second.end(); ++it) {
    VARVE_TRY(apply(it->first, it->second));
  }
  return {};
}

Status MemoryWal::Truncate(TableId table, Sequence up_to) {
  const std::lock_guard lock(log_->mutex);
  VARVE_TRY(CheckOpen());
  if (const auto found = log_->tables.find(table); found != log_->tables.end()) {
    found->second.erase(found->second.begin(), found->second.upper_bound(up_to));
  }
  return {};
}

Status MemoryWal::Drop(TableId table) {
  const std::lock_guard lock(log_->mutex);
  VARVE_TRY(CheckOpen());
  log_->tables.erase(table);
  return {};
}

WalStats MemoryWal::stats() const {
  const std::lock_guard lock(log_->mutex);
  WalStats out{.appends = appends_, .appended_bytes = appended_bytes_};
  for (const auto& [table, records] : log_->tables) {
    for (const auto& [sequence, payload] : records) {
      out.size_bytes += payload.size();
    }
  }
  return out;
}

Status MemoryWal::Close() {
  const std::lock_guard lock(log_->mutex);
  closed_ = true;
  return {};
}

Status MemoryWal::CheckOpen() const {
  if (closed_) {
    return Cancelled("the log is closed");
  }
  return {};
}

}  // namespace varve
