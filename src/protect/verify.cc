#include "protect/verify.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/checksum.h"
#include "protect/snapshot_error.h"
#include "protect/snapshot_folder.h"

namespace varve {
namespace {

constexpr uint64_t kSampleOneOf = 10;

struct Expected {
  uint64_t size_bytes = 0;
  std::string sha256;
};

class Verification {
 public:
  Verification(ObjectStore& store, const VerifyOptions& options, VerifyReport& report)
      : store_(store), options_(options), report_(report) {}

  Status Run() {
    CheckSums();
    CollectExpected();
    VARVE_TRY(CheckListing());
    std::vector<std::string_view> paths;
    for (const auto& [path, expected] : expected_) {
      if (present_.contains(path) && IsRead(path)) {
        paths.push_back(path);
      }
    }
    return ReadAll(paths);
  }

 private:
  template <class... Args>
  void Find(std::string_view name, fmt::format_string<Args...> format, Args&&... args) {
    report_.findings.push_back(
        fmt::format("{}: {}", name, fmt::format(format, std::forward<Args>(args)...)));
  }

  // The manifest against itself.
  void CheckSums() {
    const Manifest& manifest = report_.manifest;
    for (const Chunk& chunk : manifest.chunks) {
      if (chunk.status != ChunkStatus::kCompleted && chunk.status != ChunkStatus::kSkipped) {
        Find(kSnapshotIncomplete, "chunk {} is {}", chunk.id, ChunkStatusName(chunk.status));
      } else if (chunk.status == ChunkStatus::kCompleted &&
                 chunk.checksum != ChunkChecksum(chunk.files)) {
        Find(kChecksumMismatch, "{}: the checksum of chunk {} is not that of its files",
             kManifestPath, chunk.id);
      }
    }
    if (manifest.checksum != SnapshotChecksum(manifest)) {
      Find(kChecksumMismatch, "{}: its checksum is not that of its chunks", kManifestPath);
    }
  }

  void CollectExpected() {
    for (const SchemaFile& file : report_.manifest.schema_files) {
      expected_[file.path] = {file.size_bytes, file.sha256};
    }
    for (const Chunk& chunk : report_.manifest.chunks) {
      for (const SnapshotFile& file : chunk.files) {
        expected_[file.path] = {file.size_bytes, file.sha256};
      }
    }
  }

  Status CheckListing() {
    VARVE_ASSIGN(const auto objects, store_.List(""));
    for (const ObjectInfo& object : objects) {
      if (object.path == kManifestPath || object.path == kCompletePath ||
          SnapshotFolder::IsState(object.path)) {
        continue;
      }
      const auto expected = expected_.find(object.path);
      if (expected == expected_.end()) {
        Find(kFileUnexpected, "{}: the manifest does not name it", object.path);
        continue;
      }
      present_[object.path] = true;
      ++report_.files;
      if (object.size_bytes != expected->second.size_bytes) {
        Find(kChecksumMismatch, "{}: it has {} bytes, {} were written", object.path,
             object.size_bytes, expected->second.size_bytes);
        present_.erase(object.path);  // there is no need to read it
      }
    }
    for (const auto& [path, expected] : expected_) {
      const bool listed = std::ranges::binary_search(objects, path, {}, &ObjectInfo::path);
      if (!listed) {
        Find(kFileMissing, "{}: it is not there", path);
      }
    }
    return {};
  }

  bool IsRead(const std::string& path) const {
    if (options_.mode == VerifyMode::kFull || path.starts_with("schema/")) {
      return true;
    }
    return options_.mode == VerifyMode::kSample && Xxh3(path) % kSampleOneOf == 0;
  }

  // Findings are in the order of paths, whoever makes them.
  Status ReadAll(const std::vector<std::string_view>& paths) {
    std::vector<HashedObject> hashed(paths.size());
    std::atomic<size_t> next = 0;
    std::atomic<bool> failed = false;
    std::mutex mutex;
    Status first;
    const auto work = [&] {
      for (size_t i = next++; i < paths.size() && !failed; i = next++) {
        auto one = HashObject(store_, paths[i], options_.pace);
        if (one) {
          hashed[i] = *std::move(one);
        } else if (const std::lock_guard lock(mutex); !failed.exchange(true)) {
          first = std::unexpected(std::move(one).error());
        }
      }
    };
    {
      std::vector<std::jthread> threads;
      for (size_t i = 1; i < std::min<uint64_t>(options_.parallelism, paths.size()); ++i) {
        threads.emplace_back(work);
      }
      work();
    }
    VARVE_TRY(first);
    for (size_t i = 0; i < paths.size(); ++i) {
      Note(paths[i], std::move(hashed[i]));
    }
    return {};
  }

  void Note(std::string_view path, HashedObject hashed) {
    report_.bytes_read += hashed.size_bytes;
    const std::string& expected = expected_.find(path)->second.sha256;
    if (hashed.sha256 == expected) {
      report_.hashes.emplace(path, std::move(hashed));
    } else {
      report_.findings.push_back(ChecksumMismatch(path, expected, hashed.sha256).error().message);
    }
  }

  ObjectStore& store_;
  const VerifyOptions& options_;
  VerifyReport& report_;
  std::map<std::string, Expected, std::less<>> expected_;
  std::map<std::string, bool> present_;
};

}  // namespace

Result<VerifyMode> ParseVerifyMode(std::string_view text) {
  if (text == "head") {
    return VerifyMode::kHead;
  }
  if (text == "sample") {
    return VerifyMode::kSample;
  }
  if (text == "full") {
    return VerifyMode::kFull;
  }
  return InvalidArgument("'{}' is no way to verify: they are head, sample and full", text);
}

Result<VerifyReport> VerifySnapshot(ObjectStore& store, const VerifyOptions& options) {
  VerifyReport report;
  VARVE_ASSIGN(report.manifest, SnapshotFolder(store).LoadComplete());
  VARVE_TRY(Verification(store, options, report).Run());
  return report;
}

Status ToStatus(const VerifyReport& report) {
  if (report.findings.empty()) {
    return {};
  }
  std::string text;
  for (size_t i = 0; i < std::min(report.findings.size(), kFindingsShownMax); ++i) {
    text += (i == 0 ? "" : "\n") + report.findings[i];
  }
  if (report.findings.size() > kFindingsShownMax) {
    text += fmt::format("\nand {} more", report.findings.size() - kFindingsShownMax);
  }
  return Corruption("{}", text);
}

}  // namespace varve
