// What SQL files cannot say: views that stay, rows that stream, queries that are cancelled, limits,
// files of others.

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include <atomic>
#include <duckdb.hpp>
#include <latch>
#include <thread>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "meta/table_log.h"
#include "query/test_database.h"
#include "sst/deletion_vector.h"

namespace varve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kCreate =
    "CREATE TABLE t (ts timestamp NOT NULL, k string TAG, v bigint, TIMESTAMP KEY(ts)) "
    "WITH(enable_ttl='false')";

std::string InsertRange(int64_t first, int64_t count) {
  return fmt::format(
      "INSERT INTO t (ts, k, v) SELECT i, 'k' || (i % 10), i FROM range({}, {}) r(i)", first,
      first + count);
}

std::string One(const Result<std::vector<std::string>>& rows) {
  return rows ? (rows->empty() ? "no row" : rows->front()) : rows.error().message;
}

Result<std::unique_ptr<ResultStream>> Stream(Session& session, std::string_view sql) {
  VARVE_ASSIGN(QueryResult result, session.Execute(sql));
  return std::move(std::get<std::unique_ptr<ResultStream>>(result));
}

TEST(Query, HidesDeletedRowsOfFiles) {
  TestDatabase db;
  ASSERT_THAT(db.Rows(kCreate), IsOk());
  ASSERT_THAT(db.Rows("INSERT INTO t (ts, k, v) SELECT i, 'one', i FROM range(5000) r(i)"), IsOk());
  ASSERT_THAT(db.database().FlushAll(), IsOk());
  const auto table = db.database().FindTable("public", "t").value();
  const FileMeta file = table->View().value().version->files.begin()->second;
  // Rows are sorted by time within the one series, so a row's position is its value.
  std::vector<uint64_t> deleted;
  for (uint64_t row = 0; row < 5000; row += 2) {
    deleted.push_back(row);
  }
  auto& store = db.database().store();
  const auto meta = WriteDeletionVector(store, TableLog::Folder(table->uuid()) + "/deletes/1",
                                        DeletionVector::FromRows(deleted));
  ASSERT_THAT(meta, IsOk());
  SystemClock clock;
  const auto log = TableLog::Open(store, clock, table->uuid());
  ASSERT_THAT(log, IsOk());
  ASSERT_THAT((*log)->Commit({.kind = EditKind::kDelete, .deletion_vectors = {{file.id, *meta}}}),
              IsOk());
  db.Restart();
  EXPECT_EQ(One(db.Rows("SELECT count(*) FROM t")), "2500");
  EXPECT_EQ(One(db.Rows("SELECT count(*), min(v), max(v), sum(v) FROM t")),
            "2500\t1\t4999\t6250000");
  EXPECT_EQ(One(db.Rows("SELECT min(ts) FROM t")), "1970-01-01 00:00:00.001000");
  EXPECT_EQ(One(db.Rows("SELECT count(*) FROM t WHERE v < 100 AND k = 'one'")), "50");
  EXPECT_EQ(One(db.Rows("SELECT count(*) FROM t WHERE ts < 100")), "50");
  EXPECT_THAT(db.Rows("SELECT v FROM t WHERE v IN (10, 11, 12, 4998, 4999) ORDER BY v").value(),
              ElementsAre("11", "4999"));
}

// All references of a statement see one state, however much is written and flushed meanwhile.
TEST(Query, AStatementSeesOneState) {
  TestDatabase db;
  ASSERT_THAT(db.Rows(kCreate), IsOk());
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    auto session = db.engine().NewSession({}).value();
    for (int64_t i = 0; !stop; ++i) {
      ASSERT_THAT(session->Execute(InsertRange(i * 10, 10)), IsOk());
      if (i % 7 == 0) {
        ASSERT_THAT(db.database().FlushAll(), IsOk());
      }
    }
  });
  for (int i = 0; i < 30; ++i) {
    const auto rows = db.Rows(
        "SELECT (SELECT count(*) FROM t) = (SELECT count(v) FROM t) AND (SELECT count(*) FROM t) = "
        "(SELECT count(*) FROM t a JOIN t b ON a.ts = b.ts AND a.k = b.k)");
    EXPECT_EQ(One(rows), "true");
  }
  stop = true;
  writer.join();
}

