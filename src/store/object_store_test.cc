// What every ObjectStore must do, run over each of them.
#include "store/object_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "store/faulty_store.h"
#include "store/local_store.h"
#include "store/memory_store.h"
#include "store/remote_test_places.h"

namespace varve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

enum class Kind { kMemory, kLocal, kFaulty, kFakeS3, kS3, kGcs, kAzure };

std::string KindName(Kind kind) {
  switch (kind) {
    case Kind::kMemory:
      return "memory";
    case Kind::kLocal:
      return "local";
    case Kind::kFaulty:
      return "faulty";
    case Kind::kFakeS3:
      return "fake_s3";
    case Kind::kS3:
      return "s3";
    case Kind::kGcs:
      return "gcs";
    case Kind::kAzure:
      return "azure";
  }
  return "";
}

class ObjectStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  // Servers that are not part of the test are named by the environment (remote_test_places.h).
  void SetUp() override {
    store_ = Make();
    if (store_ == nullptr) {
      GTEST_SKIP() << ServerVariable(KindName(GetParam()))
                   << " is not set: no server of this kind runs (see scripts/store_servers.sh)";
    }
  }

  std::shared_ptr<ObjectStore> Make() {
    switch (GetParam()) {
      case Kind::kMemory:
        return std::make_shared<MemoryObjectStore>(&clock_);
      case Kind::kFaulty:
        return std::make_shared<FaultyObjectStore>(std::make_shared<MemoryObjectStore>(&clock_));
      case Kind::kLocal:
        return LocalObjectStore::Open({.root = folder_.path() + "/root"}).value();
      case Kind::kFakeS3:
        fake_ = MakeFakeS3();
        return OpenFakeS3(*fake_, &clock_);
      default:
        return OpenServerOfEnvironment(KindName(GetParam()), &clock_);
    }
  }

  std::vector<std::string> Paths(std::string_view prefix) {
    std::vector<std::string> out;
    const auto objects = store_->List(prefix).value();
    for (const ObjectInfo& object : objects) {
      out.push_back(object.path);
    }
    return out;
  }

  Status GetStatus(std::string_view path) {
    const Result<std::string> bytes = store_->Get(path);
    return bytes ? Status() : std::unexpected(bytes.error());
  }

  SystemClock clock_;
  TestFolder folder_;
  std::unique_ptr<FakeS3Server> fake_;
  std::shared_ptr<ObjectStore> store_;
};

INSTANTIATE_TEST_SUITE_P(All, ObjectStoreTest,
                         ::testing::Values(Kind::kMemory, Kind::kLocal, Kind::kFaulty,
                                           Kind::kFakeS3, Kind::kS3, Kind::kGcs, Kind::kAzure),
                         [](const auto& info) { return KindName(info.param); });

TEST_P(ObjectStoreTest, PutMakesAndReplaces) {
  ASSERT_THAT(store_->Put("tables/1f/a.json", "one"), IsOk());
  EXPECT_EQ(store_->Get("tables/1f/a.json"), "one");
  ASSERT_THAT(store_->Put("tables/1f/a.json", "another"), IsOk());
  EXPECT_EQ(store_->Get("tables/1f/a.json"), "another");
  ASSERT_THAT(store_->Put("empty", ""), IsOk());
  EXPECT_EQ(store_->Get("empty"), "");
  const std::string binary("\0\xff\n\0", 4);
  ASSERT_THAT(store_->Put("binary", binary), IsOk());
  EXPECT_EQ(store_->Get("binary"), binary);
}

TEST_P(ObjectStoreTest, WhatIsNotThereIsNotFound) {
  ASSERT_THAT(store_->Put("a/b", "x"), IsOk());
  for (const std::string_view path : {"nothing", "no/such/folder", "a", "a/b/c"}) {
    EXPECT_THAT(store_->Get(path), IsError(ErrorKind::kNotFound, HasSubstr(path))) << path;
    EXPECT_THAT(store_->Open(path), IsError(ErrorKind::kNotFound)) << path;
    EXPECT_THAT(store_->Copy(path, "copy"), IsError(ErrorKind::kNotFound)) << path;
    EXPECT_THAT(store_->Delete(path), IsOk()) << path;
  }
  EXPECT_THAT(Paths(""), ElementsAre("a/b"));
}

