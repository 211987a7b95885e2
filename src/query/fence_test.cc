// The fence: from no place in any statement can a client reach the server's files, network,
// environment, settings or extensions, whatever the statement says. What must not happen: the
// planted file's text in an answer, a change to the planted file, a file that was not there.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "query/test_database.h"

namespace varve {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSecret = "planted-secret-7421";

class Fence : public testing::Test {
 protected:
  Fence() {
    Plant("secret.csv", fmt::format("a,b\n{},2\n", kSecret));
    Plant("secret.json", fmt::format(R"({{"a": "{}"}})", kSecret));
    Plant("secret.sql", fmt::format("SELECT '{}'", kSecret));
    EXPECT_THAT(
        database_.Rows("CREATE TABLE t (ts timestamp NOT NULL, s string, TIMESTAMP KEY(ts)) "
                       "WITH(enable_ttl='false')"),
        IsOk());
    EXPECT_THAT(database_.Rows("INSERT INTO t (ts, s) VALUES (1, 'x')"), IsOk());
    EXPECT_THAT(database_.database().FlushAll(), IsOk());
    before_ = Snapshot();
  }

  // Nothing was read, written or changed.
  void TearDown() override { EXPECT_EQ(Snapshot(), before_); }

  void Plant(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
  }
  std::string Path(const std::string& name) const {
    return (std::filesystem::path(folder_.path()) / name).string();
  }

  std::map<std::string, std::string> Snapshot() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      files[entry.path().string()] = text.str();
    }
    return files;
  }

  // The statement fails, or its answer holds nothing of the file.
  void ExpectHarmless(const std::string& sql) {
    SCOPED_TRACE(sql);
    const auto rows = database_.Rows(sql);
    if (!rows) {
      EXPECT_THAT(rows.error().message, Not(HasSubstr(std::string(kSecret))));
      EXPECT_NE(rows.error().kind, ErrorKind::kInternal) << rows.error().message;
      return;
    }
    for (const std::string& row : *rows) {
      EXPECT_THAT(row, Not(HasSubstr(std::string(kSecret))));
    }
  }

  void ExpectRefused(const std::string& sql) {
    SCOPED_TRACE(sql);
    EXPECT_FALSE(database_.Rows(sql)) << "it ran";
    ExpectHarmless(sql);
  }

  // Calls of table functions that reach outside, or tell of it.
  std::vector<std::string> OutsideCalls() const {
    const std::string csv = "'" + Path("secret.csv") + "'";
    return {
        "read_csv(" + csv + ")",
        "read_csv_auto(" + csv + ")",
        "read_text(" + csv + ")",
        "read_blob(" + csv + ")",
        "read_json('" + Path("secret.json") + "')",
        "read_json_auto('" + Path("secret.json") + "')",
        "read_json_objects('" + Path("secret.json") + "')",
        "read_ndjson('" + Path("secret.json") + "')",
        "read_ndjson_objects('" + Path("secret.json") + "')",
        "read_parquet(" + csv + ")",
        "parquet_scan(" + csv + ")",
        "parquet_metadata(" + csv + ")",
        "parquet_schema(" + csv + ")",
        "parquet_file_metadata(" + csv + ")",
        "parquet_full_metadata(" + csv + ")",
        "parquet_kv_metadata(" + csv + ")",
        "parquet_bloom_probe(" + csv + ", 'a', 1)",
        "sniff_csv(" + csv + ")",
        "glob('" + folder_.path() + "/*')",
        "read_duckdb(" + csv + ")",
        "query('SELECT 1')",
        "query_table('t')",
        "json_execute_serialized_sql('{}')",
        "duckdb_settings()",
        "duckdb_secrets()",
        "which_secret('s3://x', 's3')",
        "duckdb_extensions()",
        "duckdb_logs()",
        "duckdb_variables()",
        "duckdb_temporary_files()",
        "duckdb_memory()",
        "duckdb_external_file_cache()",
        "duckdb_optimizers()",
        "pragma_version()",
        "pragma_platform()",
        "pragma_user_agent()",
        "pragma_database_size()",
        "pragma_storage_info('t')",
        "enable_logging()",
        "enable_profiling()",
        "checkpoint()",
        "force_checkpoint()",
        "truncate_duckdb_logs()",
        "sql_auto_complete('SEL')",
        "arrow_scan(0, 0, 0)",
        "seq_scan()",
        "test_all_types()",
    };
  }

  std::vector<std::string> OtherStatements() const {
    const std::string out = "'" + Path("out") + "'";
    return {
        "COPY (SELECT 1) TO " + out,
        "COPY t TO " + out,
        "COPY t TO " + out + " (FORMAT parquet)",
        "COPY t FROM '" + Path("secret.csv") + "'",
        "COPY t FROM '" + Path("secret.csv") + "' (FORMAT csv)",
        "COPY t FROM PROGRAM 'cat /etc/passwd'",
        "COPY FROM DATABASE varve TO memory",
        "ATTACH " + out,
        "ATTACH " + out + " AS x (TYPE duckdb)",
        "ATTACH '' AS x (TYPE varve)",
        "DETACH varve",
        "INSTALL httpfs",
        "FORCE INSTALL httpfs",
        "LOAD httpfs",
        "LOAD " + out,
        "UPDATE EXTENSIONS",
        "SET threads = 1",
        "SET GLOBAL enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_directories = ['/']",
        "SET VARIABLE x = 1",
        "RESET threads",
        "RESET lock_configuration",
        "PRAGMA version",
        "PRAGMA database_list",
        "PRAGMA enable_profiling",
        "PRAGMA import_database(" + out + ")",
        "PRAGMA threads = 4",
        "EXPORT DATABASE " + out,
        "IMPORT DATABASE " + out,
        "CALL pragma_version()",
        "CALL duckdb_settings()",
        "CREATE SECRET s (TYPE s3)",
        "CREATE MACRO m(x) AS x",
        "CREATE FUNCTION f() AS TABLE FROM read_csv(" + out + ")",
        "CREATE VIEW v AS SELECT * FROM read_csv(" + out + ")",
        "CREATE TABLE memory.main.x (i int)",
        "CREATE TEMP TABLE x (i int)",
        "CREATE TABLE x AS SELECT 1",
        "CREATE SEQUENCE s",
        "CREATE TYPE e AS ENUM ('a')",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "CHECKPOINT",
        "VACUUM",
        "ANALYZE",
        "UPDATE t SET s = 'y'",
        "LOAD_FILE('" + Path("secret.sql") + "')",
        ".read " + Path("secret.sql"),
        "EXPLAIN COPY (SELECT 1) TO " + out,
        "EXPLAIN ANALYZE COPY (SELECT 1) TO " + out,
        "EXPLAIN ATTACH " + out,
        "EXPLAIN ANALYZE CREATE TABLE memory.main.x AS SELECT 1",
        "EXPLAIN ANALYZE SET threads = 1",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM read_csv(" + out + ")",
        "SELECT 1; COPY (SELECT 1) TO " + out,
        "SELECT 1 INTO OUTFILE " + out,
        "SELECT * FROM (COPY (SELECT 1) TO " + out + ")",
        "INSERT INTO t COPY (SELECT 1) TO " + out,
        "WITH x AS (COPY (SELECT 1) TO " + out + ") SELECT 1",
        "WITH x AS (INSERT INTO t VALUES (2, 'y') RETURNING *) SELECT * FROM x",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
    };
  }

  TestFolder folder_;
  TestDatabase database_;
  std::map<std::string, std::string> before_;
};

