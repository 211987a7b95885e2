// The scan: it answers as a plain scan with the filters on top would, reads no more blocks than the
// rows need, leaves out replaced and expired rows wherever they lie, and says which file is
// damaged.
#include <gmock/gmock.h>

#include <random>
#include <regex>

#include "base/matchers.h"
#include "query/test_database.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string One(const Result<std::vector<std::string>>& rows) {
  return rows ? (rows->empty() ? "no row" : rows->front()) : rows.error().message;
}

// What EXPLAIN ANALYZE says under that name.
int64_t Explained(TestDatabase& db, const std::string& sql, const std::string& name) {
  const auto rows = db.Rows("EXPLAIN ANALYZE " + sql);
  EXPECT_THAT(rows, IsOk());
  std::string plan;
  for (const std::string& row : *rows) {
    plan += row;
  }
  std::smatch found;
  if (!std::regex_search(plan, found, std::regex(name + "[^0-9]*([0-9]+)"))) {
    ADD_FAILURE() << plan;
    return -1;
  }
  return std::stoll(found[1].str());
}

void Flush(TestDatabase& db) { ASSERT_THAT(db.database().FlushAll(), IsOk()); }

void MakeHosts(TestDatabase& db, int hosts, int rows_each) {
  ASSERT_THAT(db.Rows("CREATE TABLE cpu (ts timestamp NOT NULL, host string TAG, rack int TAG, "
                      "v double, n bigint, words string DICTIONARY, note string, TIMESTAMP KEY(ts))"
                      " WITH(enable_ttl='false', segment_duration='1d')"),
              IsOk());
  ASSERT_THAT(
      db.Rows(fmt::format(
          "INSERT INTO cpu SELECT 1000 * (i // {0}), 'host_' || (i % {0}), (i % {0}) % 7, i / 4.0, "
          "CASE WHEN i % 5 = 0 THEN NULL ELSE i END, CASE WHEN i % 11 = 0 THEN NULL ELSE "
          "'word ' || (i % 3) END, 'a note, longer than twelve: ' || i FROM range({1}) r(i)",
          hosts, hosts * rows_each)),
      IsOk());
}

