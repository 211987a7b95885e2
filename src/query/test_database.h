// TestDatabase: a database in memory with a session over it, that can be restarted. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "engine/database.h"
#include "query/session.h"
#include "store/memory_store.h"
#include "wal/memory_wal.h"

namespace varve {

class TestDatabase {
 public:
  explicit TestDatabase(CopyPolicy copy = {}) : copy_(std::move(copy)) { Open(); }
  ~TestDatabase() { Close(); }

  // Closes it and opens it again over what is stored.
  void Restart() {
    Close();
    Open();
  }

  Database& database() { return *database_; }
  QueryEngine& engine() { return *engine_; }
  Session& session() { return *session_; }

  Result<QueryResult> Execute(std::string_view sql) { return session_->Execute(sql); }
  // The rows as text, values of a row joined by tabs; for a statement without rows "affected N".
  Result<std::vector<std::string>> Rows(std::string_view sql);

 private:
  void Open();
  void Close();

  const CopyPolicy copy_;
  SystemClock clock_;
  SeededIdSource ids_{7};
  MemoryObjectStore store_{&clock_};
  std::shared_ptr<MemoryLog> log_ = std::make_shared<MemoryLog>();
  std::unique_ptr<MemoryWal> wal_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<QueryEngine> engine_;
  std::unique_ptr<Session> session_;
};

// All rows of a stream, as above.
Result<std::vector<std::string>> RowTexts(ResultStream& stream);

}  // namespace varve
