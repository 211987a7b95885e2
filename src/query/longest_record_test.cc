#include "query/longest_record.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "base/matchers.h"
#include "base/test_folder.h"

namespace varve {
namespace {

class LongestRecordTest : public testing::Test {
 protected:
  uint64_t Longest(const std::string& text, RecordFormat format) {
    const std::string path = folder_.path() + "/rows";
    std::ofstream(path, std::ios::binary) << text;
    return LongestRecord(path, format).value();
  }

  TestFolder folder_;
};

TEST_F(LongestRecordTest, ALineIsARecord) {
  EXPECT_EQ(Longest("", RecordFormat::kLines), 0u);
  EXPECT_EQ(Longest("a", RecordFormat::kLines), 1u);
  EXPECT_EQ(Longest("a\nbcd\nef\n", RecordFormat::kLines), 4u);
  EXPECT_EQ(Longest("a\n\"bcd\nef\"\n", RecordFormat::kLines), 5u);
  EXPECT_EQ(Longest("a\nbcd\nefghi", RecordFormat::kLines), 5u);
}

TEST_F(LongestRecordTest, LinesWithinQuotesGoOn) {
  EXPECT_EQ(Longest("a,b\n1,\"x\ny\"\n2,z\n", RecordFormat::kCsv), 8u);
  EXPECT_EQ(Longest("a,b\n1,\"x\"\"\ny\"\n2,z\n", RecordFormat::kCsv), 10u);
  EXPECT_EQ(Longest("a,b\r\n1,\"x\r\n\"\r\n", RecordFormat::kCsv), 9u);
}

// Also where the file is read in pieces.
TEST_F(LongestRecordTest, RecordsOfAnyLengthAreMeasured) {
  const std::string line(3'000'000, 'x');
  EXPECT_EQ(Longest("a\n" + line + "\n" + line, RecordFormat::kLines), line.size() + 1);
  EXPECT_EQ(Longest("a\n\"" + line + "\n" + line + "\",b\nc\n", RecordFormat::kCsv),
            2 * line.size() + 6);
}

TEST_F(LongestRecordTest, AQuoteThatNobodyClosesIsAnError) {
  const std::string path = folder_.path() + "/rows";
  std::ofstream(path, std::ios::binary) << "a,b\n1,2\n1,\"x\n";
  const auto small = LongestRecord(path, RecordFormat::kCsv);
  EXPECT_THAT(small, IsOk());
  std::filesystem::resize_file(path, kRecordBytesMax + 100);
  EXPECT_THAT(LongestRecord(path, RecordFormat::kCsv),
              IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("near byte 8")));
}

TEST_F(LongestRecordTest, AFileThatIsNotThereIsAnError) {
  EXPECT_THAT(LongestRecord(folder_.path() + "/none", RecordFormat::kCsv),
              IsError(ErrorKind::kNotFound, testing::HasSubstr("none")));
}

}  // namespace
}  // namespace varve
