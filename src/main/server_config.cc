#include "main/server_config.h"

// Parse errors come back as values; without this the library would throw them.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "main/ignored_settings.h"
#include "main/server_settings.h"

namespace varve {
namespace {

// The values of a setting as text: one, or those of a list.
using TextValues = std::vector<std::string>;

constexpr std::string_view kRulesKey = "limiter.rules";

Result<std::string> ScalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    return text->get();
  }
  if (const auto* number = node.as_integer()) {
    return fmt::format("{}", number->get());
  }
  if (const auto* number = node.as_floating_point()) {
    return fmt::format("{}", number->get());
  }
  if (const auto* flag = node.as_boolean()) {
    return std::string(flag->get() ? "true" : "false");
  }
  return InvalidArgument("a string, a number or a boolean is expected here");
}

Result<TextValues> NodeTexts(const toml::node& node) {
  TextValues texts;
  if (const auto* list = node.as_array()) {
    for (const toml::node& element : *list) {
      VARVE_ASSIGN(texts.emplace_back(), ScalarText(element));
    }
    return texts;
  }
  VARVE_ASSIGN(texts.emplace_back(), ScalarText(node));
  return texts;
}

Status ApplyTableOption(ServerConfig& config, std::string_view name, const TextValues& values) {
  if (values.size() != 1) {
    return InvalidArgument("one value is expected, not {}", values.size());
  }
  VARVE_ASSIGN(TableOptions changed,
               WithChanges(config.auto_table_options, {{std::string(name), values.front()}},
                           OptionsUse::kCreate));
  if (!changed.unknown.empty()) {
    return InvalidArgument("there is no table option '{}'", name);
  }
  config.auto_table_options = std::move(changed);
  return {};
}

std::string Ignored(std::string_view what, const IgnoredSetting& ignored) {
  return fmt::format("{} has no effect: {}", what, ignored.reason);
}

Status ApplyKey(ServerConfig& config, std::string_view key, const TextValues& values) {
  for (const std::string_view prefix : {kTableOptionsPrefix, kOtherTableOptionsPrefix}) {
    if (key.starts_with(prefix)) {
      return ApplyTableOption(config, key.substr(prefix.size()), values);
    }
  }
  if (const IgnoredSetting* const ignored = FindIgnoredSetting(key)) {
    const std::string warning = Ignored(key, *ignored);
    if (std::ranges::find(config.warnings, warning) == config.warnings.end()) {
      config.warnings.push_back(warning);
    }
    return {};
  }
  VARVE_ASSIGN(const Setting* setting, FindSetting(key));
  return setting->apply(config, values);
}

// {type = "QueryRange", content = "24h"} -> "QueryRange:24h"
Result<std::string> RuleText(const toml::table& rule) {
  std::string text;
  for (const std::string_view part : {"type", "content"}) {
    if (const toml::node* const node = rule.get(part)) {
      VARVE_ASSIGN(const std::string value, ScalarText(*node));
      text += (text.empty() ? "" : ":") + value;
    }
  }
  return text;
}

Status ApplyNode(ServerConfig& config, std::string_view key, const toml::node& node) {
  TextValues values;
  const auto* const list = node.as_array();
  if (key == kRulesKey && list != nullptr && list->is_array_of_tables()) {
    for (const toml::node& rule : *list) {
      VARVE_ASSIGN(values.emplace_back(), RuleText(*rule.as_table()));
    }
  } else {
    VARVE_ASSIGN(values, NodeTexts(node));
  }
  return ApplyKey(config, key, values);
}

Status ApplyToml(ServerConfig& config, const toml::table& table, const std::string& prefix,
                 std::string_view origin) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* section = node.as_table()) {
      VARVE_TRY(ApplyToml(config, *section, key + ".", origin));
      continue;
    }
    const auto* const list = node.as_array();
    if (list != nullptr && list->is_array_of_tables() && key != kRulesKey) {
      for (const toml::node& section : *list) {
        VARVE_TRY(ApplyToml(config, *section.as_table(), key + ".", origin));
      }
      continue;
    }
    if (const Status applied = ApplyNode(config, key, node); !applied) {
      return std::unexpected(applied.error().WithContext(
          fmt::format("{}:{}: {}", origin, node.source().begin.line, key)));
    }
  }
  return {};
}

