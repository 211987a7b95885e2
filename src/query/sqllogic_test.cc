// Runs test/sql/**/*.test (sqllogictest's format) against a database in memory, each file twice:
// with rows staying in memory, and with a flush after every INSERT and COPY. Both must answer the
// same.
//
//   statement ok                    the statement, up to an empty line
//   statement error <text>          its message must contain the text
//   query <letters> [rowsort]       as many letters as columns; then ----, then the rows, values
//   joined by tabs flush | restart | use <schema>  on a line of its own
// `#` begins a comment line. `{folder}` stands for the folder of the file, which COPY may read,
// `{temp}` for an empty one that it may also write.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "query/test_database.h"

namespace varve {
namespace {

enum class Mode { kMemory, kFlushed };

struct Line {
  int number = 0;
  std::string text;
};

class Runner {
 public:
  Runner(std::filesystem::path path, Mode mode)
      : path_(std::move(path)),
        mode_(mode),
        temp_(MakeTemp()),
        database_(CopyPolicy{.allowed_folders = {path_.parent_path().string(), temp_.string()}}) {}
  ~Runner() {
    std::error_code error;
    std::filesystem::remove_all(temp_, error);
  }

  void Run() {
    std::ifstream in(path_);
    ASSERT_TRUE(in) << path_;
    for (std::string text; std::getline(in, text);) {
      lines_.push_back({static_cast<int>(lines_.size()) + 1, text});
    }
    while (next_ < lines_.size() && !testing::Test::HasFatalFailure()) {
      Step();
    }
  }

 private:
  void Step() {
    const Line line = lines_[next_++];
    if (line.text.empty() || line.text.starts_with('#')) {
      return;
    }
    SCOPED_TRACE(fmt::format("{}:{}: {}", path_.string(), line.number, line.text));
    std::istringstream words(line.text);
    std::string word;
    words >> word;
    if (word == "statement") {
      words >> word;
      std::string rest;
      std::getline(words >> std::ws, rest);
      Statement(word, rest);
    } else if (word == "query") {
      std::string letters;
      std::string order;
      words >> letters >> order;
      Query(letters.size(), order == "rowsort");
    } else if (word == "flush") {
      ASSERT_TRUE(database_.database().FlushAll());
    } else if (word == "restart") {
      database_.Restart();
    } else if (word == "use") {
      words >> word;
      ASSERT_TRUE(database_.session().UseSchema(word));
    } else {
      FAIL() << "what is this?";
    }
  }

  std::string Block(bool stops_at_rule) {
    std::string text;
    while (next_ < lines_.size() && !lines_[next_].text.empty() &&
           !(stops_at_rule && lines_[next_].text == "----")) {
      text += lines_[next_++].text + "\n";
    }
    Replace(text, "{folder}", path_.parent_path().string());
    Replace(text, "{temp}", temp_.string());
    return text;
  }

  static void Replace(std::string& text, std::string_view what, const std::string& with) {
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
      text.replace(at, what.size(), with);
      at += with.size();
    }
  }

  static std::filesystem::path MakeTemp() {
    RandomIdSource ids;
    auto folder = std::filesystem::path(testing::TempDir()) / ids.NewUuid().ToString();
    std::filesystem::create_directories(folder);
    return folder;
  }

  void Statement(const std::string& expected, const std::string& message) {
    const std::string sql = Block(false);
    const auto rows = database_.Rows(sql);
    if (expected == "ok") {
      ASSERT_TRUE(rows) << rows.error().message;
    } else {
      ASSERT_FALSE(rows) << "an error was expected";
      EXPECT_NE(rows.error().message.find(message), std::string::npos) << rows.error().message;
    }
    FlushAfter(sql);
  }

  void FlushAfter(const std::string& sql) {
    std::string verb = sql.substr(0, 6);
    std::ranges::transform(verb, verb.begin(), [](unsigned char c) { return std::toupper(c); });
    if (mode_ == Mode::kFlushed && (verb == "INSERT" || verb.starts_with("COPY"))) {
      ASSERT_TRUE(database_.database().FlushAll());
    }
  }

  void Query(size_t columns, bool sorted) {
    const std::string sql = Block(true);
    std::vector<std::string> expected;
    if (next_ < lines_.size() && lines_[next_].text == "----") {
      ++next_;
      while (next_ < lines_.size() && !lines_[next_].text.empty()) {
        expected.push_back(lines_[next_++].text);
      }
    }
    auto rows = database_.Rows(sql);
    ASSERT_TRUE(rows) << rows.error().message;
    FlushAfter(sql);
    if (sorted) {
      std::ranges::sort(*rows);
      std::ranges::sort(expected);
    }
    EXPECT_EQ(*rows, expected);
    if (!rows->empty()) {
      EXPECT_EQ(std::ranges::count(rows->front(), '\t') + 1, static_cast<int64_t>(columns));
    }
  }

  const std::filesystem::path path_;
  const Mode mode_;
  const std::filesystem::path temp_;
  TestDatabase database_;
  std::vector<Line> lines_;
  size_t next_ = 0;
};

class SqlFile : public testing::Test {
 public:
  SqlFile(std::filesystem::path path, Mode mode) : path_(std::move(path)), mode_(mode) {}
  void TestBody() override { Runner(path_, mode_).Run(); }

 private:
  const std::filesystem::path path_;
  const Mode mode_;
};

int RegisterFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(VARVE_SQL_TESTS)) {
    if (entry.path().extension() == ".test") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const std::string name = file.lexically_relative(VARVE_SQL_TESTS).replace_extension().string();
    for (const Mode mode : {Mode::kMemory, Mode::kFlushed}) {
      testing::RegisterTest(mode == Mode::kMemory ? "SqlInMemory" : "SqlFlushed", name.c_str(),
                            nullptr, nullptr, __FILE__, __LINE__,
                            [file, mode]() -> SqlFile* { return new SqlFile(file, mode); });
    }
  }
  return static_cast<int>(files.size());
}

const int registered_files = RegisterFiles();

TEST(SqlFiles, AreFound) { EXPECT_GT(registered_files, 0); }

}  // namespace
}  // namespace varve
