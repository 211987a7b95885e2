#include "main/configuration_page.h"

#include <map>
#include <vector>

#include "main/ignored_settings.h"
#include "main/server_config.h"
#include "main/server_settings.h"

namespace varve {
namespace {

constexpr std::string_view kIntroduction =
    R"(# Configuration

Settings come from the defaults, a TOML file (`varve server --config FILE`), environment variables
and the command line; the later wins. `varve server --config FILE --check-config` prints what they
come to without serving anything, and `GET /debug/config` of a running server what it uses. An
empty file is a file of defaults; an unknown key is an error that suggests the nearest one.

```
[server]
bind_addr = "0.0.0.0"
http_port = 5440

[analytic.storage.object_store]
data_dir = "/var/lib/varve"
```

Sizes are numbers with B, K, M, G or T (powers of 1024), durations are like `500ms`, `5s`,
`1h30m`. Lists in environment variables are separated by commas, folders by colons. This page is
printed by `varve server --print-config-docs`.

)";

constexpr std::string_view kTables = R"(## Tables that schemaless writes make

`[server.auto_create_table_opts]` (CeresDB: `[analytic.table_opts]`) takes every option of `CREATE
TABLE … WITH`, such as `ttl = "30d"`. Without it, such tables have `enable_ttl = false`.

## Without effect

These keys of CeresDB and HoraeDB are accepted, so that a file of theirs can be used as it is; the
log says of each that is there why it has no effect.

| key | why |
|---|---|
)";

std::string Code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", text);
}

// What depends on the machine is not shown as if it were the same everywhere.
std::string DefaultOf(const Setting& setting) {
  if (setting.keys.front() == "analytic.compaction.max_ongoing_tasks") {
    return "a quarter of the cores";
  }
  return Code(setting.show(ServerConfig()));
}

std::string Row(const Setting& setting) {
  std::string also;
  for (size_t i = 1; i < setting.keys.size(); ++i) {
    also += (i == 1 ? "; also " : ", ") + Code(setting.keys[i]);
  }
  return fmt::format("| {} | {} | {} | {}{} |\n", Code(setting.keys.front()), DefaultOf(setting),
                     Code(setting.environment), setting.description, also);
}

}  // namespace

std::string ConfigurationPage() {
  std::map<std::string, std::string> sections;
  for (const Setting& setting : AllSettings()) {
    const std::string_view key = setting.keys.front();
    sections[std::string(key.substr(0, key.find('.')))] += Row(setting);
  }
  std::string page(kIntroduction);
  for (const auto& [section, rows] : sections) {
    page += fmt::format("## {}\n\n| key | default | environment | what |\n|---|---|---|---|\n{}\n",
                        section, rows);
  }
  page += kTables;
  for (const IgnoredSetting& ignored : IgnoredSettings()) {
    page += fmt::format("| `{}` | {} |\n", ignored.key, ignored.reason);
  }
  page +=
      "\nEnvironment variables: `CERESDB_SERVER_ADDR` and `HORAEDB_SERVER_ADDR` are `node.addr`;\n";
  for (const IgnoredSetting& ignored : IgnoredVariables()) {
    page += fmt::format("`{}` has no effect ({}).\n", ignored.key, ignored.reason);
  }
  return page;
}

}  // namespace varve
