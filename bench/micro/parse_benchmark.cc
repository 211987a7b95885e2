// What a SELECT costs before DuckDB plans it: Varve's tokenizer and its spelling for DuckDB
// (ParseSql), then DuckDB's parser and the rewrite of its tree with the columns of the table
// (RewriteQuery). Prints microseconds a
// statement, the median of many rounds; exits with 1 when a typical one costs more than its budget.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "engine/database.h"
#include "query/query_rewrite.h"
#include "query/session.h"
#include "sql/parser.h"
#include "store/memory_store.h"
#include "wal/memory_wal.h"

namespace varve {
namespace {

constexpr double kBudgetUs = 50;
constexpr int kRounds = 201;
constexpr int kStatementsPerRound = 100;

struct Case {
  const char* name;
  std::string_view sql;
};
constexpr std::array kCases = {
    Case{"single-groupby-1-1-1",
         "SELECT time_bucket(ts, 'PT1M') AS minute, max(usage_user) AS max_usage_user FROM cpu "
         "WHERE hostname = 'host_249' AND ts >= 1451606400000 AND ts < 1451610000000 "
         "GROUP BY minute ORDER BY minute"},
    Case{"single-groupby-5-8-1",
         "SELECT time_bucket(ts, 'PT1M') AS minute, max(usage_user), max(usage_system), "
         "max(usage_idle), max(usage_nice), max(usage_iowait) FROM cpu WHERE hostname IN "
         "('host_9', 'host_3', 'host_5', 'host_1', 'host_7', 'host_2', 'host_8', 'host_4') "
         "AND ts >= 1451617200000 AND ts < 1451620800000 GROUP BY minute ORDER BY minute"},
    Case{"cpu-max-all-8",
         "SELECT date_trunc('hour', ts) AS hour, max(usage_user), max(usage_system), "
         "max(usage_idle), max(usage_nice), max(usage_iowait), max(usage_irq), "
         "max(usage_softirq), max(usage_steal), max(usage_guest), max(usage_guest_nice) FROM cpu "
         "WHERE hostname IN ('host_9', 'host_3', 'host_5', 'host_1', 'host_7', 'host_2', 'host_8', "
         "'host_4') AND ts >= '2016-01-01 03:00:00' AND ts < '2016-01-01 11:00:00' "
         "GROUP BY hour ORDER BY hour"},
    Case{"double-groupby-1",
         "SELECT date_trunc('hour', ts) AS hour, hostname, avg(usage_user) AS mean_usage_user "
         "FROM cpu WHERE ts >= 1451617200000 AND ts < 1451660400000 GROUP BY hour, hostname "
         "ORDER BY hour, hostname"},
    Case{"high-cpu-1",
         "SELECT * FROM `cpu` WHERE usage_user > 90.0 AND ts >= 1451617200000 AND ts < "
         "1451660400000 AND hostname = 'host_249'"},
    Case{"groupby-orderby-limit",
         "SELECT time_bucket(ts, 'PT1M') AS minute, max(usage_user) FROM cpu WHERE ts < "
         "1451620800000 GROUP BY minute ORDER BY minute DESC LIMIT 5"},
    Case{"lastpoint", "SELECT DISTINCT ON (hostname) * FROM cpu ORDER BY hostname, ts DESC"},
};

using Clock = std::chrono::steady_clock;

double UsPerStatement(auto run) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    for (int i = 0; i < kStatementsPerRound; ++i) {
      run();
    }
    rounds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count() /
                     kStatementsPerRound);
  }
  std::ranges::nth_element(rounds, rounds.begin() + kRounds / 2);
  return rounds[kRounds / 2];
}

// The table of the statements, in a database in memory.
class Cpu {
 public:
  Status Create() {
    VARVE_ASSIGN(database_,
                 Database::Open({.store = &store_, .wal = &wal_, .clock = &clock_, .ids = &ids_}));
    VARVE_ASSIGN(const auto engine, QueryEngine::Open({.database = database_.get()}));
    VARVE_ASSIGN(const auto session, engine->NewSession({}));
    VARVE_TRY(session->Execute(kCreate));
    return {};
  }
  RewriteContext context() const { return {database_.get(), kDefaultSchema}; }

 private:
  static constexpr std::string_view kCreate =
      "CREATE TABLE cpu (ts timestamp NOT NULL, hostname string TAG, region string TAG, "
      "datacenter string TAG, rack string TAG, os string TAG, arch string TAG, team string TAG, "
      "service string TAG, service_version string TAG, service_environment string TAG, "
      "usage_user double, usage_system double, usage_idle double, usage_nice double, "
      "usage_iowait double, usage_irq double, usage_softirq double, usage_steal double, "
      "usage_guest double, usage_guest_nice double, TIMESTAMP KEY(ts))";

  SystemClock clock_;
  SeededIdSource ids_{7};
  MemoryObjectStore store_{&clock_};
  MemoryWal wal_{std::make_shared<MemoryLog>()};
  std::unique_ptr<Database> database_;
};

int Run() {
  Cpu cpu;
  if (const Status created = cpu.Create(); !created) {
    std::fprintf(stderr, "%s\n", created.error().message.c_str());
    return 2;
  }
  const RewriteContext context = cpu.context();
  int over = 0;
  std::printf("%-24s %10s %10s %10s\n", "statement", "parse us", "rewrite us", "sum us");
  for (const Case& c : kCases) {
    const auto parsed = ParseSql(c.sql);
    const auto* query = parsed ? std::get_if<QueryStatement>(&parsed->front()) : nullptr;
    if (query == nullptr || !RewriteQuery(query->sql, context)) {
      std::fprintf(stderr, "%s is no query\n", c.name);
      return 2;
    }
    const double parse = UsPerStatement([&] { return ParseSql(c.sql).has_value(); });
    const double rewrite =
        UsPerStatement([&] { return RewriteQuery(query->sql, context).has_value(); });
    const bool slow = parse + rewrite > kBudgetUs;
    std::printf("%-24s %10.1f %10.1f %10.1f%s\n", c.name, parse, rewrite, parse + rewrite,
                slow ? "  too slow" : "");
    over += slow ? 1 : 0;
  }
  return over == 0 ? 0 : 1;
}

}  // namespace
}  // namespace varve

int main() { return varve::Run(); }
