// UnfinishedFiles: the ids of the files that operations of one table (a flush, a compaction) are
// writing, and that no version names yet. GC leaves these files alone.
//
//   const auto writing = unfinished.Begin();      // until the edit is committed or given up
//   … unfinished.NewUuid() …                      // for each file and deletion vector
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>

#include "base/ids.h"

namespace varve {

// Thread-safe. The source of ids outlives it.
class UnfinishedFiles final : public IdSource {
 public:
  explicit UnfinishedFiles(IdSource& ids) : ids_(ids) {}

  // An operation runs while it lives.
  class Operation {
   public:
    ~Operation() { files_.End(begun_at_); }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

   private:
    friend class UnfinishedFiles;
    Operation(UnfinishedFiles& files, uint64_t begun_at) : files_(files), begun_at_(begun_at) {}
    UnfinishedFiles& files_;
    const uint64_t begun_at_;
  };
  [[nodiscard]] Operation Begin();

  // Remembered until the operations that run now have ended.
  Uuid NewUuid() override;

  std::set<Uuid> Now() const;

 private:
  void End(uint64_t begun_at);

  IdSource& ids_;
  mutable std::mutex mutex_;
  uint64_t given_ = 0;
  std::multiset<uint64_t> running_;  // how many ids had been given when each operation began
  std::map<uint64_t, Uuid> files_;   // by their number
};

}  // namespace varve
