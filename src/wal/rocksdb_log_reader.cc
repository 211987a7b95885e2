#include <fcntl.h>
#include <rocksdb/file_checksum.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "wal/rocksdb_log_reader_internal.h"

namespace varve {
namespace {

constexpr size_t kBlockBytes = 32'768;
constexpr size_t kPieceHeaderBytes = 7;
constexpr size_t kBatchHeaderBytes = 12;
// A multiple of the block: read by read, the file goes past in memory of this size.
constexpr size_t kReadBytes = 64 * kBlockBytes;

enum PieceType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

struct Piece {
  uint8_t type = 0;
  std::string_view data;
};

uint32_t MaskedCrc32c(std::string_view bytes) {
  // RocksDB's own CRC-32C, which uses the CPU's; its name for it in the public headers is that of a
  // file checksum.
  static const auto factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  const auto generator = factory->CreateFileChecksumGenerator({});
  generator->Update(bytes.data(), bytes.size());
  generator->Finalize();
  const std::string digest = generator->GetChecksum();
  uint32_t crc;
  std::memcpy(&crc, digest.data(), sizeof(crc));
  crc = __builtin_bswap32(crc);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// The piece at the start of `bytes`, which end at the block's or the file's end, or why there is
// none.
std::expected<Piece, std::string_view> ParsePiece(std::string_view bytes, bool cut_by_end_of_file) {
  if (bytes.size() < kPieceHeaderBytes) {
    return std::unexpected("the file ends in the head of a record");
  }
  uint32_t crc;
  uint16_t length;
  std::memcpy(&crc, bytes.data(), sizeof(crc));
  std::memcpy(&length, bytes.data() + 4, sizeof(length));
  const auto type = static_cast<uint8_t>(bytes[6]);
  if (type < kFull || type > kLast) {
    return std::unexpected("this is not the head of a record");
  }
  if (length > bytes.size() - kPieceHeaderBytes) {
    return std::unexpected(cut_by_end_of_file ? "the file ends in a record"
                                              : "the length of a record is wrong");
  }
  if (crc != MaskedCrc32c(bytes.substr(kPieceHeaderBytes - 1, length + 1))) {
    return std::unexpected("the checksum of a record is wrong");
  }
  return Piece{type, bytes.substr(kPieceHeaderBytes, length)};
}

// One file, seen block by block.
class BlockFile {
 public:
  static Result<BlockFile> Open(const std::string& path) {
    BlockFile file(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info;
    if (file.fd_ < 0 || ::fstat(file.fd_, &info) != 0) {
      return file.ReadError();
    }
    file.size_ = static_cast<uint64_t>(info.st_size);
    ::posix_fadvise(file.fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
    return file;
  }
  BlockFile(BlockFile&& other) noexcept
      : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  BlockFile& operator=(BlockFile&&) = delete;
  ~BlockFile() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  uint64_t size() const { return size_; }

  // From the offset to the end of its block or of the file. Valid until the next call.
  Result<std::string_view> BlockFrom(uint64_t offset) {
    const uint64_t block_end = std::min(size_, (offset / kBlockBytes + 1) * kBlockBytes);
    if (offset < window_begin_ || block_end > window_begin_ + window_.size()) {
      VARVE_TRY(Load(offset / kBlockBytes * kBlockBytes));
    }
    return std::string_view(window_).substr(offset - window_begin_, block_end - offset);
  }

 private:
  BlockFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::unexpected<Error> ReadError() const {
    return Io("cannot read the log file '{}': {}", path_, std::generic_category().message(errno));
  }

  Status Load(uint64_t begin) {
    window_begin_ = begin;
    window_.resize(std::min<uint64_t>(kReadBytes, size_ - begin));
    size_t done = 0;
    while (done < window_.size()) {
      const ssize_t got = ::pread(fd_, window_.data() + done, window_.size() - done,
                                  static_cast<off_t>(begin + done));
      if (got > 0) {
        done += static_cast<size_t>(got);
      } else if (got == 0) {
        return Io("the log file '{}' shrank while it was read", path_);
      } else if (errno != EINTR) {
        return ReadError();
      }
    }
    return {};
  }

  std::string path_;
  int fd_;
  uint64_t size_ = 0;
  std::string window_;
  uint64_t window_begin_ = 0;
};

class LogReader {
 public:
  explicit LogReader(BlockFile file) : file_(std::move(file)) { out_.size_bytes = file_.size(); }

  Result<LogContents> Run() {
    uint64_t offset = 0;
    while (offset < file_.size() && !out_.damage) {
      VARVE_ASSIGN(offset, Step(offset));
    }
    if (!out_.damage && in_record_) {
      Damage(file_.size(), "the file ends in a record");
    }
    if (out_.damage) {
      VARVE_ASSIGN(out_.damage->next_record, FindRecord(damage_seen_at_));
    }
    return std::move(out_);
  }

 private:
  // Takes the piece at the offset in, returns where the next one is.
  Result<uint64_t> Step(uint64_t offset) {
    const size_t block_rest = kBlockBytes - offset % kBlockBytes;
    if (block_rest < kPieceHeaderBytes) {
      return offset + block_rest;
    }
    VARVE_ASSIGN(const std::string_view bytes, file_.BlockFrom(offset));
    const auto piece = ParsePiece(bytes, bytes.size() < block_rest);
    if (!piece) {
      Damage(offset, piece.error());
      return offset;
    }
    const bool begins = piece->type == kFull || piece->type == kFirst;
    if (begins == in_record_) {
      Damage(offset, begins ? "a record has no end" : "a record has no beginning");
      return offset;
    }
    if (begins) {
      record_begin_ = offset;
      batch_header_.clear();
    }
    batch_header_ += piece->data.substr(0, kBatchHeaderBytes - batch_header_.size());
    const uint64_t next = offset + kPieceHeaderBytes + piece->data.size();
    in_record_ = piece->type == kFirst || piece->type == kMiddle;
    if (!in_record_) {
      TakeRecord(next);
    }
    return next;
  }

  void TakeRecord(uint64_t end) {
    uint64_t sequence = 0;
    uint32_t count = 0;
    if (batch_header_.size() < kBatchHeaderBytes) {
      Damage(record_begin_, "a record is too short");
      return;
    }
    std::memcpy(&sequence, batch_header_.data(), sizeof(sequence));
    std::memcpy(&count, batch_header_.data() + sizeof(sequence), sizeof(count));
    if (out_.next_sequence && sequence > *out_.next_sequence) {
      Damage(record_begin_, "records are missing in front of this one");
      return;
    }
    if (!out_.first_sequence) {
      out_.first_sequence = sequence;
    }
    out_.next_sequence = sequence + count;
    out_.end = end;
  }

  void Damage(uint64_t seen_at, std::string_view reason) {
    damage_seen_at_ = seen_at;
    out_.damage =
        LogDamage{in_record_ ? record_begin_ : seen_at, std::string(reason), std::nullopt};
  }

  // Where at or behind the offset a record begins: every position is tried, because the length that
  // leads to the next one may be what is damaged.
  Result<std::optional<uint64_t>> FindRecord(uint64_t offset) {
    while (offset < file_.size()) {
      VARVE_ASSIGN(const std::string_view bytes, file_.BlockFrom(offset));
      for (size_t i = 0; i + kPieceHeaderBytes + kBatchHeaderBytes <= bytes.size(); ++i) {
        // The first test is all that most positions cost.
        if ((bytes[i + 6] == kFull || bytes[i + 6] == kFirst) &&
            ParsePiece(bytes.substr(i), false)) {
          return offset + i;
        }
      }
      offset += bytes.size();
    }
    return std::nullopt;
  }

  BlockFile file_;
  LogContents out_;
  bool in_record_ = false;
  uint64_t record_begin_ = 0;
  uint64_t damage_seen_at_ = 0;
  std::string batch_header_;
};

}  // namespace

Result<LogContents> ReadRocksDbLog(const std::string& path) {
  VARVE_ASSIGN(BlockFile file, BlockFile::Open(path));
  return LogReader(std::move(file)).Run();
}

}  // namespace varve
