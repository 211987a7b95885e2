// MemoryWal: a Wal that ends with the process. For tests: a restart of what uses it is a new
// MemoryWal over the same MemoryLog.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "wal/wal.h"

namespace varve {

// The records. Thread-safe through MemoryWal only.
struct MemoryLog {
  std::mutex mutex;
  std::map<TableId, std::map<Sequence, std::string>> tables;
};

// Thread-safe, also with other MemoryWals over the same log.
class MemoryWal final : public Wal {
 public:
  MemoryWal() : MemoryWal(std::make_shared<MemoryLog>()) {}
  explicit MemoryWal(std::shared_ptr<MemoryLog> log) : log_(std::move(log)) {}

  Status Append(std::span<const WalEntry> entries) override;
  Status Replay(TableId table, Sequence after,
                const std::function<Status(Sequence, std::string_view payload)>& apply) override;
  Status Truncate(TableId table, Sequence up_to) override;
  Status Drop(TableId table) override;
  Status ReleaseSpace() override { return CheckOpen(); }
  WalStats stats() const override;
  Status Close() override;

 private:
  Status CheckOpen() const;

  const std::shared_ptr<MemoryLog> log_;
  uint64_t appends_ = 0;
  uint64_t appended_bytes_ = 0;
  bool closed_ = false;
};

}  // namespace varve