TEST(Scan, ReadsOnlyTheBlocksOfTheSeriesAndTimes) {
  TestDatabase db;
  MakeHosts(db, 40, 2'000);
  Flush(db);
  const std::string sql =
      "SELECT max(v) FROM cpu WHERE host = 'host_7' AND ts >= 500000 AND ts < 600000";
  EXPECT_EQ(One(db.Rows(sql)), "5991.75");
  EXPECT_EQ(Explained(db, sql, "Rows read"), 100);
  EXPECT_EQ(Explained(db, sql, "Blocks decoded"), 0);
  EXPECT_LE(Explained(db, sql, "Blocks from memory"), 2);
  const std::string other = "SELECT max(n) FROM cpu WHERE host = 'host_7' AND ts < 100000";
  EXPECT_LE(Explained(db, other, "Blocks decoded"), 1);
  // DuckDB makes a join of an IN with many values, and tells the scan about it.
  const std::string many =
      "SELECT count(*) FROM cpu WHERE host IN ('host_1', 'host_2', 'host_3', 'host_4', 'host_5', "
      "'host_6', 'host_7', 'host_8', 'no')";
  EXPECT_EQ(One(db.Rows(many)), "16000");
  EXPECT_EQ(Explained(db, many, "Rows read"), 16'000);
  // Values are fetched for rows that earlier filters leave.
  const std::string none = "SELECT max(note) FROM cpu WHERE v > 1e9";
  EXPECT_EQ(One(db.Rows(none)), "NULL");
  EXPECT_EQ(Explained(db, none, "Blocks decoded"), 0);
  EXPECT_EQ(Explained(db, "SELECT max(v) FROM cpu WHERE host = 'nosuch'", "Rows read"), 0);
}

// A window function keeps filters above it, so that the scan below gives everything.
std::string Plain(const std::string& condition) {
  return "SELECT * FROM (SELECT *, count(*) OVER () AS everything FROM cpu) x WHERE " + condition;
}

class ScanFiltersTest : public testing::TestWithParam<int> {};

TEST_P(ScanFiltersTest, AnswerAsFiltersAboveTheScan) {
  TestDatabase db;
  const int seed = GetParam();
  SCOPED_TRACE(seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  MakeHosts(db, 60, 400);
  Flush(db);
  // Late rows that replace older ones, in another file, and some more in memory.
  for (int round = 0; round < 2; ++round) {
    ASSERT_THAT(db.Rows(fmt::format(
                    "INSERT INTO cpu SELECT 1000 * (i % 400), 'host_' || (i % 60), (i % 60) % 7, "
                    "-i, i, 'late', 'replaced' FROM range({}, {}, 7) r(i)",
                    100 * round, 100 * round + 2'000)),
                IsOk());
    if (round == 0) {
      Flush(db);
    }
  }
  const auto number = [&](int end) {
    return static_cast<int>(random() % static_cast<unsigned>(end));
  };
  const std::vector<std::function<std::string()>> conditions = {
      [&] { return fmt::format("host = 'host_{}'", number(70)); },
      [&] { return fmt::format("host IN ('host_{}', 'host_{}')", number(60), number(60)); },
      [&] { return fmt::format("host LIKE '%{}'", number(10)); },
      [&] { return fmt::format("rack >= {}", number(8)); },
      [&] { return fmt::format("ts >= {} AND ts < {}", 1000 * number(400), 1000 * number(400)); },
      [&] { return fmt::format("ts <> {}", 1000 * number(400)); },
      [&] { return fmt::format("v < {}", number(6'000)); },
      [&] { return std::string("n IS NULL"); },
      [&] { return fmt::format("words = 'word {}'", number(4)); },
      [&] { return std::string("note LIKE '%7'"); }};
  for (int i = 0; i < 40; ++i) {
    std::string condition = conditions[static_cast<size_t>(number(10))]();
    for (int more = number(3); more > 0; --more) {
      condition +=
          (number(4) == 0 ? " OR " : " AND ") + conditions[static_cast<size_t>(number(10))]();
    }
    SCOPED_TRACE(condition);
    const std::string order = " ORDER BY ts, host";
    const std::string columns = "ts, host, rack, v, n, words, note";
    const auto direct = db.Rows("SELECT " + columns + " FROM cpu WHERE " + condition + order);
    const auto plain = db.Rows("SELECT " + columns + " FROM (" + Plain(condition) + ") y" + order);
    ASSERT_THAT(direct, IsOk());
    ASSERT_THAT(plain, IsOk());
    ASSERT_EQ(*direct, *plain);
    ASSERT_EQ(One(db.Rows("SELECT count(*) FROM cpu WHERE " + condition)),
              std::to_string(plain->size()));
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, ScanFiltersTest, testing::Values(1, 2, 3));

TEST(Scan, CountsAreExactWithReplacedRows) {
  TestDatabase db;
  MakeHosts(db, 10, 100);
  Flush(db);
  const std::string count = "SELECT count(*), min(ts), max(ts) FROM cpu";
  const std::string all = "1000\t1970-01-01 00:00:00\t1970-01-01 00:01:39";
  EXPECT_EQ(One(db.Rows(count)), all);
  const std::string late =
      "INSERT INTO cpu (ts, host, rack, v) SELECT 1000 * i, 'host_3', 3, -1 FROM range(50) r(i)";
  for (int round = 0; round < 2; ++round) {
    ASSERT_THAT(db.Rows(late), IsOk());
    EXPECT_EQ(One(db.Rows(count)), all);
    EXPECT_EQ(One(db.Rows("SELECT count(*), sum(v) FROM cpu WHERE host = 'host_3' AND v < 0")),
              "50\t-50");
  }
  Flush(db);
  EXPECT_EQ(One(db.Rows(count)), all);
  EXPECT_EQ(One(db.Rows("SELECT count(v) FROM cpu")), "1000");
}

TEST(Scan, ExpiredRowsAreNeverShown) {
  for (const bool flush : {false, true}) {
    SCOPED_TRACE(flush);
    TestDatabase db;
    ASSERT_THAT(db.Rows("CREATE TABLE e (ts timestamp NOT NULL, k string TAG, v bigint, "
                        "TIMESTAMP KEY(ts)) WITH(enable_ttl='false', segment_duration='30d')"),
                IsOk());
    ASSERT_THAT(
        db.Rows("INSERT INTO e SELECT (now()::timestamp - to_minutes(60 * i + 30))::timestamp"
                ", 'k' || (i % 2), i FROM range(96) r(i)"),
        IsOk());
    if (flush) {
      Flush(db);
    }
    EXPECT_EQ(One(db.Rows("SELECT count(*) FROM e")), "96");
    ASSERT_THAT(db.Rows("ALTER TABLE e MODIFY SETTING enable_ttl='true'"), IsOk());
    ASSERT_THAT(db.Rows("ALTER TABLE e MODIFY SETTING ttl='2d'"), IsOk());
    EXPECT_EQ(One(db.Rows("SELECT count(*) FROM e")), "48");
    EXPECT_EQ(One(db.Rows("SELECT max(v), count(*), min(ts) > now()::timestamp - INTERVAL 2 DAYS "
                          "FROM e")),
              "47\t48\ttrue");
    EXPECT_EQ(One(db.Rows("SELECT count(*), max(v) FROM e WHERE k = 'k1'")), "24\t47");
    EXPECT_EQ(One(db.Rows("SELECT count(*) FROM e WHERE v >= 40")), "8");
  }
}

TEST(Scan, ADamagedFileFailsTheQueriesThatNeedItOnly) {
  TestDatabase db;
  MakeHosts(db, 5, 100);
  ASSERT_THAT(db.Rows("INSERT INTO cpu (ts, host, v) SELECT 86400000 * 3 + i, 'host_1', i "
                      "FROM range(500) r(i)"),
              IsOk());
  Flush(db);
  const auto view = db.database().FindTable("public", "cpu").value()->View().value();
  ASSERT_EQ(view.version->files.size(), 2u);
  ObjectStore& store = db.database().store();
  std::string path;
  for (const auto& [id, file] : view.version->files) {
    if (file.time_min > TimestampUs(1'000'000'000)) {
      path = file.path;
      std::string bytes = *store.Get(path);
      std::fill(bytes.begin() + 4, bytes.begin() + static_cast<long>(bytes.size() / 2), 'x');
      ASSERT_THAT(store.Put(path, bytes), IsOk());
    }
  }
  db.Restart();
  EXPECT_EQ(One(db.Rows("SELECT sum(v) FROM cpu WHERE ts < 86400000")), "31187.5");
  EXPECT_THAT(db.Rows("SELECT sum(v) FROM cpu"), IsError(ErrorKind::kCorruption, HasSubstr(path)));
  EXPECT_THAT(db.Rows("SELECT max(v) FROM cpu WHERE host = 'host_1'"),
              IsError(ErrorKind::kCorruption, HasSubstr(path)));
  EXPECT_EQ(One(db.Rows("SELECT sum(v) FROM cpu WHERE ts < 86400000")), "31187.5");
}

TEST(Scan, ThreadsShareAFile) {
  TestDatabase db;
  MakeHosts(db, 200, 2'000);
  Flush(db);
  EXPECT_EQ(One(db.Rows("SELECT count(v), sum(v), count(DISTINCT host), count(n), count(words) "
                        "FROM cpu")),
            "400000\t19999950000\t200\t320000\t363636");
  // The order of a file's rows is kept.
  const auto rows = db.Rows("SELECT host FROM cpu LIMIT 3");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->size(), 3u);
}

}  // namespace
}  // namespace varve
