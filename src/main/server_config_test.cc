// Proves: both forms of CeresDB's keys are read, the later place wins, and nothing wrong is
// silently ignored.
#include "main/server_config.h"

#include <gmock/gmock.h>

#include <map>

#include "base/matchers.h"
#include "main/server_settings.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Environment Fake(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(ServerConfig, ReadsTheSectionedForm) {
  const auto config = ParseServerConfig(R"(
[server]
bind_addr = "0.0.0.0"
http_port = 0
http_max_body_size = "8MB"
[server.default_schema_config]
default_timestamp_column_name = "ts"
[server.auto_create_table_opts]
enable_ttl = true
ttl = "30d"
[logger]
level = "debug"
[analytic]
db_write_buffer_size = "512MB"
[analytic.storage.object_store]
type = "Local"
data_dir = "/var/lib/varve"
[analytic.wal]
type = "RocksDB"
data_dir = "/fast/wal"
sync = false
[copy]
allowed_folders = ["/srv/in", "/srv/more"]
)",
                                        "varve.toml");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->bind_address, "0.0.0.0");
  EXPECT_EQ(config->http_port, 0);
  EXPECT_EQ(config->http_body_bytes_max, 8u << 20);
  EXPECT_EQ(config->auto_timestamp_column, "ts");
  EXPECT_TRUE(config->auto_table_options.enable_ttl);
  EXPECT_EQ(config->auto_table_options.ttl, std::chrono::days(30));
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
  EXPECT_EQ(config->write_memory_bytes_max, 512u << 20);
  EXPECT_EQ(config->data_folder, "/var/lib/varve");
  EXPECT_EQ(config->wal_folder, "/fast/wal");
  EXPECT_FALSE(config->wal_sync);
  EXPECT_THAT(config->copy_allowed_folders, ElementsAre("/srv/in", "/srv/more"));
}

TEST(ServerConfig, ReadsTheFlatForm) {
  const auto config = ParseServerConfig(
      "bind_addr = '::1'\nhttp_port = 5000\nlog_level = 'warn'\n[analytic]\nwal_path = '/w'\n"
      "[analytic.storage]\ntype = 'Local'\ndata_path = '/d'\n",
      "old.toml");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->bind_address, "::1");
  EXPECT_EQ(config->http_port, 5000);
  EXPECT_EQ(config->log_level, LogLevel::kWarn);
  EXPECT_EQ(config->wal_folder, "/w");
  EXPECT_EQ(config->data_folder, "/d");
}

TEST(ServerConfig, SaysWhereAndWhatIsWrong) {
  const auto error = [](std::string_view toml) {
    const auto config = ParseServerConfig(toml, "varve.toml");
    return config ? std::string("no error") : config.error().message;
  };
  EXPECT_EQ(error("[server]\nhttp_prot = 1\n"),
            "varve.toml:2: server.http_prot: unknown key 'server.http_prot'; did you mean "
            "'server.http_port'?");
  EXPECT_THAT(error("wal_path = '/w'"), HasSubstr("did you mean 'analytic.wal_path'?"));
  EXPECT_THAT(error("something_else_entirely = 1"), HasSubstr("unknown key"));
  EXPECT_THAT(error("[server]\nhttp_port = 70000"), HasSubstr("varve.toml:2: server.http_port"));
  EXPECT_THAT(error("[server]\nhttp_port = [1, 2]"), HasSubstr("one value"));
  EXPECT_THAT(error("[server]\nhttp_port = 2020-01-01"), HasSubstr("a string, a number"));
  EXPECT_THAT(error("[server\n"), HasSubstr("varve.toml:1:"));
  EXPECT_THAT(error("[analytic.wal]\ntype = 'Kafka'"), HasSubstr("only 'RocksDB'"));
  EXPECT_THAT(error("[analytic.wal]\nsync = 'maybe'"), HasSubstr("neither true nor false"));
  EXPECT_THAT(error("[copy]\nallowed_folders = ['here']"), HasSubstr("not an absolute path"));
  EXPECT_THAT(error("[server.auto_create_table_opts]\nttk = '1d'"), HasSubstr("no table option"));
  EXPECT_THAT(error("[server.auto_create_table_opts]\nttl = 'soon'"), HasSubstr("soon"));
  EXPECT_THAT(error("[analytic]\ndb_write_buffer_size = '1K'"), HasSubstr("is not from"));
}

TEST(ServerConfig, AMissingFileIsNamed) {
  EXPECT_THAT(ReadServerConfig("/no/such/varve.toml"),
              IsError(ErrorKind::kNotFound, HasSubstr("/no/such/varve.toml")));
}

TEST(ServerConfig, TheEnvironmentGoesOverTheFileAndTheCommandLineOverBoth) {
  auto config = ParseServerConfig("http_port = 1\nbind_addr = '10.0.0.1'", "f");
  ASSERT_THAT(config, IsOk());
  config = WithEnvironment(
      *config, Fake({{"VARVE_HTTP_PORT", "2"}, {"VARVE_COPY_ALLOWED_FOLDERS", "/a:/b"}}));
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->http_port, 2);
  EXPECT_EQ(config->bind_address, "10.0.0.1");
  EXPECT_THAT(config->copy_allowed_folders, ElementsAre("/a", "/b"));
  config = WithSetting(*config, "server.http_port", "off");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->http_port, std::nullopt);
}

TEST(ServerConfig, AWrongVariableIsNamed) {
  EXPECT_THAT(WithEnvironment({}, Fake({{"VARVE_HTTP_PORT", "http"}})),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("VARVE_HTTP_PORT")));
}

TEST(ServerConfig, WhatIsShownReadsBackToTheSame) {
  ServerConfig config;
  config.data_folder = "/with \"quotes\" and \\ and \x01";
  config.http_port = std::nullopt;
  config.copy_allowed_folders = {"/a b", "/c"};
  config.auto_table_options.segment_duration = std::chrono::hours(2);
  config.log_level = LogLevel::kError;
  EXPECT_EQ(ParseServerConfig(ToToml(config), "shown"), config);
  EXPECT_EQ(ParseServerConfig(ToToml({}), "shown"), ServerConfig());
}

TEST(ServerConfig, EverySettingHasItsOwnNames) {
  std::map<std::string_view, int> uses;
  for (const Setting& setting : AllSettings()) {
    EXPECT_TRUE(setting.environment.starts_with("VARVE_"));
    ++uses[setting.environment];
    for (const std::string_view key : setting.keys) {
      ++uses[key];
    }
  }
  for (const auto& [name, count] : uses) {
    EXPECT_EQ(count, 1) << name;
  }
}

}  // namespace
}  // namespace varve
