#include "store/local_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/matchers.h"
#include "base/test_folder.h"
#include "store/folder_lock.h"
#include "store/posix_internal.h"

namespace varve {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void WriteFile(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

TEST(LocalStoreTest, ObjectsAreThereAfterReopening) {
  const TestFolder folder;
  const std::string root = folder.path() + "/not/yet/made/";
  ASSERT_THAT(LocalObjectStore::Open({.root = root}).value()->Put("a/b", "x"), IsOk());
  const auto store = LocalObjectStore::Open({.root = root}).value();
  EXPECT_EQ(store->Get("a/b"), "x");
  EXPECT_EQ(store->Describe(), folder.path() + "/not/yet/made");
  EXPECT_TRUE(fs::exists(folder.path() + "/not/yet/made/a/b"));
}

// What a crash in the middle of a write leaves does not show, and is gone after the next Open;
// files that are not Varve's own, or that a living writer holds, are left alone.
TEST(LocalStoreTest, LeftoversOfACrashAreInvisibleAndRemoved) {
  const TestFolder folder;
  auto store = LocalObjectStore::Open({.root = folder.path()}).value();
  const std::string leftover = folder.path() + "/tmp/varve-0a-1.tmp";
  const std::string foreign = folder.path() + "/tmp/notes.txt";
  WriteFile(leftover, "half");
  WriteFile(foreign, "keep");
  EXPECT_THAT(store->List("").value(), IsEmpty());
  auto writer = store->NewWriter("object").value();
  ASSERT_THAT(writer->Append("x"), IsOk());

  const auto second = LocalObjectStore::Open({.root = folder.path()}).value();
  EXPECT_FALSE(fs::exists(leftover));
  EXPECT_TRUE(fs::exists(foreign));
  ASSERT_THAT(writer->Finish(), IsOk());
  EXPECT_EQ(second->Get("object"), "x");
  EXPECT_THAT(second->List("").value(), ::testing::SizeIs(1));
}

TEST(LocalStoreTest, NoTemporaryFilesStayBehind) {
  const TestFolder folder;
  const auto store = LocalObjectStore::Open({.root = folder.path()}).value();
  ASSERT_THAT(store->Put("a", "x"), IsOk());
  ASSERT_THAT(store->PutIfAbsent("b", "x"), IsOk());
  ASSERT_THAT(store->PutIfAbsent("b", "x"), IsError(ErrorKind::kAlreadyExists));
  ASSERT_THAT(store->Copy("a", "c"), IsOk());
  ASSERT_THAT(store->Copy("a", "a/below-a-file"), IsError(ErrorKind::kIo));
  EXPECT_TRUE(fs::is_empty(folder.path() + "/tmp"));
  struct stat info;
  ASSERT_EQ(::stat((folder.path() + "/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_nlink, 1u);
}

TEST(LocalStoreTest, DeleteRemovesFoldersThatItEmpties) {
  const TestFolder folder;
  const auto store = LocalObjectStore::Open({.root = folder.path()}).value();
  ASSERT_THAT(store->Put("tables/1/data/x", ""), IsOk());
  ASSERT_THAT(store->Put("tables/2/data/x", ""), IsOk());
  ASSERT_THAT(store->Delete("tables/1/data/x"), IsOk());
  EXPECT_FALSE(fs::exists(folder.path() + "/tables/1"));
  EXPECT_TRUE(fs::exists(folder.path() + "/tables/2"));
  ASSERT_THAT(store->Delete("tables/2/data/x"), IsOk());
  EXPECT_FALSE(fs::exists(folder.path() + "/tables"));
  EXPECT_THAT(store->Put("tables/1/data/x", ""), IsOk());
}

TEST(LocalStoreTest, AnUnusableRootSaysWhatToDo) {
  const TestFolder folder;
  WriteFile(folder.path() + "/file", "");
  EXPECT_THAT(
      LocalObjectStore::Open({.root = folder.path() + "/file/root"}),
      IsError(ErrorKind::kIo, AllOf(HasSubstr("/file/root"), HasSubstr("Not a directory"))));
  EXPECT_THAT(LocalObjectStore::Open({.root = folder.path() + "/file"}), IsError(ErrorKind::kIo));
  EXPECT_THAT(LocalObjectStore::Open({.root = ""}), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(LocalObjectStore::Open({.root = "/proc/varve"}), IsError(ErrorKind::kIo));
}

TEST(LocalStoreTest, AReadOnlyFolderSaysWhatToDo) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root may write everywhere";
  }
  const TestFolder folder;
  ASSERT_THAT(LocalObjectStore::Open({.root = folder.path()}), IsOk());
  fs::permissions(folder.path() + "/tmp", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(
      LocalObjectStore::Open({.root = folder.path()}),
      IsError(ErrorKind::kIo, AllOf(HasSubstr(folder.path()), HasSubstr("use another folder"))));
  fs::permissions(folder.path() + "/tmp", fs::perms::owner_all);
}

// An unmounted or removed root is an error, never "no objects": GC would take everything for gone.
TEST(LocalStoreTest, AVanishedRootIsNotEmpty) {
  const TestFolder folder;
  const auto store = LocalObjectStore::Open({.root = folder.path() + "/root"}).value();
  ASSERT_THAT(store->Put("a/b", "x"), IsOk());
  fs::remove_all(folder.path() + "/root");
  EXPECT_THAT(store->List(""), IsError(ErrorKind::kIo));
  EXPECT_THAT(store->Put("a/b", "x"), IsError(ErrorKind::kIo));
}

TEST(LocalStoreTest, AFullDiskIsResourceExhausted) {
  // /dev/full answers every write with ENOSPC.
  const Fd full = OpenFile("/dev/full", O_WRONLY).value();
  EXPECT_THAT(WriteAll(full, "/dev/full", "x"),
              IsError(ErrorKind::kResourceExhausted,
                      AllOf(HasSubstr("/dev/full"), HasSubstr("free space"))));
  EXPECT_THAT(Status(PosixError("write", "/x", EDQUOT)),
              IsError(ErrorKind::kResourceExhausted, HasSubstr("quota")));
  EXPECT_THAT(Status(PosixError("create", "/x", EROFS)),
              IsError(ErrorKind::kIo, HasSubstr("read-only")));
  EXPECT_THAT(Status(PosixError("open", "/x", EMFILE)),
              IsError(ErrorKind::kIo, HasSubstr("ulimit -n")));
}

TEST(FolderLockTest, ASecondHolderIsRefusedAndToldWhoHoldsIt) {
  const TestFolder folder;
  const std::string data = folder.path() + "/data";
  auto lock = FolderLock::Acquire(data).value();
  EXPECT_THAT(FolderLock::Acquire(data),
              IsError(ErrorKind::kUnavailable,
                      AllOf(HasSubstr(data), HasSubstr(fmt::format("process {}", ::getpid())))));
  lock.reset();
  EXPECT_THAT(FolderLock::Acquire(data), IsOk());
}

TEST(FolderLockTest, TheFileOfADeadHolderDoesNotLock) {
  const TestFolder folder;
  WriteFile(folder.path() + "/LOCK", "999999999999\n");
  ASSERT_THAT(FolderLock::Acquire(folder.path()), IsOk());
  std::ifstream in(folder.path() + "/LOCK");
  std::string pid;
  std::getline(in, pid);
  EXPECT_EQ(pid, fmt::format("{}", ::getpid()));
}

TEST(FolderLockTest, AFolderThatCannotBeMadeIsAnError) {
  const TestFolder folder;
  WriteFile(folder.path() + "/file", "");
  EXPECT_THAT(FolderLock::Acquire(folder.path() + "/file/data"),
              IsError(ErrorKind::kIo, HasSubstr("data folder")));
  EXPECT_THAT(FolderLock::Acquire(folder.path() + "/file"), IsError(ErrorKind::kIo));
}

}  // namespace
}  // namespace varve
