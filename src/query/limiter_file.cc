#include "query/limiter_file.h"

#include <nlohmann/json.hpp>

#include "base/checksum.h"

namespace varve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "varve-blocks";
constexpr int kVersion = 1;

std::string Checksum(const Json& lists) {
  return fmt::format("{:016x}", Xxh3(lists.dump(-1, ' ', true, Json::error_handler_t::replace)));
}

std::unexpected<Error> Damaged(std::string_view why) {
  return Corruption(
      "{} is damaged ({}): restore it from a backup, or delete it to begin with the "
      "lists of the configuration",
      kBlockListsPath, why);
}

Json ToJson(const BlockLists& lists) {
  Json rules = Json::array();
  for (const BlockRule& rule : lists.rules) {
    rules.push_back({{"kind", BlockRuleName(rule.kind)}, {"range_ms", rule.range.count()}});
  }
  return {{"write", lists.write}, {"read", lists.read}, {"rules", std::move(rules)}};
}

// Of lists whose checksum is right: what does not fit was written by somebody else.
Result<BlockLists> FromJson(const Json& json) {
  BlockLists lists;
  for (const auto& [name, list] : {std::pair("write", &lists.write), {"read", &lists.read}}) {
    for (const Json& entry : json.value(name, Json::array())) {
      if (!entry.is_string()) {
        return Damaged("a name is no text");
      }
      list->insert(entry.get<std::string>());
    }
  }
  for (const Json& entry : json.value("rules", Json::array())) {
    const bool whole = entry.is_object() && entry.contains("kind") && entry["kind"].is_string() &&
                       entry.contains("range_ms") && entry["range_ms"].is_number_integer();
    const auto kind = whole ? ParseBlockRuleName(entry["kind"].get<std::string>()) : std::nullopt;
    if (!kind) {
      return Damaged("a rule is not known");
    }
    lists.rules.insert({*kind, std::chrono::milliseconds(entry["range_ms"].get<int64_t>())});
  }
  return lists;
}

}  // namespace

Result<std::optional<BlockLists>> LoadBlockLists(ObjectStore& store) {
  const Result<std::string> text = store.Get(kBlockListsPath);
  if (!text) {
    if (text.error().kind == ErrorKind::kNotFound) {
      return std::nullopt;
    }
    return std::unexpected(text.error());
  }
  const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("format") || json["format"] != kFormat ||
      !json.contains("version") || !json["version"].is_number_integer()) {
    return Damaged("it is no list of what is blocked");
  }
  if (json["version"] > kVersion) {
    return NotSupported("{} was written by a newer Varve; use that version", kBlockListsPath);
  }
  if (!json.contains("lists") || !json["lists"].is_object() || !json.contains("checksum") ||
      json["checksum"] != Checksum(json["lists"])) {
    return Damaged("the checksum does not fit");
  }
  VARVE_ASSIGN(BlockLists lists, FromJson(json["lists"]));
  return lists;
}

Status SaveBlockLists(ObjectStore& store, const BlockLists& lists) {
  const Json json = ToJson(lists);
  const Json file = {
      {"format", kFormat}, {"version", kVersion}, {"checksum", Checksum(json)}, {"lists", json}};
  return store.Put(kBlockListsPath, file.dump(-1, ' ', true, Json::error_handler_t::replace));
}

}  // namespace varve
