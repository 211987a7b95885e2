// What is special about the log in RocksDB: its files, damage, a full disk, space.
#include "wal/rocksdb_wal.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "base/matchers.h"
#include "base/test_folder.h"

namespace varve {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

Status Append(Wal& wal, uint64_t table, uint64_t sequence, std::string_view payload) {
  const WalEntry entry{TableId(table), Sequence(sequence), payload};
  return wal.Append(std::span(&entry, 1));
}

std::vector<uint64_t> Sequences(Wal& wal, uint64_t table) {
  std::vector<uint64_t> out;
  EXPECT_THAT(wal.Replay(TableId(table), Sequence(0),
                         [&](Sequence sequence, std::string_view) -> Status {
                           out.push_back(sequence.value());
                           return {};
                         }),
              IsOk());
  return out;
}

std::vector<uint64_t> UpTo(uint64_t last) {
  std::vector<uint64_t> out;
  for (uint64_t i = 1; i <= last; ++i) {
    out.push_back(i);
  }
  return out;
}

// Bytes that never look like anything else.
std::string Payload(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (char& c : out) {
    c = static_cast<char>(random());
  }
  return out;
}

class RocksDbWalTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Wal>> Open() { return RocksDbWal::Open({.folder = wal_folder_}); }

  // The log file with records in it; the only one, in the tests that ask.
  std::string LogFile() {
    std::string found;
    for (const auto& entry : fs::directory_iterator(wal_folder_)) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) {
        EXPECT_EQ(found, "");
        found = entry.path().string();
      }
    }
    return found;
  }

  // Where each of `count` records begins in the file, by its size before each append; the last
  // entry is the end.
  std::vector<uint64_t> WriteRecords(uint64_t count, size_t payload_bytes) {
    const auto wal = Open().value();
    std::vector<uint64_t> offsets = {0};
    for (uint64_t i = 1; i <= count; ++i) {
      EXPECT_THAT(Append(*wal, 1, i, Payload(payload_bytes, i)), IsOk());
      offsets.push_back(fs::file_size(LogFile()));
    }
    return offsets;
  }

  void FlipByte(const std::string& file, uint64_t offset) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(stream.get() ^ 0x5a);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(byte);
  }

  void Overwrite(const std::string& file, uint64_t offset, std::string_view bytes) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  void ExpectDamage(std::string_view file, uint64_t offset) {
    const std::string before = AllBytes();
    EXPECT_THAT(Open(), IsError(ErrorKind::kCorruption,
                                AllOf(HasSubstr(file), HasSubstr(fmt::format("byte {}:", offset)),
                                      HasSubstr("move that folder away"))));
    EXPECT_EQ(AllBytes(), before) << "a refused start must not change the log";
  }

  std::string AllBytes() {
    std::ifstream in(LogFile(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TestFolder folder_;
  const std::string wal_folder_ = folder_.path() + "/wal";
};

// A write that a power loss cut anywhere: all records before it are there, and the log goes on.
TEST_F(RocksDbWalTest, ATornTailIsCutWhereverItIsTorn) {
  constexpr uint64_t kRecords = 4;
  for (const size_t payload_bytes : {size_t{100}, size_t{33'000}, size_t{100'000}}) {
    fs::remove_all(wal_folder_);
    const std::vector<uint64_t> offsets = WriteRecords(kRecords, payload_bytes);
    const uint64_t last = offsets[kRecords - 1];
    const uint64_t size = offsets[kRecords] - last;
    const std::string file = LogFile();
    const std::string whole = AllBytes();
    for (const uint64_t kept :
         {uint64_t{1}, uint64_t{6}, uint64_t{7}, uint64_t{20}, size / 2, size - 1}) {
      fs::remove_all(wal_folder_);
      fs::create_directories(wal_folder_);
      {
        const auto wal = Open().value();  // RocksDB's own files
      }
      for (const auto& entry : fs::directory_iterator(wal_folder_)) {
        if (entry.path().extension() == ".log") {
          fs::remove(entry.path());
        }
      }
      std::ofstream(file, std::ios::binary) << whole.substr(0, last + kept);
      const auto wal = Open();
      ASSERT_THAT(wal, IsOk()) << payload_bytes << " " << kept;
      EXPECT_EQ(Sequences(**wal, 1), UpTo(kRecords - 1)) << payload_bytes << " " << kept;
      ASSERT_THAT(Append(**wal, 1, kRecords, "again"), IsOk());
      ASSERT_THAT((*wal)->Close(), IsOk());
      const auto again = Open();
      ASSERT_THAT(again, IsOk()) << payload_bytes << " " << kept;
      EXPECT_EQ(Sequences(**again, 1), UpTo(kRecords));
    }
  }
}

// Pages of a write reach the disk in any order: its end may be there while its middle or beginning
// is not.
TEST_F(RocksDbWalTest, AHoleInTheLastWriteIsATornTail) {
  for (const uint64_t hole : {uint64_t{0}, uint64_t{40'000}, uint64_t{90'000}}) {
    fs::remove_all(wal_folder_);
    const std::vector<uint64_t> offsets = WriteRecords(3, 100'000);
    Overwrite(LogFile(), offsets[2] + hole, std::string(4096, '\0'));
    const auto wal = Open();
    ASSERT_THAT(wal, IsOk()) << hole;
    EXPECT_EQ(Sequences(**wal, 1), UpTo(2)) << hole;
  }
}

TEST_F(RocksDbWalTest, ZerosBehindTheLastRecordAreCut) {
  WriteRecords(3, 1000);
  std::ofstream(LogFile(), std::ios::binary | std::ios::app) << std::string(100'000, '\0');
  const auto wal = Open();
  ASSERT_THAT(wal, IsOk());
  EXPECT_EQ(Sequences(**wal, 1), UpTo(3));
}

// Whatever byte of a record in the middle is damaged (checksum, length, type, data): the start
// stops and names the place. Also in the last log file, also in the last block, where RocksDB would
// drop what follows without a word.
TEST_F(RocksDbWalTest, DamageInTheMiddleStopsTheStartAndNamesThePlace) {
  for (const size_t payload_bytes : {size_t{100}, size_t{20'000}, size_t{100'000}}) {
    fs::remove_all(wal_folder_);
    const std::vector<uint64_t> offsets = WriteRecords(5, payload_bytes);
    const std::string file = LogFile();
    for (const size_t record : {0, 1, 3}) {
      for (const uint64_t at :
           {uint64_t{0}, uint64_t{4}, uint64_t{5}, uint64_t{6}, uint64_t{30}, payload_bytes}) {
        FlipByte(file, offsets[record] + at);
        SCOPED_TRACE(fmt::format("{} bytes, record {}, byte {}", payload_bytes, record, at));
        ExpectDamage(fs::path(file).filename().string(), offsets[record]);
        FlipByte(file, offsets[record] + at);
      }
    }
    const auto wal = Open();
    ASSERT_THAT(wal, IsOk());
    EXPECT_EQ(Sequences(**wal, 1), UpTo(5));
  }
}

TEST_F(RocksDbWalTest, AMissingPieceInTheMiddleIsDamage) {
  const std::vector<uint64_t> offsets = WriteRecords(5, 1000);
  const std::string file = LogFile();
  const std::string whole = AllBytes();
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      << whole.substr(0, offsets[2]) + whole.substr(offsets[3]);
  ExpectDamage(fs::path(file).filename().string(), offsets[2]);
}

// The tail of a log file that has a successor is not torn: the successor's records came later.
TEST_F(RocksDbWalTest, DamageAtTheEndOfAnEarlierFileIsDamage) {
  const std::vector<uint64_t> offsets = WriteRecords(3, 1000);
  const std::string first = LogFile();
  {
    const auto wal = Open().value();
    ASSERT_THAT(Append(*wal, 1, 4, "in the next file"), IsOk());
  }
  FlipByte(first, offsets[2] + 500);
  EXPECT_THAT(Open(),
              IsError(ErrorKind::kCorruption,
                      AllOf(HasSubstr(first), HasSubstr(fmt::format("byte {}:", offsets[2])))));
  FlipByte(first, offsets[2] + 500);
  EXPECT_EQ(Sequences(*Open().value(), 1), UpTo(4));
}

TEST_F(RocksDbWalTest, ADamagedManifestIsAnErrorThatSaysWhatToDo) {
  WriteRecords(3, 1000);
  for (const auto& entry : fs::directory_iterator(wal_folder_)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) {
      FlipByte(entry.path().string(), 20);
    }
  }
  EXPECT_THAT(Open(), IsError(ErrorKind::kCorruption, HasSubstr("MANIFEST")));
}

TEST_F(RocksDbWalTest, AFolderInUseOrOutOfReachIsAClearError) {
  const auto wal = Open().value();
  EXPECT_THAT(Open(),
              IsError(ErrorKind::kUnavailable, AllOf(HasSubstr(wal_folder_), HasSubstr("in use"))));
  std::ofstream(folder_.path() + "/file") << "x";
  EXPECT_THAT(RocksDbWal::Open({.folder = folder_.path() + "/file/wal"}),
              IsError(ErrorKind::kIo, HasSubstr("/file")));
}

// Truncated records leave the disk and the memory; what other tables still need stays.
TEST_F(RocksDbWalTest, TruncatedSpaceIsGivenBack) {
  constexpr uint64_t kFlushBytes = uint64_t{16} << 20;
  const std::string payload = Payload(size_t{8} << 20, 1);
  uint64_t largest = 0;
  {
    const auto wal = RocksDbWal::Open({.folder = wal_folder_,
                                       .buffer_bytes = size_t{64} << 20,
                                       .flush_log_bytes = kFlushBytes})
                         .value();
    for (uint64_t i = 1; i <= 50; ++i) {
      ASSERT_THAT(Append(*wal, 1, i, payload), IsOk());
      ASSERT_THAT(Append(*wal, 2, i, "kept"), IsOk());
      ASSERT_THAT(wal->Truncate(TableId(1), Sequence(i)), IsOk());
      largest = std::max(largest, wal->stats().size_bytes);
    }
    EXPECT_EQ(Sequences(*wal, 2), UpTo(50));
  }
  EXPECT_LT(largest, kFlushBytes + 2 * payload.size());
  const auto wal = Open().value();
  EXPECT_TRUE(Sequences(*wal, 1).empty());
  EXPECT_EQ(Sequences(*wal, 2), UpTo(50));
}

TEST_F(RocksDbWalTest, AllSpaceIsGivenBackWhenAsked) {
  const std::string payload = Payload(size_t{1} << 20, 1);
  const auto wal = Open().value();
  for (uint64_t i = 1; i <= 20; ++i) {
    ASSERT_THAT(Append(*wal, 1, i, payload), IsOk());
    ASSERT_THAT(Append(*wal, 2, i, "kept"), IsOk());
  }
  ASSERT_THAT(wal->Truncate(TableId(1), Sequence(20)), IsOk());
  EXPECT_GT(wal->stats().size_bytes, 20 * payload.size());
  ASSERT_THAT(wal->ReleaseSpace(), IsOk());
  EXPECT_LT(wal->stats().size_bytes, payload.size() / 10);
  EXPECT_TRUE(Sequences(*wal, 1).empty());
  EXPECT_EQ(Sequences(*wal, 2), UpTo(20));
  ASSERT_THAT(wal->ReleaseSpace(), IsOk());
  EXPECT_EQ(Sequences(*wal, 2), UpTo(20));
}

// Records that reached table files before they were truncated go too, and so does a dropped table.
TEST_F(RocksDbWalTest, SpaceOfFlushedRecordsIsGivenBack) {
  constexpr uint64_t kFlushBytes = uint64_t{2} << 20;
  const std::string payload = Payload(size_t{1} << 20, 1);
  const auto wal =
      RocksDbWal::Open(
          {.folder = wal_folder_, .buffer_bytes = size_t{4} << 20, .flush_log_bytes = kFlushBytes})
          .value();
  uint64_t sequence = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 20; ++i) {
      ASSERT_THAT(Append(*wal, 1, ++sequence, payload), IsOk());
      ASSERT_THAT(Append(*wal, 2, sequence, payload), IsOk());
    }
    ASSERT_THAT(wal->Truncate(TableId(1), Sequence(sequence)), IsOk());
    ASSERT_THAT(wal->Drop(TableId(2)), IsOk());
  }
  EXPECT_TRUE(Sequences(*wal, 1).empty());
  EXPECT_TRUE(Sequences(*wal, 2).empty());
  // 400 MiB went through; one round is 40.
  EXPECT_LT(wal->stats().size_bytes, uint64_t{120} << 20);
}

// A disk that has room for `room` more bytes, as deterministic as it gets: a write that does not
// fit leaves its beginning behind, as on a real one.
class SmallDisk final : public rocksdb::EnvWrapper {
 public:
  SmallDisk() : EnvWrapper(rocksdb::Env::Default()) {}

  static const char* kClassName() { return "SmallDisk"; }
  const char* Name() const override { return kClassName(); }

  rocksdb::Status NewWritableFile(const std::string& path,
                                  std::unique_ptr<rocksdb::WritableFile>* out,
                                  const rocksdb::EnvOptions& options) override {
    std::unique_ptr<rocksdb::WritableFile> inner;
    const rocksdb::Status status = target()->NewWritableFile(path, &inner, options);
    if (status.ok()) {
      *out = std::make_unique<File>(this, std::move(inner));
    }
    return status;
  }

  std::atomic<int64_t> room = INT64_MAX;

 private:
  class File final : public rocksdb::WritableFileWrapper {
   public:
    File(SmallDisk* disk, std::unique_ptr<rocksdb::WritableFile> inner)
        : WritableFileWrapper(inner.get()), disk_(disk), inner_(std::move(inner)) {}

    using WritableFileWrapper::Append;
    rocksdb::Status Append(const rocksdb::Slice& data) override {
      const int64_t before = disk_->room.fetch_sub(static_cast<int64_t>(data.size()));
      if (before >= static_cast<int64_t>(data.size())) {
        return inner_->Append(data);
      }
      disk_->room = 0;
      if (before > 0) {
        inner_->Append(rocksdb::Slice(data.data(), static_cast<size_t>(before)))
            .PermitUncheckedError();
      }
      return rocksdb::Status::NoSpace("no space left on the small disk");
    }

   private:
    SmallDisk* const disk_;
    const std::unique_ptr<rocksdb::WritableFile> inner_;
  };
};

// Wherever in a record the disk gets full: the append is refused with advice, so are later ones,
// reading goes on; when there is room again appends work in the same process, and everything
// acknowledged is there after a restart.
TEST_F(RocksDbWalTest, AFullDiskIsRefusedAndEndsWithoutARestart) {
  for (const int64_t room : {0, 5, 100, 40'000, 149'000}) {
    SCOPED_TRACE(room);
    fs::remove_all(wal_folder_);
    SmallDisk disk;
    auto wal = RocksDbWal::Open({.folder = wal_folder_, .env = &disk}).value();
    ASSERT_THAT(Append(*wal, 1, 1, Payload(50'000, 1)), IsOk());
    disk.room = room;
    for (uint64_t i = 2; i <= 4; ++i) {
      EXPECT_THAT(Append(*wal, 1, i, Payload(150'000, i)),
                  IsError(ErrorKind::kResourceExhausted,
                          AllOf(HasSubstr(wal_folder_), HasSubstr("free space"))));
    }
    EXPECT_THAT(Sequences(*wal, 1), ::testing::ElementsAre(1));
    disk.room = INT64_MAX;
    EXPECT_THAT(Append(*wal, 1, 5, Payload(150'000, 5)), IsOk());
    EXPECT_THAT(wal->Truncate(TableId(2), Sequence(5)), IsOk());
    EXPECT_THAT(Append(*wal, 1, 6, "x"), IsOk());
    wal.reset();
    EXPECT_THAT(Sequences(*Open().value(), 1), ::testing::ElementsAre(1, 5, 6));
  }
}

// The same under 4 writers, with the disk filling up again and again, also while the log is opened
// again or flushed.
TEST_F(RocksDbWalTest, NothingAcknowledgedIsLostOnADiskThatFillsUpOften) {
  constexpr uint64_t kSeed = 20'261'121;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  constexpr uint64_t kWriters = 4;
  constexpr uint64_t kAppends = 60;  // of 10 kB each: some rounds fit, some do not
  SmallDisk disk;
  auto wal = RocksDbWal::Open({.folder = wal_folder_,
                               .buffer_bytes = size_t{1} << 20,
                               .flush_log_bytes = uint64_t{512} << 10,
                               .env = &disk})
                 .value();
  std::vector<std::vector<uint64_t>> acknowledged(kWriters + 1);
  std::mt19937_64 random(kSeed);
  std::atomic<int> unexpected = 0;
  constexpr uint64_t kTableOfRounds = 100;
  constexpr uint64_t kRounds = 12;
  for (uint64_t round = 0; round < kRounds; ++round) {
    disk.room = static_cast<int64_t>(random() % 3'000'000);
    std::vector<std::jthread> writers;
    for (uint64_t w = 1; w <= kWriters; ++w) {
      writers.emplace_back([&, w] {
        for (uint64_t i = 1; i <= kAppends; ++i) {
          const uint64_t sequence = round * kAppends + i;
          const Status status = Append(*wal, w, sequence, Payload(10'000, sequence));
          if (status) {
            acknowledged[w].push_back(sequence);
          } else {
            unexpected += status.error().kind != ErrorKind::kResourceExhausted &&
                          status.error().kind != ErrorKind::kUnavailable;
          }
        }
      });
    }
    writers.clear();
    disk.room = INT64_MAX;
    EXPECT_THAT(Append(*wal, kTableOfRounds, round + 1, "there is room"), IsOk());
    if (round % 3 == 2) {
      wal.reset();
      wal = RocksDbWal::Open({.folder = wal_folder_, .buffer_bytes = size_t{1} << 20, .env = &disk})
                .value();
    }
  }
  EXPECT_EQ(unexpected, 0);
  ASSERT_THAT(Append(*wal, 1, 1'000'000, "at the end"), IsOk());
  acknowledged[1].push_back(1'000'000);
  wal.reset();
  wal = Open().value();
  EXPECT_EQ(Sequences(*wal, kTableOfRounds), UpTo(kRounds));
  for (uint64_t w = 1; w <= kWriters; ++w) {
    const std::vector<uint64_t> there = Sequences(*wal, w);
    EXPECT_TRUE(std::ranges::includes(there, acknowledged[w])) << w;
    EXPECT_FALSE(acknowledged[w].empty());
  }
}

// RocksDB's diagnostics stay small over many starts.
TEST_F(RocksDbWalTest, ItsOwnFilesDoNotPileUp) {
  for (uint64_t i = 1; i <= 20; ++i) {
    ASSERT_THAT(Append(*Open().value(), 1, i, "x"), IsOk());
  }
  int diagnostics = 0;
  for (const auto& entry : fs::directory_iterator(wal_folder_)) {
    diagnostics += entry.path().filename().string().starts_with("LOG");
  }
  EXPECT_LE(diagnostics, 5);
  EXPECT_EQ(Sequences(*Open().value(), 1), UpTo(20));
}

}  // namespace
}  // namespace varve
