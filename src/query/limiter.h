// Limiter: what clients may not do now: tables that are not read or not written, and kinds of
// statements that are not run. For operators who must take load off a server at once. Statements
// that change what exists (CREATE, ALTER, DROP, …) are never blocked.
#pragma once

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace varve {

struct BlockRule {
  enum class Kind : uint8_t {
    kQueryWithoutPredicate,  // a query that reads a table and filters none of its rows
    kQueryRange,  // one that may read a table's rows over `range` or more; without a lower bound on
                  // the timestamp key that is so, without an upper one it is the present
    kAnyQuery,    // one that reads any table
    kAnyInsert,   // any statement that writes rows
  };
  Kind kind = Kind::kAnyQuery;
  std::chrono::milliseconds range{0};  // kQueryRange only, > 0

  auto operator<=>(const BlockRule&) const = default;
};

// "QueryRange", …; nullopt for a name that is none.
std::string_view BlockRuleName(BlockRule::Kind kind);
std::optional<BlockRule::Kind> ParseBlockRuleName(std::string_view name);

// Tables are named "t", which is that table of any schema, or "schema.t".
struct BlockLists {
  std::set<std::string> write;
  std::set<std::string> read;
  std::set<BlockRule> rules;

  bool operator==(const BlockLists&) const = default;
};

// Of each list that is given.
struct BlockChange {
  enum class Operation : uint8_t { kAdd, kSet, kRemove };
  Operation operation = Operation::kAdd;
  std::optional<std::set<std::string>> write;
  std::optional<std::set<std::string>> read;
  std::optional<std::set<BlockRule>> rules;
};

// What a planned query may read of a table.
struct TableRead {
  std::string_view schema;
  std::string_view table;
  bool filtered = false;                            // a part of the rows only
  std::optional<std::chrono::milliseconds> span{};  // of time; nullopt: without a lower bound
};

// Thread-safe. Outlives whoever asks.
class Limiter {
 public:
  // Called with what is about to hold; an error keeps the change from happening.
  using Save = std::function<Status(const BlockLists& lists)>;
  explicit Limiter(BlockLists lists = {}, Save save = {});

  BlockLists lists() const { return *Current(); }
  // What holds afterwards. Errors: kInvalidArgument (more than kBlockListMax entries), those of
  // Save.
  Result<BlockLists> Change(const BlockChange& change);

  // Errors of all three: kInvalidArgument "Table operation is blocked, table:T, op:insert", or
  // "Table operation is blocked by rule:R, table:T".
  Status CheckWrite(std::string_view schema, std::string_view table);
  // The lists, and the rule against any query. Before a query is planned.
  Status CheckRead(std::string_view schema, std::string_view table);
  // The other rules. After it has been.
  Status CheckPlanned(const TableRead& read);

  // Whether nothing is blocked.
  bool idle() const { return !active_.load(std::memory_order_relaxed); }
  uint64_t blocked_statements() const { return blocked_.load(); }

 private:
  std::shared_ptr<const BlockLists> Current() const;
  Status Blocked(std::string text);

  const Save save_;
  std::mutex change_mutex_;  // changes are saved in their order
  mutable std::mutex mutex_;
  std::shared_ptr<const BlockLists> lists_;
  std::atomic<bool> active_ = false;
  std::atomic<uint64_t> blocked_ = 0;
};

// Of each list: far more than anybody types, few enough to be answered and saved at once.
inline constexpr size_t kBlockListMax = 100'000;

}  // namespace varve
