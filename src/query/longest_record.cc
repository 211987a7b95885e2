#include "query/longest_record.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace varve {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

// Takes a file in pieces.
class RecordScanner {
 public:
  explicit RecordScanner(RecordFormat format) : format_(format) {}

  void Add(std::string_view piece) {
    while (!piece.empty()) {
      const size_t newline = std::min(piece.find('\n'), piece.size());
      const std::string_view line = piece.substr(0, newline);
      if (format_ == RecordFormat::kCsv && std::ranges::count(line, '"') % 2 != 0) {
        within_quotes_ = !within_quotes_;
      }
      length_ += line.size();
      if (newline == piece.size()) {
        return;
      }
      ++length_;
      if (!within_quotes_) {
        longest_ = std::max(longest_, length_);
        begin_ += length_;
        length_ = 0;
      }
      piece.remove_prefix(newline + 1);
    }
  }

  uint64_t longest() const { return std::max(longest_, length_); }
  // Where the record that has begun begins.
  uint64_t begin() const { return begin_; }

 private:
  const RecordFormat format_;
  bool within_quotes_ = false;
  uint64_t begin_ = 0;
  uint64_t length_ = 0;  // of the record that has begun
  uint64_t longest_ = 0;
};

}  // namespace

Result<uint64_t> LongestRecord(const std::string& path, RecordFormat format) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return NotFound("there is no file '{}'", path);
  }
  std::ifstream file(path, std::ios::binary);
  std::vector<char> buffer(kReadBytes);
  RecordScanner scanner(format);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    scanner.Add({buffer.data(), static_cast<size_t>(file.gcount())});
    if (scanner.longest() > kRecordBytesMax) {
      return InvalidArgument("'{}' has a record of more than {} near byte {}: is a quote missing?",
                             path, FormatSize(kRecordBytesMax), scanner.begin());
    }
  }
  if (!file.eof()) {
    return Io("'{}' could not be read: {}", path, std::strerror(errno));
  }
  return scanner.longest();
}

}  // namespace varve