TEST(Query, RowsStreamAndAStreamCanBeLeft) {
  TestDatabase db;
  ASSERT_THAT(db.Rows(kCreate), IsOk());
  ASSERT_THAT(db.Rows(InsertRange(0, 50'000)), IsOk());
  const std::weak_ptr<const Version> version =
      db.database().FindTable("public", "t").value()->View().value().version;
  auto stream = Stream(db.session(), "SELECT * FROM t a, range(1000)");
  ASSERT_THAT(stream, IsOk());
  const auto batch = (*stream)->Next();
  ASSERT_THAT(batch, IsOk());
  EXPECT_GT((*batch)->num_rows(), 0);
  ASSERT_THAT(db.database().FlushAll(), IsOk());
  EXPECT_FALSE(version.expired());  // the stream reads it
  stream->reset();
  EXPECT_TRUE(version.expired());
  EXPECT_EQ(One(db.Rows("SELECT count(*) FROM t")), "50000");
}

TEST(Query, CancelEndsARunningQueryOnly) {
  TestDatabase db;
  db.session().Cancel();
  EXPECT_EQ(One(db.Rows("SELECT 1")), "1");
  std::latch started(1);
  std::atomic<bool> ended = false;
  std::thread canceller([&] {
    started.wait();
    while (!ended) {
      db.session().Cancel();
      std::this_thread::yield();
    }
  });
  started.count_down();
  const auto rows = db.Rows("SELECT count(*) FROM range(100000000000) a WHERE a.range % 7 = 3");
  ended = true;
  canceller.join();
  EXPECT_THAT(rows, IsError(ErrorKind::kCancelled));
  EXPECT_EQ(One(db.Rows("SELECT 1")), "1");
}

TEST(Query, RunningOutOfMemoryIsSaidSo) {
  TestDatabase db;
  auto engine = QueryEngine::Open({.database = &db.database(), .memory_bytes_max = 16 << 20});
  ASSERT_THAT(engine, IsOk());
  const auto session = (*engine)->NewSession({}).value();
  auto stream =
      Stream(*session, "SELECT a.range, hash(a.range) h FROM range(10000000) a ORDER BY h");
  const auto rows = stream ? RowTexts(**stream)
                           : Result<std::vector<std::string>>(std::unexpected(stream.error()));
  EXPECT_THAT(rows, IsError(ErrorKind::kResourceExhausted));
}

TEST(Query, ColumnsKeepNamesAndTypes) {
  TestDatabase db;
  ASSERT_THAT(
      db.Rows("CREATE TABLE t (ts timestamp NOT NULL, a uint8, A uint32, TIMESTAMP KEY(ts))"),
      IsOk());
  const auto stream = Stream(db.session(), "SELECT ts, tsid, a, A, max(A) OVER (), ts > 5 FROM t");
  ASSERT_THAT(stream, IsOk());
  const auto schema = (*stream)->schema();
  EXPECT_THAT(schema->field_names(),
              ElementsAre("ts", "tsid", "a", "A", "max(A) OVER ()", "(ts > 5)"));
  EXPECT_EQ(schema->field(0)->type()->ToString(), "timestamp[us]");
  EXPECT_EQ(schema->field(1)->type()->ToString(), "uint64");
  EXPECT_EQ(schema->field(2)->type()->ToString(), "uint8");
  EXPECT_EQ(schema->field(3)->type()->ToString(), "uint32");
}

TEST(Query, CopiesParquet) {
  TestFolder folder;
  const std::string path = folder.path() + "/rows.parquet";
  {
    duckdb::DuckDB writer(nullptr);
    duckdb::Connection connection(writer);
    const auto made = connection.Query(
        "COPY (SELECT make_timestamp_ms(i) AS ts, 'k' || (i % 3) AS k, i::INTEGER AS v, 'x' AS "
        "other "
        "FROM range(250000) r(i)) TO '" +
        path + "' (FORMAT parquet)");
    ASSERT_FALSE(made->HasError()) << made->GetError();
  }
  TestDatabase db(CopyPolicy{.allowed_folders = {folder.path()}});
  ASSERT_THAT(db.Rows(kCreate), IsOk());
  EXPECT_THAT(db.Rows("COPY t FROM '" + path + "'"),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("other")));
  EXPECT_EQ(One(db.Rows("COPY t (ts, k, v) FROM '" + path + "'")), "affected 250000");
  EXPECT_EQ(One(db.Rows("SELECT count(*), sum(v), max(ts) FROM t WHERE k IN ('k0', 'k1', 'k2')")),
            "250000\t31249875000\t1970-01-01 00:04:09.999000");
}

TEST(Query, CancelEndsACopyToo) {
  TestFolder folder;
  const std::string path = folder.path() + "/rows.parquet";
  {
    duckdb::DuckDB writer(nullptr);
    duckdb::Connection connection(writer);
    const auto made = connection.Query(
        "COPY (SELECT make_timestamp_ms(i) AS ts, i AS v FROM range(3000000) r(i)) TO '" + path +
        "'" + " (FORMAT parquet)");
    ASSERT_FALSE(made->HasError()) << made->GetError();
  }
  TestDatabase db(CopyPolicy{.allowed_folders = {folder.path()}});
  ASSERT_THAT(db.Rows(kCreate), IsOk());
  std::atomic<bool> ended = false;
  std::thread canceller([&] {
    while (!ended) {
      db.session().Cancel();
      std::this_thread::yield();
    }
  });
  const auto rows = db.Rows("COPY t FROM '" + path + "'");
  ended = true;
  canceller.join();
  EXPECT_THAT(rows, IsError(ErrorKind::kCancelled));
  EXPECT_EQ(One(db.Rows("SELECT 1")), "1");
}

// Sessions of several threads over one engine, while rows come in and go to files.
TEST(Query, SessionsRunSideBySide) {
  TestDatabase db;
  ASSERT_THAT(db.Rows(kCreate), IsOk());
  ASSERT_THAT(db.Rows(InsertRange(0, 1000)), IsOk());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      auto session = db.engine().NewSession({}).value();
      for (int i = 0; i < 50; ++i) {
        auto stream = Stream(*session, "SELECT count(*) FROM t WHERE ts < 1000 AND k = 'k3'");
        ASSERT_THAT(stream, IsOk());
        EXPECT_EQ(One(RowTexts(**stream)), "100");
        stream->reset();
        if (thread == 0 && i % 10 == 0) {
          ASSERT_THAT(session->Execute(InsertRange(10'000 + i * 100, 100)), IsOk());
          ASSERT_THAT(db.database().FlushAll(), IsOk());
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(Query, TablesOfPointsAreThereAtOnce) {
  TestDatabase db;
  PointBatch points{.table = "weather",
                    .tag_names = {"origin"},
                    .series_tags = {"EWR", "JFK"},
                    .series_count = 2,
                    .row_series = {0, 1, 0},
                    .time_us = {1'000'000, 1'000'000, 2'000'000}};
  ASSERT_THAT(db.session().Ingest({points}), IsOk());
  EXPECT_THAT(db.Rows("SELECT origin, count(*) FROM weather GROUP BY origin ORDER BY 1").value(),
              ElementsAre("EWR\t2", "JFK\t1"));
}

TEST(Query, SessionOfAnUnknownSchemaIsRefused) {
  TestDatabase db;
  EXPECT_THAT(db.engine().NewSession({.schema = "nowhere"}),
              IsError(ErrorKind::kNotFound, HasSubstr("Schema not found, schema_name:nowhere")));
}

TEST(Ttl, RowsPastItCountAsAffectedAndAreWarnedOf) {
  TestDatabase db;
  ASSERT_THAT(db.Execute("CREATE TABLE cpu (t timestamp NOT NULL, v int, TIMESTAMP KEY(t)) "
                         "WITH(ttl='2d')"),
              IsOk());
  const auto inserted = db.Execute(
      "INSERT INTO cpu (t, v) VALUES (now() - INTERVAL 3 DAY, 1), (now() - INTERVAL 1 DAY, 2), "
      "(now(), 3)");
  ASSERT_THAT(inserted, IsOk());
  const auto& affected = std::get<AffectedRows>(*inserted);
  EXPECT_EQ(affected.rows, 3u);
  EXPECT_THAT(
      affected.warnings,
      testing::ElementsAre("1 row of table cpu is older than its ttl (2d) and was not kept"));
  EXPECT_THAT(db.Rows("SELECT v FROM cpu ORDER BY t").value(), testing::ElementsAre("2", "3"));
}

TEST(Calls, ExpiryAndGarbageCollectionByHand) {
  TestDatabase db;
  ASSERT_THAT(db.Execute("CREATE TABLE g (t timestamp NOT NULL, v int, TIMESTAMP KEY(t)) "
                         "WITH(enable_ttl='false', drop.time-retained='0s')"),
              IsOk());
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(db.Execute(fmt::format("INSERT INTO g (t, v) VALUES ({}, {})", i, i)), IsOk());
    ASSERT_THAT(db.database().FlushAll(), IsOk());
  }
  const auto plan =
      db.Rows("CALL varve_expire_snapshots('g', retain_last => 1, dry_run => true)").value();
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_THAT(plan[0],
              testing::AllOf(testing::StartsWith("1\t20"), testing::EndsWith("\twould expire")));
  const auto done = db.Rows("CALL varve_expire_snapshots('g', retain_last => 1)").value();
  ASSERT_EQ(done.size(), 3u);
  EXPECT_THAT(done[2],
              testing::AllOf(testing::StartsWith("3\t20"), testing::EndsWith("\texpired")));
  EXPECT_TRUE(db.Rows("CALL varve_expire_snapshots('g', retain_last => 1)").value().empty());
  EXPECT_EQ(db.Rows("SELECT count(*) FROM g").value(), std::vector<std::string>{"3"});
  EXPECT_TRUE(db.Rows("CALL varve_gc(grace => '0s')").value().empty());
  ASSERT_THAT(db.Execute("DROP TABLE g"), IsOk());
  const auto garbage = db.Rows("CALL varve_gc(dry_run => true)").value();
  ASSERT_GE(garbage.size(), 3u);
  EXPECT_THAT(garbage,
              testing::Each(testing::EndsWith("\tits table has been dropped\twould be deleted")));
  EXPECT_THAT(db.Rows("CALL varve_gc()").value(), testing::Each(testing::EndsWith("\tdeleted")));
  EXPECT_TRUE(db.Rows("CALL varve_gc()").value().empty());
}

}  // namespace
}  // namespace varve
