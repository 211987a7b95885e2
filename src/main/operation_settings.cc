#include <algorithm>
#include <charconv>
#include <limits>

#include "base/units.h"
#include "main/setting_apply_internal.h"

namespace varve {
namespace {

constexpr std::chrono::milliseconds kStopGraceMax = std::chrono::minutes(10);

Result<std::string> AnyText(std::string_view text) { return std::string(text); }

Result<std::chrono::milliseconds> DurationUpTo(std::string_view text,
                                               std::chrono::milliseconds max) {
  VARVE_ASSIGN(const auto duration, ParseDuration(text));
  if (duration > max) {
    return InvalidArgument("'{}' is more than {}", text, FormatDuration(max));
  }
  return duration;
}

Result<bool> TrueOrFalse(std::string_view text) {
  if (text == "true" || text == "false") {
    return text == "true";
  }
  return InvalidArgument("'{}' is neither true nor false", text);
}

Result<uint16_t> Port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("'{}' is not a port", text);
  }
  return port;
}

// A setting of the session, by the name that SET knows it by.
template <class Name>
Status SetSession(ServerConfig& config, Name name, std::span<const std::string> values) {
  return AssignOne(config.session, values, [&](std::string_view text) {
    return WithSessionSetting(config.session, name, text);
  });
}

// "AnyQuery", "QueryRange:24h".
Result<BlockRule> ParseRule(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const auto kind = ParseBlockRuleName(text.substr(0, colon));
  const bool ranged = kind == BlockRule::Kind::kQueryRange;
  if (!kind || ranged == (colon == text.size())) {
    return InvalidArgument(
        "'{}' is not a rule: QueryWithoutPredicate, QueryRange:24h, AnyQuery or AnyInsert", text);
  }
  BlockRule rule{*kind};
  if (ranged) {
    VARVE_ASSIGN(rule.range, ParseDuration(text.substr(colon + 1)));
  }
  return rule;
}

std::string ShowRules(const std::set<BlockRule>& rules) {
  std::vector<std::string> texts;
  for (const BlockRule& rule : rules) {
    texts.emplace_back(BlockRuleName(rule.kind));
    if (rule.kind == BlockRule::Kind::kQueryRange) {
      texts.back() += ":" + FormatDuration(rule.range);
    }
  }
  return TomlList(texts);
}

std::string ShowNames(const std::set<std::string>& names) {
  return TomlList(std::vector(names.begin(), names.end()));
}

std::vector<Setting> LimiterSettings() {
  return {
      {{"limiter.write_block_list"},
       "VARVE_WRITE_BLOCK_LIST",
       "tables that are not written: t, or schema.t",
       [](ServerConfig& config, std::span<const std::string> values) -> Status {
         config.blocked.write = {values.begin(), values.end()};
         return {};
       },
       [](const ServerConfig& config) { return ShowNames(config.blocked.write); },
       ','},
      {{"limiter.read_block_list"},
       "VARVE_READ_BLOCK_LIST",
       "tables that are not read",
       [](ServerConfig& config, std::span<const std::string> values) -> Status {
         config.blocked.read = {values.begin(), values.end()};
         return {};
       },
       [](const ServerConfig& config) { return ShowNames(config.blocked.read); },
       ','},
      {{"limiter.rules"},
       "VARVE_BLOCK_RULES",
       "statements that are not run: QueryWithoutPredicate, QueryRange:24h, AnyQuery, AnyInsert; "
       "or "
       "tables {type, content}",
       [](ServerConfig& config, std::span<const std::string> values) -> Status {
         config.blocked.rules.clear();
         for (const std::string& value : values) {
           VARVE_ASSIGN(const BlockRule rule, ParseRule(value));
           config.blocked.rules.insert(rule);
         }
         return {};
       },
       [](const ServerConfig& config) { return ShowRules(config.blocked.rules); },
       ','},
      {{"limiter.persist"},
       "VARVE_LIMITER_PERSIST",
       "keeps what POST /admin/block changes over a restart; from the first change on, the three "
       "settings above have no effect",
       VARVE_APPLY(persist_blocked, TrueOrFalse(text)),
       [](const ServerConfig& config) { return fmt::format("{}", config.persist_blocked); }},
  };
}