TEST_P(ObjectStoreTest, PutIfAbsentDoesNotReplace) {
  ASSERT_THAT(store_->PutIfAbsent("log/1", "first"), IsOk());
  EXPECT_THAT(store_->PutIfAbsent("log/1", "second"),
              IsError(ErrorKind::kAlreadyExists, HasSubstr("log/1")));
  EXPECT_EQ(store_->Get("log/1"), "first");
  ASSERT_THAT(store_->Delete("log/1"), IsOk());
  EXPECT_THAT(store_->PutIfAbsent("log/1", "third"), IsOk());
}

// Exactly one of 8 threads wins each name, and what is there is what the winner wrote.
TEST_P(ObjectStoreTest, OfManyPutIfAbsentOneWins) {
  constexpr int kThreads = 8;
  constexpr int kNames = 25;
  std::vector<std::atomic<int>> winners(kNames);
  std::atomic<int> wins = 0;
  std::atomic<int> losses = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < kNames; ++n) {
        const Status put =
            store_->PutIfAbsent(fmt::format("log/{}/version", n), fmt::format("{}", t));
        if (put) {
          winners[n] = t;
          ++wins;
        } else if (put.error().kind == ErrorKind::kAlreadyExists) {
          ++losses;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wins, kNames);
  EXPECT_EQ(losses, kNames * (kThreads - 1));
  for (int n = 0; n < kNames; ++n) {
    EXPECT_EQ(store_->Get(fmt::format("log/{}/version", n)), fmt::format("{}", winners[n].load()));
  }
}

// Deletes remove folders that writers are about to use: no write may fail or be lost by that.
TEST_P(ObjectStoreTest, WritesAndDeletesInOneFolderDoNotDisturbEachOther) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string path = fmt::format("deep/er/folder/{}", t);
      for (int n = 0; n < 50; ++n) {
        for (const Status& done : {store_->Put(path, "x"), GetStatus(path), store_->Delete(path)}) {
          if (!done) {
            ADD_FAILURE() << done.error().message;
          }
        }
      }
    });
  }
  threads.clear();
  EXPECT_THAT(Paths(""), IsEmpty());
}

TEST_P(ObjectStoreTest, ReadAtReadsRangesAndChecksTheEnd) {
  ASSERT_THAT(store_->Put("data", "0123456789"), IsOk());
  const auto reader = store_->Open("data").value();
  EXPECT_EQ(reader->size_bytes(), 10u);
  std::string out(4, ' ');
  ASSERT_THAT(reader->ReadAt(3, 4, out.data()), IsOk());
  EXPECT_EQ(out, "3456");
  EXPECT_THAT(reader->ReadAt(10, 0, nullptr), IsOk());
  EXPECT_THAT(reader->ReadAt(7, 4, out.data()), IsError(ErrorKind::kCorruption, HasSubstr("data")));
  EXPECT_THAT(reader->ReadAt(UINT64_MAX, 2, out.data()), IsError(ErrorKind::kCorruption));
}

TEST_P(ObjectStoreTest, AReaderSeesItsObjectAfterReplaceAndDelete) {
  ASSERT_THAT(store_->Put("data", "old"), IsOk());
  const auto reader = store_->Open("data").value();
  ASSERT_THAT(store_->Put("data", "new"), IsOk());
  ASSERT_THAT(store_->Delete("data"), IsOk());
  std::string out(3, ' ');
  ASSERT_THAT(reader->ReadAt(0, 3, out.data()), IsOk());
  EXPECT_EQ(out, "old");
}

