// What savepoints cost: one beside an atomic replace of a file on the same disk, at tables that
// refer to more and more data, and lists, expiry and collection at 100,000 snapshots with 10,000
// savepoints, each cold (the first time after opening) and warm.
//
//   ninja -C build/release varve_savepoint_benchmark
//   build/release/bench/varve_savepoint_benchmark FOLDER [MEMORY_FOLDER]
//
// FOLDER is on the disk that is meant; MEMORY_FOLDER, where the many snapshots are made, may be in
// memory, since making 100,000 durable ones is not what is measured. Both must not be there.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "engine/database.h"
#include "store/local_store.h"
#include "wal/memory_wal.h"

namespace varve {
namespace {

constexpr int kRounds = 300;
constexpr uint64_t kSnapshots = 100'000;
constexpr uint64_t kSavepointEvery = 10;
constexpr uint64_t kFileBytes = 10 << 20;  // that each file of the manifest is said to have

using Clock = std::chrono::steady_clock;

double Ms(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double Median(std::vector<double> times) {
  std::ranges::nth_element(times, times.begin() + static_cast<ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

double ResidentMiB() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// As durable as a savepoint: the file, then its name.
double AtomicReplace(const std::string& folder, const std::string& bytes) {
  const auto begin = Clock::now();
  const std::string temporary = fmt::format("{}/new", folder);
  const int file = ::open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  VARVE_CHECK(file >= 0 && ::write(file, bytes.data(), bytes.size()) > 0 && ::fsync(file) == 0);
  ::close(file);
  VARVE_CHECK(::rename(temporary.c_str(), fmt::format("{}/file", folder).c_str()) == 0);
  const int parent = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  VARVE_CHECK(parent >= 0 && ::fsync(parent) == 0);
  ::close(parent);
  return Ms(begin);
}

FileMeta PretendedFile(const Table& table, IdSource& ids, int64_t number) {
  FileMeta file;
  file.id = ids.NewUuid();
  file.path =
      fmt::format("{}/data/0/{}.parquet", TableLog::Folder(table.uuid()), file.id.ToString());
  file.schema_id = 1;
  file.rows = 1'000'000;
  file.size_bytes = kFileBytes;
  file.sha256 = std::string(64, 'a');
  file.time_min = TimestampUs(number);
  file.time_max = TimestampUs(number + 1);
  return file;
}

struct Opened {
  explicit Opened(const std::string& folder)
      : store(LocalObjectStore::Open({.root = folder}).value()), wal(log) {
    database =
        Database::Open({.store = store.get(), .wal = &wal, .clock = &clock, .ids = &ids}).value();
  }
  std::shared_ptr<Table> Create(TableOptions options) {
    TableSpec spec;
    spec.columns = {{.name = "t", .type = ColumnType::kTimestamp},
                    {.name = "v", .type = ColumnType::kDouble}};
    spec.timestamp_key.emplace("t");
    return database->CreateTable("public", "t", spec, std::move(options)).value();
  }
  std::shared_ptr<Table> Find() { return database->FindTable("public", "t").value(); }

  SystemClock clock;
  RandomIdSource ids;
  std::unique_ptr<LocalObjectStore> store;
  std::shared_ptr<MemoryLog> log = std::make_shared<MemoryLog>();
  MemoryWal wal;
  std::unique_ptr<Database> database;
};

void CostOfOne(const std::string& folder, int64_t files) {
  const std::string own = fmt::format("{}/{}", folder, files);
  std::filesystem::create_directories(fmt::format("{}/replaced", own));
  {
    Opened opened(fmt::format("{}/data", own));
    const auto table = opened.Create({.enable_ttl = false});
    const auto log = TableLog::Open(*opened.store, opened.clock, table->uuid()).value();
    VersionEdit edit;
    for (int64_t i = 0; i < files; ++i) {
      edit.added_files.push_back(PretendedFile(*table, opened.ids, i));
    }
    VARVE_CHECK(log->Commit(std::move(edit)).has_value());
  }
  Opened opened(fmt::format("{}/data", own));
  const auto table = opened.Find();
  const std::string bytes(700, 'x');  // about what a savepoint has
  std::vector<double> replaces;
  std::vector<double> savepoints;
  for (int round = 0; round < kRounds; ++round) {
    replaces.push_back(AtomicReplace(fmt::format("{}/replaced", own), bytes));
    const auto begin = Clock::now();
    VARVE_CHECK(opened.database->CreateSavepoints({table}, {}, std::nullopt).has_value());
    savepoints.push_back(Ms(begin));
  }
  fmt::print("{:>10.3f} GB referenced  {:>8.3f} ms a savepoint  {:>8.3f} ms a replace  {:.2f}x\n",
             static_cast<double>(files) * kFileBytes / 1e9, Median(savepoints), Median(replaces),
             Median(savepoints) / Median(replaces));
}

// Of this process: what other programs take of the machine is not in it.
double CpuMs() {
  rusage usage;
  VARVE_CHECK(::getrusage(RUSAGE_SELF, &usage) == 0);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

template <class Act>
void Report(std::string_view what, const Act& act) {
  const double cpu = CpuMs();
  const auto begin = Clock::now();
  act();
  fmt::print("{:<44}{:>10.1f} ms {:>10.1f} ms CPU   {:.0f} MiB resident\n", what, Ms(begin),
             CpuMs() - cpu, ResidentMiB());
}

void MakeMany(const std::string& folder) {
  Opened opened(folder);
  TableOptions options{.enable_ttl = false};
  options.snapshot_num_retained_min = 2 * kSnapshots;
  const auto table = opened.Create(options);
  const auto log = TableLog::Open(*opened.store, opened.clock, table->uuid()).value();
  Savepoints savepoints(*opened.store, table->uuid());
  std::vector<Uuid> files;
  for (uint64_t i = 1; i < kSnapshots; ++i) {
    VersionEdit edit;
    edit.added_files = {PretendedFile(*table, opened.ids, static_cast<int64_t>(i))};
    files.push_back(edit.added_files.front().id);
    if (files.size() > 20) {  // as after merging
      edit.kind = EditKind::kCompact;
      edit.removed_files.assign(files.begin(), files.end() - 1);
      files.erase(files.begin(), files.end() - 1);
    }
    const auto version = log->Commit(std::move(edit)).value();
    if (i % kSavepointEvery == 0) {
      Savepoint savepoint;
      savepoint.saved_snapshot_id = version->id;
      savepoint.snapshot_time = savepoint.save_time = version->committed_at;
      savepoint.schema_id = 1;
      VARVE_CHECK(savepoints.Create(savepoint).has_value());
    }
  }
}

// What housekeeping does every few minutes, and has not had the time for here.
void WriteHistories(const std::string& folder) {
  Opened opened(folder);
  const auto table = opened.Find();
  constexpr uint64_t kPasses = kSnapshots / kVersionsPerHistory / 16 + 1;
  for (uint64_t pass = 0; pass < kPasses; ++pass) {
    VARVE_CHECK(
        opened.database->housekeeping()
            .ExpireVersions(*table, RetentionRule::Of(table->options()), ExpiryMode::kExpire)
            .has_value());
  }
}

// One thing on a log that has just been opened, and once more.
template <class Act>
void ReportColdAndWarm(const std::string& folder, std::string_view what, const Act& act) {
  Opened opened(folder);
  const auto table = opened.Find();
  for (const std::string_view when : {"cold", "warm"}) {
    Report(fmt::format("{}, {}", what, when), [&] { act(*opened.database, *table); });
  }
}

void Expire(Database& database, Table& table, const RetentionRule& rule) {
  VARVE_CHECK(database.housekeeping().ExpireVersions(table, rule, ExpiryMode::kExpire).has_value());
}

void Collect(Database& database, Table&) {
  VARVE_CHECK(
      database.housekeeping().Collect(GcMode::kPlan, std::chrono::milliseconds(0)).has_value());
}

// What `t$savepoints` shows: held bytes are in the savepoints, exclusive ones are worked out.
void ListSavepointsWithBytes(Database&, Table& table) {
  VARVE_CHECK(table.savepoints().List().has_value() && table.Versions().has_value() &&
              table.OwnBytes().has_value());
}

void CostOfAll(const std::string& folder) {
  Report("opening", [&] { Opened opened(folder); });
  ReportColdAndWarm(folder, "listing savepoints", [](Database&, Table& table) {
    VARVE_CHECK(table.savepoints().List().has_value());
  });
  ReportColdAndWarm(folder, "listing savepoints with bytes", ListSavepointsWithBytes);
  ReportColdAndWarm(folder, "listing snapshots",
                    [](Database&, Table& table) { VARVE_CHECK(table.Versions().has_value()); });
  ReportColdAndWarm(folder, "expiry of none", [](Database& database, Table& table) {
    Expire(database, table, RetentionRule::Of(table.options()));
  });
  ReportColdAndWarm(folder, "collection", Collect);
}

void CostOfMany(const std::string& folder) {
  MakeMany(folder);
  Report("writing all histories", [&] { WriteHistories(folder); });
  fmt::print("\n{} snapshots, {} savepoints ({:.0f} MiB resident before)\n", kSnapshots,
             kSnapshots / kSavepointEvery - 1, ResidentMiB());
  CostOfAll(folder);
  {
    Opened opened(folder);
    const auto table = opened.Find();
    Report("expiry of all that no savepoint holds", [&] {
      Expire(*opened.database, *table, {.num_retained_min = 10, .num_retained_max = 10});
    });
  }
  fmt::print("\nthe 10 newest snapshots and those of the savepoints\n");
  CostOfAll(folder);
}

}  // namespace
}  // namespace varve

int main(int argc, char** argv) {
  if (argc < 2 || std::filesystem::exists(argv[1])) {
    fmt::print(stderr, "usage: varve_savepoint_benchmark NEW_FOLDER [NEW_MEMORY_FOLDER]\n");
    return 2;
  }
  for (const int64_t files : {1, 100, 10'000}) {
    varve::CostOfOne(argv[1], files);
  }
  varve::CostOfMany(argc > 2 ? std::string(argv[2]) : fmt::format("{}/many", argv[1]));
  return 0;
}
