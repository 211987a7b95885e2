#include "engine/gc_names.h"

#include <algorithm>
#include <string>

namespace varve {
namespace {

constexpr size_t kUuidChars = 36;
constexpr size_t kVersionDigits = 20;

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

bool TakeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) {
    return false;
  }
  text.remove_suffix(suffix.size());
  return true;
}

std::optional<Uuid> TakeUuid(std::string_view& text) {
  const auto uuid = Uuid::Parse(text.substr(0, kUuidChars));
  if (!uuid) {
    return std::nullopt;
  }
  text.remove_prefix(kUuidChars);
  return *uuid;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool IsVersion(std::string_view text) { return text.size() == kVersionDigits && IsNumber(text); }

bool IsLogName(std::string_view name) {
  if (TakePrefix(name, "history-")) {
    return TakeSuffix(name, ".bin") && name.size() == 2 * kVersionDigits + 1 &&
           IsVersion(name.substr(0, kVersionDigits)) && name[kVersionDigits] == '-' &&
           IsVersion(name.substr(kVersionDigits + 1));
  }
  TakePrefix(name, "checkpoint-");
  return TakeSuffix(name, ".json") && IsVersion(name);
}

// The ids of "<segment>/<uuid>.parquet" and "<segment>/<uuid>-<uuid>.dv"; none: another name.
std::vector<Uuid> DataIds(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) {
    return {};
  }
  std::string_view segment = name.substr(0, slash);
  TakePrefix(segment, "-");  // before 1970
  name.remove_prefix(slash + 1);
  const auto first = TakeUuid(name);
  if (!IsNumber(segment) || !first) {
    return {};
  }
  if (name == ".parquet") {
    return {*first};
  }
  if (!TakePrefix(name, "-")) {
    return {};
  }
  const auto second = TakeUuid(name);
  return second && name == ".dv" ? std::vector{*first, *second} : std::vector<Uuid>();
}

}  // namespace

std::optional<TablePath> ParseTablePath(std::string_view path) {
  if (!TakePrefix(path, "tables/")) {
    return std::nullopt;
  }
  const auto table = TakeUuid(path);
  if (!table) {
    return std::nullopt;
  }
  if (TakePrefix(path, "/log/")) {
    return IsLogName(path) ? std::optional(TablePath{TablePath::Kind::kLog, *table}) : std::nullopt;
  }
  if (TakePrefix(path, "/savepoint/savepoint-")) {
    return TakeSuffix(path, ".json") && IsNumber(path)
               ? std::optional(TablePath{TablePath::Kind::kSavepoint, *table})
               : std::nullopt;
  }
  if (TakePrefix(path, "/consumer/consumer-")) {
    return TakeSuffix(path, ".json") && !path.empty() && !path.contains('/')
               ? std::optional(TablePath{TablePath::Kind::kConsumer, *table})
               : std::nullopt;
  }
  if (!TakePrefix(path, "/data/")) {
    return std::nullopt;
  }
  std::vector<Uuid> ids = DataIds(path);
  return ids.empty() ? std::nullopt
                     : std::optional(TablePath{TablePath::Kind::kData, *table, std::move(ids)});
}

}  // namespace varve
