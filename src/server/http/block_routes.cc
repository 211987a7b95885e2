#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/units.h"
#include "server/http/operation_routes.h"

namespace varve {
namespace {

using Json = nlohmann::ordered_json;

// What the lists are called.
struct ListNames {
  const char* write;
  const char* read;
};
constexpr ListNames kNames = {"write_block_list", "read_block_list"};
constexpr ListNames kOldNames = {"write_reject_list", "read_reject_list"};
constexpr const char* kRules = "block_rules";

Result<BlockChange::Operation> OperationOf(const Json& body) {
  const auto found = body.find("operation");
  const std::string name =
      found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
  if (name == "Add") {
    return BlockChange::Operation::kAdd;
  }
  if (name == "Set") {
    return BlockChange::Operation::kSet;
  }
  if (name == "Remove") {
    return BlockChange::Operation::kRemove;
  }
  return InvalidArgument(R"("operation" must be "Add", "Set" or "Remove")");
}

Result<std::optional<std::set<std::string>>> NamesOf(const Json& body, const char* list) {
  const auto found = body.find(list);
  if (found == body.end() || found->is_null()) {
    return std::nullopt;
  }
  std::set<std::string> names;
  for (const Json& name : *found) {
    if (!found->is_array() || !name.is_string() || name.get_ref<const std::string&>().empty()) {
      return InvalidArgument("\"{}\" must be a list of names of tables", list);
    }
    names.insert(name.get<std::string>());
  }
  if (!found->is_array()) {
    return InvalidArgument("\"{}\" must be a list of names of tables", list);
  }
  return names;
}

// A number is milliseconds.
Result<std::chrono::milliseconds> RangeOf(const Json& rule) {
  const auto content = rule.find("content");
  if (content != rule.end() && content->is_number_unsigned() && content->get<uint64_t>() > 0) {
    return std::chrono::milliseconds(content->get<int64_t>());
  }
  if (content != rule.end() && content->is_string()) {
    VARVE_ASSIGN(const auto range, ParseDuration(content->get<std::string>()));
    if (range.count() > 0) {
      return range;
    }
  }
  return InvalidArgument(R"(QueryRange needs a "content" like "24h")");
}

Result<BlockRule> RuleOf(const Json& rule) {
  const auto type = rule.is_object() ? rule.find("type") : rule.end();
  const auto kind = type != rule.end() && type->is_string()
                        ? ParseBlockRuleName(type->get<std::string>())
                        : std::nullopt;
  if (!kind) {
    return InvalidArgument(R"(a rule is {{"type":T}} with T one of QueryWithoutPredicate, )"
                           "QueryRange, AnyQuery, AnyInsert");
  }
  BlockRule out{*kind};
  if (*kind == BlockRule::Kind::kQueryRange) {
    VARVE_ASSIGN(out.range, RangeOf(rule));
  }
  return out;
}

Result<std::optional<std::set<BlockRule>>> RulesOf(const Json& body) {
  const auto found = body.find(kRules);
  if (found == body.end() || found->is_null()) {
    return std::nullopt;
  }
  if (!found->is_array()) {
    return InvalidArgument("\"{}\" must be a list", kRules);
  }
  std::set<BlockRule> rules;
  for (const Json& rule : *found) {
    VARVE_ASSIGN(const BlockRule parsed, RuleOf(rule));
    rules.insert(parsed);
  }
  return rules;
}

HttpResponse Show(const BlockLists& lists, const ListNames& names) {
  Json rules = Json::array();
  for (const BlockRule& rule : lists.rules) {
    Json shown = {{"type", BlockRuleName(rule.kind)}};
    if (rule.kind == BlockRule::Kind::kQueryRange) {
      shown["content"] = rule.range.count();
    }
    rules.push_back(std::move(shown));
  }
  HttpResponse response;
  response.body = Json{{names.write, lists.write}, {names.read, lists.read}, {kRules, rules}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
  return response;
}

Result<HttpResponse> ChangeLists(Limiter& limiter, const ListNames& names,
                                 const HttpRequest& request) {
  const Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) {
    return InvalidArgument(
        R"(the body must be JSON: {{"operation":"Add","write_block_list":["t"]}})");
  }
  BlockChange change;
  VARVE_ASSIGN(change.operation, OperationOf(body));
  VARVE_ASSIGN(change.write, NamesOf(body, names.write));
  VARVE_ASSIGN(change.read, NamesOf(body, names.read));
  VARVE_ASSIGN(change.rules, RulesOf(body));
  VARVE_ASSIGN(const BlockLists lists, limiter.Change(change));
  LogInfo("what is blocked has changed: {} tables for writes, {} for reads, {} rules",
          lists.write.size(), lists.read.size(), lists.rules.size());
  return Show(lists, names);
}

}  // namespace

void AddBlockRoutes(Router& router, Limiter& limiter) {
  struct Path {
    const char* path;
    const ListNames* names;
  };
  for (const auto& [path, names] :
       {Path{"/admin/block", &kNames}, Path{"/block", &kNames}, Path{"/reject", &kOldNames}}) {
    router.Add("POST", path, [&limiter, names](const HttpRequest& request) {
      auto response = ChangeLists(limiter, *names, request);
      return response ? *std::move(response) : ErrorResponse(response.error());
    });
    router.Add("GET", path,
               [&limiter, names](const HttpRequest&) { return Show(limiter.lists(), *names); });
  }
}

}  // namespace varve
