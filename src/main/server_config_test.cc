// Proves: both forms of CeresDB's keys are read, the later place wins, and nothing wrong is
// silently ignored.
#include "main/server_config.h"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "main/configuration_page.h"
#include "main/ignored_settings.h"
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
auto_create_table = false
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
  EXPECT_FALSE(config->auto_create_tables);
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

TEST(ServerConfig, AnEmptyFileIsOneOfDefaults) {
  const TestFolder folder;
  const std::string path = folder.path() + "/varve.toml";
  std::ofstream(path).close();
  EXPECT_EQ(ReadServerConfig(path), ServerConfig());
}

TEST(ServerConfig, ReadsWhatIsBlockedAndHowLongStatementsMayTake) {
  const auto config = ParseServerConfig(R"(
[server]
timeout = "30s"
stop_grace = "1s"
[logger]
slow_query_threshold = "250ms"
slow_query_path = "/log/slow"
[limiter]
write_block_list = ["a", "s.b"]
read_block_list = ["c"]
rules = ["AnyInsert", "QueryRange:24h"]
persist = true
)",
                                        "f");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->session.statement_timeout, std::chrono::seconds(30));
  EXPECT_EQ(config->stop_grace, std::chrono::seconds(1));
  EXPECT_EQ(config->slow_query_threshold, std::chrono::milliseconds(250));
  EXPECT_EQ(config->slow_query_path, "/log/slow");
  EXPECT_EQ(config->blocked,
            (BlockLists{.write = {"a", "s.b"},
                        .read = {"c"},
                        .rules = {{BlockRule::Kind::kAnyInsert},
                                  {BlockRule::Kind::kQueryRange, std::chrono::hours(24)}}}));
  EXPECT_TRUE(config->persist_blocked);
  EXPECT_EQ(ParseServerConfig(ToToml(*config), "shown"), config);
  const auto tables = ParseServerConfig(
      "[[limiter.rules]]\ntype='QueryRange'\ncontent='24h'\n[[limiter.rules]]\ntype='AnyInsert'",
      "f");
  ASSERT_THAT(tables, IsOk());
  EXPECT_EQ(tables->blocked.rules, config->blocked.rules);
  EXPECT_THAT(ParseServerConfig("[limiter]\nrules = ['QueryRange']", "f"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("is not a rule")));
}

TEST(ServerConfig, AFileOfCeresDbIsAccepted) {
  const auto config = ParseServerConfig(R"(
bind_addr = "0.0.0.0"
http_port = 5440
mysql_port = 3307
log_level = "info"
deploy_mode = "Standalone"
[analytic]
wal_path = "/tmp/ceresdb"
sst_meta_cache_cap = 10000
[analytic.storage]
mem_cache_capacity = '1G'
mem_cache_partition_bits = 0
[analytic.storage.object_store]
type = "Local"
data_path = "/tmp/ceresdb"
[analytic.storage.object_store.http]
timeout = "60s"
[[static_route.topology.schema_shards]]
schema = 'public'
auto_create_tables = true
[[static_route.topology.schema_shards.shard_views]]
shard_id = 0
[static_route.topology.schema_shards.shard_views.endpoint]
addr = '127.0.0.1'
port = 8831
[[static_route.topology.schema_shards]]
schema = 'other'
[[static_route.rules.hash_rules]]
schema = 'public'
shards = [0, 1]
[cluster.node]
addr = "10.0.0.1"
port = 8832
)",
                                        "ceresdb.toml");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->file_cache_bytes_max, uint64_t{1} << 30);
  EXPECT_THAT(config->schemas, ElementsAre("public", "other"));
  EXPECT_EQ(config->node_address, "10.0.0.1");
  EXPECT_EQ(config->grpc_port, 8832);
  EXPECT_THAT(
      config->warnings,
      testing::Contains("mysql_port has no effect: this version serves HTTP only").Times(1));
  EXPECT_EQ(config->warnings.size(), 11);
}

TEST(ServerConfig, OtherVariablesAreKnown) {
  const auto config = WithEnvironment({}, Fake({{"HORAEDB_SERVER_ADDR", "10.0.0.7"},
                                                {"ETCD_ADDRS", "x:2379"},
                                                {"VARVE_WRITE_BLOCK_LIST", "a,b"}}));
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->node_address, "10.0.0.7");
  EXPECT_EQ(config->blocked.write, (std::set<std::string>{"a", "b"}));
  EXPECT_THAT(config->warnings, ElementsAre(HasSubstr("ETCD_ADDRS has no effect: ")));
}

TEST(ServerConfig, ThePageIsThatOfTheSettings) {
  std::ifstream file(VARVE_DOCS "/configuration.md");
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), ConfigurationPage())
      << "write it anew: varve server --print-config-docs > docs/configuration.md";
}

TEST(ServerConfig, EverySettingHasItsOwnNames) {
  std::map<std::string_view, int> uses;
  for (const Setting& setting : AllSettings()) {
    EXPECT_TRUE(setting.environment.starts_with("VARVE_"));
    ++uses[setting.environment];
    EXPECT_FALSE(setting.description.empty());
    for (const std::string_view key : setting.keys) {
      EXPECT_EQ(FindIgnoredSetting(key), nullptr) << key;
      ++uses[key];
    }
  }
  for (const auto& [name, count] : uses) {
    EXPECT_EQ(count, 1) << name;
  }
}

}  // namespace
}  // namespace varve
