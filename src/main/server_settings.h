// The list of settings: what each is called in a file and in the environment, and how its text
// becomes a value.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "main/server_config.h"

namespace varve {

struct Setting {
  std::vector<std::string_view>
      keys;  // in a file; the first is the one to use, the others are accepted
  std::string_view environment;
  std::string_view description;  // for people: of what it decides, one line
  // `values` has one entry but for settings that are lists. Errors: kInvalidArgument that says what
  // is allowed.
  Status (*apply)(ServerConfig& config, std::span<const std::string> values);
  // As it stands in a TOML file.
  std::string (*show)(const ServerConfig& config);
  // What separates the values of a list in an environment variable; 0 = there is one value.
  char separator = 0;
};

const std::vector<Setting>& AllSettings();

// Keys below this one are table options: "server.auto_create_table_opts.ttl".
inline constexpr std::string_view kTableOptionsPrefix = "server.auto_create_table_opts.";
inline constexpr std::string_view kOtherTableOptionsPrefix = "analytic.table_opts.";  // CeresDB's

// The setting of that key. Errors: kInvalidArgument that suggests the nearest known key.
Result<const Setting*> FindSetting(std::string_view key);

// A list of strings as it stands in a TOML file.
std::string TomlList(std::span<const std::string> values);

// A string in TOML's basic form, with its quotes.
std::string TomlString(std::string_view text);

}  // namespace varve