TEST_P(ObjectStoreTest, AWrittenObjectShowsAtFinishAndNotBefore) {
  const std::string part(300'000, 'p');
  auto writer = store_->NewWriter("big/object").value();
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    const std::string small = fmt::format("<{}>", i);
    ASSERT_THAT(writer->Append(small), IsOk());
    ASSERT_THAT(writer->Append(part), IsOk());
    expected += small + part;
  }
  EXPECT_THAT(store_->Get("big/object"), IsError(ErrorKind::kNotFound));
  EXPECT_THAT(Paths(""), IsEmpty());
  ASSERT_THAT(writer->Finish(), IsOk());
  EXPECT_EQ(store_->Get("big/object"), expected);
  writer.reset();
  EXPECT_EQ(store_->Get("big/object"), expected);
}

TEST_P(ObjectStoreTest, AWriterWithoutFinishLeavesNothing) {
  ASSERT_THAT(store_->Put("object", "old"), IsOk());
  {
    const auto writer = store_->NewWriter("object").value();
    ASSERT_THAT(writer->Append("new"), IsOk());
  }
  EXPECT_EQ(store_->Get("object"), "old");
  EXPECT_THAT(Paths(""), ElementsAre("object"));
}

TEST_P(ObjectStoreTest, ListIsSortedByPathAndEndsAtTheFolder) {
  for (const std::string_view path : {"a/2", "a/1", "a-b", "a/1.d/x", "ab/1", "b"}) {
    ASSERT_THAT(store_->Put(path, path), IsOk());
  }
  EXPECT_THAT(Paths(""), ElementsAre("a-b", "a/1", "a/1.d/x", "a/2", "ab/1", "b"));
  EXPECT_THAT(Paths("a"), ElementsAre("a/1", "a/1.d/x", "a/2"));
  EXPECT_THAT(Paths("a/1.d"), ElementsAre("a/1.d/x"));
  EXPECT_THAT(Paths("b"), IsEmpty());
  EXPECT_THAT(Paths("nothing/here"), IsEmpty());
  EXPECT_THAT(store_->List("../x"), IsError(ErrorKind::kInvalidArgument));
}

