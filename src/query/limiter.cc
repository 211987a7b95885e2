#include "query/limiter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/units.h"

namespace varve {
namespace {

struct RuleName {
  BlockRule::Kind kind;
  std::string_view name;
};
constexpr std::array kRuleNames = {
    RuleName{BlockRule::Kind::kQueryWithoutPredicate, "QueryWithoutPredicate"},
    RuleName{BlockRule::Kind::kQueryRange, "QueryRange"},
    RuleName{BlockRule::Kind::kAnyQuery, "AnyQuery"},
    RuleName{BlockRule::Kind::kAnyInsert, "AnyInsert"}};

bool Names(const std::set<std::string>& list, std::string_view schema, std::string_view table) {
  return !list.empty() &&
         (list.contains(std::string(table)) || list.contains(fmt::format("{}.{}", schema, table)));
}

bool HasRule(const BlockLists& lists, BlockRule::Kind kind) {
  return std::ranges::any_of(lists.rules, [&](const BlockRule& rule) { return rule.kind == kind; });
}

template <class Entry>
void ChangeList(std::set<Entry>& list, const std::optional<std::set<Entry>>& entries,
                BlockChange::Operation operation) {
  if (!entries) {
    return;
  }
  switch (operation) {
    case BlockChange::Operation::kAdd:
      list.insert(entries->begin(), entries->end());
      return;
    case BlockChange::Operation::kSet:
      list = *entries;
      return;
    case BlockChange::Operation::kRemove:
      for (const Entry& entry : *entries) {
        list.erase(entry);
      }
      return;
  }
}

std::string BlockedByRule(BlockRule::Kind kind, std::string_view table) {
  return fmt::format("Table operation is blocked by rule:{}, table:{}", BlockRuleName(kind), table);
}

}  // namespace

std::string_view BlockRuleName(BlockRule::Kind kind) {
  return std::ranges::find(kRuleNames, kind, &RuleName::kind)->name;
}

std::optional<BlockRule::Kind> ParseBlockRuleName(std::string_view name) {
  const auto found = std::ranges::find(kRuleNames, name, &RuleName::name);
  return found == kRuleNames.end() ? std::nullopt : std::optional(found->kind);
}

Limiter::Limiter(BlockLists lists, Save save)
    : save_(std::move(save)),
      lists_(std::make_shared<const BlockLists>(std::move(lists))),
      active_(*lists_ != BlockLists()) {}

std::shared_ptr<const BlockLists> Limiter::Current() const {
  const std::lock_guard lock(mutex_);
  return lists_;
}

Result<BlockLists> Limiter::Change(const BlockChange& change) {
  const std::lock_guard change_lock(change_mutex_);
  BlockLists lists = *Current();
  ChangeList(lists.write, change.write, change.operation);
  ChangeList(lists.read, change.read, change.operation);
  ChangeList(lists.rules, change.rules, change.operation);
  if (std::max({lists.write.size(), lists.read.size(), lists.rules.size()}) > kBlockListMax) {
    return InvalidArgument("a block list has at most {} entries", kBlockListMax);
  }
  if (save_) {
    VARVE_TRY(save_(lists));
  }
  auto shared = std::make_shared<const BlockLists>(lists);
  const std::lock_guard lock(mutex_);
  lists_ = std::move(shared);
  active_ = lists != BlockLists();
  return lists;
}

Status Limiter::Blocked(std::string text) {
  ++blocked_;
  return std::unexpected(Error{ErrorKind::kInvalidArgument, std::move(text)});
}

Status Limiter::CheckWrite(std::string_view schema, std::string_view table) {
  if (idle()) {
    return {};
  }
  const auto lists = Current();
  if (Names(lists->write, schema, table)) {
    return Blocked(fmt::format("Table operation is blocked, table:{}, op:insert", table));
  }
  if (HasRule(*lists, BlockRule::Kind::kAnyInsert)) {
    return Blocked(BlockedByRule(BlockRule::Kind::kAnyInsert, table));
  }
  return {};
}

Status Limiter::CheckRead(std::string_view schema, std::string_view table) {
  if (idle()) {
    return {};
  }
  const auto lists = Current();
  if (Names(lists->read, schema, table)) {
    return Blocked(fmt::format("Table operation is blocked, table:{}, op:query", table));
  }
  if (HasRule(*lists, BlockRule::Kind::kAnyQuery)) {
    return Blocked(BlockedByRule(BlockRule::Kind::kAnyQuery, table));
  }
  return {};
}

Status Limiter::CheckPlanned(const TableRead& read) {
  if (idle()) {
    return {};
  }
  for (const BlockRule& rule : Current()->rules) {
    if (rule.kind == BlockRule::Kind::kQueryWithoutPredicate && !read.filtered) {
      return Blocked(BlockedByRule(rule.kind, read.table));
    }
    if (rule.kind == BlockRule::Kind::kQueryRange && (!read.span || *read.span >= rule.range)) {
      return Blocked(fmt::format(
          "{}: the query may read {} of it, {} is the limit", BlockedByRule(rule.kind, read.table),
          read.span ? FormatDuration(*read.span) : "all", FormatDuration(rule.range)));
    }
  }
  return {};
}

}  // namespace varve