std::vector<std::string> SplitList(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) {
      parts.emplace_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// What CeresDB and HoraeDB call variables that mean something here.
constexpr std::array<std::pair<const char*, std::string_view>, 2> kOtherVariables = {
    {{"CERESDB_SERVER_ADDR", "node.addr"}, {"HORAEDB_SERVER_ADDR", "node.addr"}}};

Status ApplyOtherVariables(ServerConfig& config, const Environment& environment) {
  for (const auto& [name, key] : kOtherVariables) {
    if (const auto value = environment(name)) {
      if (const Status applied = ApplyKey(config, key, {*value}); !applied) {
        return std::unexpected(
            applied.error().WithContext(fmt::format("environment variable {}", name)));
      }
    }
  }
  for (const IgnoredSetting& ignored : IgnoredVariables()) {
    if (environment(std::string(ignored.key))) {
      config.warnings.push_back(
          Ignored(fmt::format("environment variable {}", ignored.key), ignored));
    }
  }
  return {};
}

}  // namespace

Result<ServerConfig> ParseServerConfig(std::string_view toml, std::string_view origin) {
  const toml::parse_result parsed = toml::parse(toml, origin);
  if (!parsed) {
    const auto& where = parsed.error().source().begin;
    return InvalidArgument("{}:{}:{}: {}", origin, where.line, where.column,
                           parsed.error().description());
  }
  ServerConfig config;
  VARVE_TRY(ApplyToml(config, parsed.table(), "", origin));
  return config;
}

Result<ServerConfig> ReadServerConfig(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  // To put nothing into a stream is an error for it.
  const bool empty = file && file.peek() == std::ifstream::traits_type::eof();
  if (!file || !(empty || (text << file.rdbuf()))) {
    const int reason = errno;
    if (reason == ENOENT) {
      return NotFound("there is no configuration file {}", path);
    }
    return Io("cannot read the configuration file {}: {}", path, std::strerror(reason));
  }
  return ParseServerConfig(text.str(), path);
}

Result<ServerConfig> WithEnvironment(ServerConfig config, const Environment& environment) {
  VARVE_TRY(ApplyOtherVariables(config, environment));
  for (const Setting& setting : AllSettings()) {
    const std::string name(setting.environment);
    const std::optional<std::string> value = environment(name);
    if (!value) {
      continue;
    }
    const TextValues values =
        setting.separator != 0 ? SplitList(*value, setting.separator) : TextValues{*value};
    if (const Status applied = setting.apply(config, values); !applied) {
      return std::unexpected(applied.error().WithContext("environment variable " + name));
    }
  }
  return config;
}

Result<ServerConfig> WithSetting(ServerConfig config, std::string_view key,
                                 std::string_view value) {
  VARVE_TRY(ApplyKey(config, key, {std::string(value)}));
  return config;
}

std::string ToToml(const ServerConfig& config) {
  std::map<std::string, std::string> sections;  // name -> lines
  for (const Setting& setting : AllSettings()) {
    const std::string value = setting.show(config);
    if (!value.empty()) {
      const std::string_view key = setting.keys.front();
      const size_t dot = key.rfind('.');
      sections[std::string(key.substr(0, dot))] +=
          fmt::format("{} = {}\n", key.substr(dot + 1), value);
    }
  }
  std::string& options =
      sections[std::string(kTableOptionsPrefix.substr(0, kTableOptionsPrefix.size() - 1))];
  for (const auto& [name, value] : ToMap(config.auto_table_options)) {
    if (!value.empty()) {
      options += fmt::format("{} = {}\n", name, TomlString(value));
    }
  }
  std::string text;
  for (const auto& [section, lines] : sections) {
    text += fmt::format("{}[{}]\n{}", text.empty() ? "" : "\n", section, lines);
  }
  return text;
}

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace varve