std::vector<Setting> StatementSettings() {
  return {
      {{"server.statement_timeout", "server.timeout"},
       "VARVE_STATEMENT_TIMEOUT",
       "what a session begins with: how long a statement may take; 0s = no limit",
       [](ServerConfig& config, std::span<const std::string> values) -> Status {
         return SetSession(config, "statement_timeout", values);
       },
       [](const ServerConfig& config) {
         return TomlString(FormatDuration(config.session.statement_timeout));
       }},
      {{"server.time_zone"},
       "VARVE_TIME_ZONE",
       "what a session begins with: where days and longer buckets of time begin",
       [](ServerConfig& config, std::span<const std::string> values) -> Status {
         return SetSession(config, "time_zone", values);
       },
       [](const ServerConfig& config) { return TomlString(config.session.time_zone); }},
      {{"logger.slow_query_threshold", "slow_query_threshold"},
       "VARVE_SLOW_QUERY_THRESHOLD",
       "statements that take longer are logged; 0s = none",
       VARVE_APPLY(slow_query_threshold, ParseDuration(text)),
       [](const ServerConfig& config) {
         return TomlString(FormatDuration(config.slow_query_threshold));
       }},
      {{"logger.slow_query_path"},
       "VARVE_SLOW_QUERY_PATH",
       "a file of its own for them; empty = the log",
       VARVE_APPLY(slow_query_path, AnyText(text)),
       [](const ServerConfig& config) { return TomlString(config.slow_query_path); }},
      {{"logger.failed_query_path"},
       "VARVE_FAILED_QUERY_PATH",
       "a file for statements that fail; empty = the log, users' mistakes at the level debug",
       VARVE_APPLY(failed_query_path, AnyText(text)),
       [](const ServerConfig& config) { return TomlString(config.failed_query_path); }},
  };
}

std::vector<Setting> NodeSettings() {
  return {
      {{"server.stop_grace"},
       "VARVE_STOP_GRACE",
       "how long a server that stops waits for what it is doing, before it cancels that",
       VARVE_APPLY(stop_grace, DurationUpTo(text, kStopGraceMax)),
       [](const ServerConfig& config) { return TomlString(FormatDuration(config.stop_grace)); }},
      {{"server.schemas", "static_route.topology.schema_shards.schema",
        "cluster_deployment.topology.schema_shards.schema"},
       "VARVE_SCHEMAS",
       "schemas that are made at the start where they are not there",
       [](ServerConfig& config, std::span<const std::string> values) -> Status {
         config.schemas.insert(config.schemas.end(), values.begin(), values.end());
         return {};
       },
       [](const ServerConfig& config) { return TomlList(config.schemas); },
       ','},
      {{"node.addr", "cluster.node.addr"},
       "VARVE_NODE_ADDR",
       "the address that GET /route answers; empty = bind_addr",
       VARVE_APPLY(node_address, AnyText(text)),
       [](const ServerConfig& config) { return TomlString(config.node_address); }},
      {{"server.grpc_port", "grpc_port", "cluster.node.port"},
       "VARVE_GRPC_PORT",
       "the port that GET /route answers",
       VARVE_APPLY(grpc_port, Port(text)),
       [](const ServerConfig& config) { return fmt::format("{}", config.grpc_port); }},
  };
}

}  // namespace

std::vector<Setting> OperationSettings() {
  std::vector<Setting> all = LimiterSettings();
  std::ranges::move(StatementSettings(), std::back_inserter(all));
  std::ranges::move(NodeSettings(), std::back_inserter(all));
  return all;
}

}  // namespace varve