TEST_P(ObjectStoreTest, ListTellsSizeAndTime) {
  const TimestampUs before = clock_.Now();
  ASSERT_THAT(store_->Put("x", "12345"), IsOk());
  const ObjectInfo info = store_->List("").value().at(0);
  EXPECT_EQ(info.size_bytes, 5u);
  if (GetParam() == Kind::kFakeS3) {
    EXPECT_EQ(info.modified, TimestampUs(1'767'323'045'678'000));  // what the fake always says
    return;
  }
  // File systems take the time of the last tick, not the current one.
  constexpr int64_t kTickUs = 1'000'000;
  EXPECT_GE(info.modified.value(), before.value() - kTickUs);
  EXPECT_LE(info.modified.value(), clock_.Now().value() + kTickUs);
}

TEST_P(ObjectStoreTest, DeleteForgetsOnlyItsObject) {
  ASSERT_THAT(store_->Put("a/1", "x"), IsOk());
  ASSERT_THAT(store_->Put("a/2", "x"), IsOk());
  ASSERT_THAT(store_->Delete("a/1"), IsOk());
  ASSERT_THAT(store_->Delete("a/1"), IsOk());
  EXPECT_THAT(Paths(""), ElementsAre("a/2"));
  // A path under which there were objects can become an object itself.
  ASSERT_THAT(store_->Delete("a/2"), IsOk());
  EXPECT_THAT(store_->Put("a", "x"), IsOk());
}

TEST_P(ObjectStoreTest, CopyMakesAnIndependentObject) {
  std::string bytes(3'000'000, 'x');
  bytes[1'234'567] = 'y';
  ASSERT_THAT(store_->Put("from", bytes), IsOk());
  ASSERT_THAT(store_->Put("to/there", "old"), IsOk());
  ASSERT_THAT(store_->Copy("from", "to/there"), IsOk());
  ASSERT_THAT(store_->Delete("from"), IsOk());
  EXPECT_EQ(store_->Get("to/there"), bytes);
}

// Names that services encode in requests, signatures and lists come back as they went.
TEST_P(ObjectStoreTest, NamesMayHoldAnyPrintableCharacter) {
  for (const std::string_view path :
       {"a b", "a+b", "a%20b", "a=b&c", "größe", "a'(\"<>)", "a~b!*", "a,b;c:d@e$"}) {
    const std::string copy = fmt::format("copy/{}/x", path);
    ASSERT_THAT(store_->PutIfAbsent(path, path), IsOk()) << path;
    ASSERT_THAT(store_->Copy(path, copy), IsOk()) << path;
    EXPECT_EQ(store_->Get(path), path);
    EXPECT_EQ(store_->Open(copy).value()->size_bytes(), path.size()) << path;
    EXPECT_THAT(Paths(fmt::format("copy/{}", path)), ElementsAre(copy));
    EXPECT_THAT(store_->Delete(copy), IsOk());
    EXPECT_THAT(Paths("copy"), IsEmpty());
  }
}

// More than a service takes in one part, in pieces that do not fit its parts.
TEST_P(ObjectStoreTest, ALargeObjectIsWrittenAndReadInPieces) {
  constexpr size_t kBytes = 12'345'678;
  constexpr size_t kPieceBytes = 1'000'003;
  std::string bytes(kBytes, '\0');
  std::ranges::generate(bytes, [n = uint32_t{1}]() mutable {
    n = n * 1'664'525 + 1'013'904'223;
    return static_cast<char>(n >> 24);
  });
  const auto writer = store_->NewWriter("large").value();
  for (size_t at = 0; at < kBytes; at += kPieceBytes) {
    ASSERT_THAT(writer->Append(std::string_view(bytes).substr(at, kPieceBytes)), IsOk());
  }
  EXPECT_THAT(Paths(""), IsEmpty());
  ASSERT_THAT(writer->Finish(), IsOk());
  ASSERT_THAT(store_->Copy("large", "copy"), IsOk());
  const auto reader = store_->Open("copy").value();
  ASSERT_EQ(reader->size_bytes(), kBytes);
  for (const auto& [offset, size] : std::initializer_list<std::pair<size_t, size_t>>{
           {0, 10}, {kBytes - 1, 1}, {5'000'000, 3'000'000}, {0, kBytes}}) {
    std::string out(size, ' ');
    ASSERT_THAT(reader->ReadAt(offset, size, out.data()), IsOk());
    EXPECT_TRUE(out == std::string_view(bytes).substr(offset, size)) << offset;
  }
  // Given up in the middle of its parts.
  {
    const auto given_up = store_->NewWriter("given/up").value();
    ASSERT_THAT(given_up->Append(bytes), IsOk());
  }
  EXPECT_THAT(Paths(""), ElementsAre("copy", "large"));
}

TEST_P(ObjectStoreTest, PathsThatCouldLeaveTheStoreAreRefused) {
  const std::string long_segment(kSegmentBytesMax + 1, 'x');
  const std::string long_path = std::string(kPathBytesMax, 'x');
  for (const std::string_view path : std::initializer_list<std::string_view>{
           "",      "/",       "/etc/passwd", "..",     "../x",  "a/../b",
           "a/..",  ".",       "a//b",        "a/",     "a/./b", std::string_view("a\0b", 3),
           "a\nb",  "\x7f",    "tmp/x",       "tmp",    "LOCK",  "LOCK/x",
           "wal/x", "spill/x", long_segment,  long_path}) {
    const auto refused = IsError(ErrorKind::kInvalidArgument);
    EXPECT_THAT(store_->Put(path, "x"), refused) << path;
    EXPECT_THAT(store_->PutIfAbsent(path, "x"), refused) << path;
    EXPECT_THAT(store_->NewWriter(path), refused) << path;
    EXPECT_THAT(store_->Get(path), refused) << path;
    EXPECT_THAT(store_->Open(path), refused) << path;
    EXPECT_THAT(store_->Delete(path), refused) << path;
    EXPECT_THAT(store_->Copy(path, "x"), refused) << path;
    EXPECT_THAT(store_->Copy("x", path), refused) << path;
  }
  for (const std::string_view path : {"a", "a.b/c-d/..e", "tmp.x/y", "a/tmp/LOCK", "größe/x y"}) {
    EXPECT_THAT(CheckObjectPath(path), IsOk()) << path;
  }
}

}  // namespace
}  // namespace varve