TEST_F(Fence, TableFunctionsThatReachOutsideAreGoneFromEveryPlace) {
  for (const std::string& call : OutsideCalls()) {
    ExpectRefused("SELECT * FROM " + call);
    ExpectRefused("FROM " + call);
    ExpectRefused("SELECT * FROM (SELECT * FROM " + call + ") x");
    ExpectRefused("WITH x AS (SELECT * FROM " + call + ") SELECT * FROM x");
    ExpectRefused("SELECT (SELECT count(*) FROM " + call + ")");
    ExpectRefused("SELECT * FROM t WHERE EXISTS (SELECT * FROM " + call + ")");
    ExpectRefused("SELECT * FROM t, LATERAL (SELECT * FROM " + call + ") x");
    ExpectRefused("SELECT s FROM t UNION ALL SELECT s FROM " + call);
    ExpectRefused("INSERT INTO t (ts, s) SELECT 1, 'x' FROM " + call);
    ExpectRefused("INSERT INTO t (ts, s) VALUES (1, (SELECT 'x' FROM " + call + "))");
    ExpectRefused("CREATE TABLE d (ts timestamp NOT NULL, s string DEFAULT (SELECT 'x' FROM " +
                  call + "), TIMESTAMP KEY(ts))");
    ExpectRefused("EXPLAIN SELECT * FROM " + call);
    ExpectRefused("EXPLAIN ANALYZE SELECT * FROM " + call);
    ExpectRefused("SELECT * FROM system.main." + call);
    ExpectRefused("DESCRIBE SELECT * FROM " + call);
    ExpectRefused("SELECT * FROM (DESCRIBE SELECT * FROM " + call + ")");
    ExpectRefused("SELECT * FROM (SUMMARIZE SELECT * FROM " + call + ")");
    ExpectRefused("PIVOT " + call + " ON a USING count(*)");
  }
}

TEST_F(Fence, FilesAreNoTables) {
  for (const std::string name : {"secret.csv", "secret.json", "secret.sql"}) {
    const std::string path = Path(name);
    ExpectRefused("SELECT * FROM '" + path + "'");
    ExpectRefused("SELECT * FROM \"" + path + "\"");
    ExpectRefused("SELECT * FROM `" + path + "`");
    ExpectRefused("SELECT * FROM ['" + path + "']");
    ExpectRefused("WITH x AS (FROM '" + path + "') SELECT * FROM x");
    ExpectRefused("INSERT INTO t SELECT * FROM '" + path + "'");
    ExpectRefused("INSERT INTO '" + path + "' VALUES (1)");
    ExpectRefused("DESCRIBE '" + path + "'");
    ExpectRefused("SUMMARIZE '" + path + "'");
  }
  ExpectRefused("SELECT * FROM 's3://bucket/x.parquet'");
  ExpectRefused("SELECT * FROM 'https://example.com/x.csv'");
}

TEST_F(Fence, OtherStatementsNeverReachDuckDb) {
  for (const std::string& sql : OtherStatements()) {
    ExpectRefused(sql);
  }
  const auto rows = database_.Rows("SELECT count(*) FROM t");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(*rows, std::vector<std::string>{"1"});
}

TEST_F(Fence, FunctionsThatTellOfTheServerAreGone) {
  for (const std::string& call : std::vector<std::string>{
           "getenv('HOME')", "current_setting('memory_limit')", "getvariable('x')", "nextval('s')",
           "currval('s')", "write_log('x')", "json_serialize_sql('SELECT 1')",
           "json_serialize_plan('SELECT 1')", "json_deserialize_sql('{}')", "sleep_ms(1)",
           "pg_sleep(1)", "read_text('x')", "get_block_size('memory')", "txid_current()",
           "__internal_read_file('x')"}) {
    ExpectRefused("SELECT " + call);
    ExpectRefused("SELECT * FROM t WHERE " + call + " IS NOT NULL");
    ExpectRefused("INSERT INTO t (ts, s) VALUES (1, " + call + ")");
    ExpectRefused("CREATE TABLE d (ts timestamp NOT NULL, s string DEFAULT " + call +
                  ", TIMESTAMP KEY(ts))");
  }
}

// What is left is what was looked at: a new DuckDB with new table functions fails here first.
TEST_F(Fence, OnlyKnownTableFunctionsAreLeft) {
  const auto rows = database_.Rows(
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('table', "
      "'table_macro', 'pragma') ORDER BY 1");
  ASSERT_THAT(rows, IsOk());
  EXPECT_THAT(*rows,
              testing::ElementsAre(
                  "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_dependencies",
                  "duckdb_functions", "duckdb_indexes", "duckdb_keywords", "duckdb_schemas",
                  "duckdb_sequences", "duckdb_tables", "duckdb_types", "duckdb_views",
                  "generate_series", "histogram", "histogram_values", "icu_calendar_names",
                  "pg_timezone_names", "range", "repeat", "repeat_row", "table_changes", "unnest",
                  "varve_columns", "varve_consumers", "varve_dropped_tables", "varve_exports",
                  "varve_files", "varve_imports", "varve_manifests", "varve_options",
                  "varve_savepoints", "varve_schemas", "varve_snapshots", "varve_tables"));
}

// Nothing says where files are: not a column, not a plan, not the catalogue, not an error.
TEST_F(Fence, PlacesOfFilesAreNotTold) {
  for (const std::string& sql :
       std::vector<std::string>{"SELECT filename FROM t", "SELECT file_row_number FROM t",
                                "SELECT file_index FROM t", "SELECT rowid FROM t"}) {
    ExpectRefused(sql);
  }
  for (const std::string& sql : std::vector<std::string>{
           "EXPLAIN SELECT * FROM t", "EXPLAIN VERBOSE SELECT * FROM t WHERE ts > 0",
           "EXPLAIN ANALYZE SELECT * FROM t", "SELECT * FROM duckdb_databases()",
           "SELECT * FROM duckdb_tables()", "SELECT * FROM duckdb_views()",
           "SELECT * FROM pragma_database_list", "SELECT CAST(s AS int) FROM t"}) {
    SCOPED_TRACE(sql);
    const auto rows = database_.Rows(sql);
    const std::string text =
        rows ? fmt::format("{}", fmt::join(*rows, "\n")) : rows.error().message;
    EXPECT_THAT(text, Not(HasSubstr("varve-")));
    EXPECT_THAT(text, Not(HasSubstr(".parquet")));
    EXPECT_THAT(text, Not(HasSubstr("tables/")));
  }
}

}  // namespace
}  // namespace varve
