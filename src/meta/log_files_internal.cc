#include "meta/log_files_internal.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace varve {
namespace {

constexpr std::string_view kCheckpointPrefix = "checkpoint-";
constexpr std::string_view kHistoryPrefix = "history-";
constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kHistorySuffix = ".bin";
constexpr size_t kVersionDigits = 20;  // of the largest uint64: names sort as numbers do

// A second attempt follows a lost answer; more of them in a row mean that the store is down.
constexpr int kPutAttemptsMax = 3;

std::optional<VersionId> ParseDigits(std::string_view digits) {
  uint64_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (digits.size() != kVersionDigits || error != std::errc() ||
      end != digits.data() + digits.size() || version == 0) {
    return std::nullopt;
  }
  return VersionId(version);
}

std::optional<VersionId> ParseVersion(std::string_view name) {
  if (!name.ends_with(kSuffix)) {
    return std::nullopt;
  }
  name.remove_suffix(kSuffix.size());
  return ParseDigits(name);
}

// "<first>-<last>.bin"
std::optional<VersionRun> ParseRange(std::string_view name) {
  if (name.size() != 2 * kVersionDigits + 1 + kHistorySuffix.size() ||
      name[kVersionDigits] != '-' || !name.ends_with(kHistorySuffix)) {
    return std::nullopt;
  }
  const auto first = ParseDigits(name.substr(0, kVersionDigits));
  const auto last = ParseDigits(name.substr(kVersionDigits + 1, kVersionDigits));
  return first && last && *first <= *last ? std::optional(VersionRun{*first, *last}) : std::nullopt;
}

std::unexpected<Error> Unsettled(const std::string& path, const Error& error) {
  return UnknownOutcome(
      "'{}' may have been written or not ({}): its outcome shows when it is opened again", path,
      error.message);
}

// After a lost answer. nullopt: the object is not there.
Result<std::optional<PutOutcome>> ReadBack(ObjectStore& store, const std::string& path,
                                           std::string_view bytes) {
  const auto found = store.Get(path);
  if (!found) {
    if (found.error().kind == ErrorKind::kNotFound) {
      return std::nullopt;
    }
    return Unsettled(path, found.error());
  }
  if (*found != bytes) {
    return PutOutcome::kTaken;
  }
  // Visible is not durable: the lost answer may have been that of the sync. The bytes are the same
  // ones, so that replacing them changes nothing but that.
  if (const auto status = store.Put(path, bytes); !status) {
    return Unsettled(path, status.error());
  }
  return PutOutcome::kMade;
}

}  // namespace

Result<PutOutcome> PutOnce(ObjectStore& store, const std::string& path, std::string_view bytes) {
  std::optional<Error> lost_answer;
  for (int attempt = 0; attempt < kPutAttemptsMax; ++attempt) {
    const auto status = store.PutIfAbsent(path, bytes);
    if (status) {
      return PutOutcome::kMade;
    }
    const ErrorKind kind = status.error().kind;
    if (!lost_answer && kind == ErrorKind::kAlreadyExists) {
      return PutOutcome::kTaken;
    }
    if (kind == ErrorKind::kUnknownOutcome) {
      lost_answer = status.error();
    } else if (kind != ErrorKind::kAlreadyExists) {
      // A request whose answer was lost may still be under way, whatever this attempt says.
      return lost_answer ? Unsettled(path, *lost_answer) : std::unexpected(status.error());
    }
    VARVE_ASSIGN(const std::optional<PutOutcome> outcome, ReadBack(store, path, bytes));
    if (outcome) {
      return *outcome;
    }
  }
  return Unsettled(path, *lost_answer);
}

std::unexpected<Error> Damaged(const ObjectStore& store, std::string_view path,
                               std::string_view reason) {
  return Corruption(
      "the file '{}' of {} is damaged: {}; restore this file from a backup, nothing was changed",
      path, store.Describe(), reason);
}

std::unexpected<Error> DecodeFailed(const ObjectStore& store, std::string_view path,
                                    const Error& error) {
  if (error.kind == ErrorKind::kNotSupported) {
    return NotSupported("cannot read the file '{}' of {}: {}", path, store.Describe(),
                        error.message);
  }
  return Damaged(store, path, error.message);
}

VersionId LogListing::newest() const {
  const VersionId edit = edits.empty() ? VersionId() : edits.rbegin()->first;
  return checkpoints.empty() ? edit : std::max(edit, checkpoints.rbegin()->first);
}

bool LogListing::IsBase(VersionId version) const {
  return checkpoints.contains(version) || (version == VersionId(1) && edits.contains(version));
}

std::vector<VersionRun> LogListing::Runs() const {
  std::vector<VersionRun> runs;
  const auto add = [&](VersionId base) {
    if (!runs.empty() && base <= runs.back().last) {
      return;
    }
    VersionId last = base;
    for (auto edit = edits.upper_bound(base);
         edit != edits.end() && edit->first.value() == last.value() + 1; ++edit) {
      last = edit->first;
    }
    runs.push_back({base, last});
  };
  if (IsBase(VersionId(1))) {
    add(VersionId(1));
  }
  for (const auto& [base, size] : checkpoints) {
    add(base);
  }
  // A checkpoint behind the last edit of a run goes on with it.
  for (size_t i = 1; i < runs.size();) {
    if (runs[i].first.value() == runs[i - 1].last.value() + 1) {
      runs[i - 1].last = runs[i].last;
      runs.erase(runs.begin() + static_cast<ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return runs;
}

std::optional<VersionId> FirstMissing(const LogListing& listing) {
  const std::vector<VersionRun> runs = listing.Runs();
  for (const VersionRun& run : runs) {
    const bool newest = run.last == listing.newest();
    const bool last_run = run.last == runs.back().last;
    if (!newest && (last_run || !listing.IsBase(run.last))) {
      return VersionId(run.last.value() + 1);
    }
  }
  return runs.empty() && !listing.empty() ? std::optional(VersionId(1)) : std::nullopt;
}

std::string EditPath(std::string_view folder, VersionId version) {
  return fmt::format("{}/{:020}{}", folder, version.value(), kSuffix);
}

std::string CheckpointPath(std::string_view folder, VersionId version) {
  return fmt::format("{}/{}{:020}{}", folder, kCheckpointPrefix, version.value(), kSuffix);
}

std::string HistoryPath(std::string_view folder, const VersionRun& range) {
  return fmt::format("{}/{}{:020}-{:020}{}", folder, kHistoryPrefix, range.first.value(),
                     range.last.value(), kHistorySuffix);
}

Result<LogListing> ListLog(ObjectStore& store, std::string_view folder) {
  VARVE_ASSIGN(const std::vector<ObjectInfo> objects, store.List(folder));
  LogListing listing;
  for (const ObjectInfo& object : objects) {
    std::string_view name = object.path;
    name.remove_prefix(folder.size() + 1);
    if (name.starts_with(kHistoryPrefix)) {
      name.remove_prefix(kHistoryPrefix.size());
      if (const auto range = ParseRange(name)) {
        listing.histories.push_back({*range, object.size_bytes});
      }
      continue;
    }
    const bool checkpoint = name.starts_with(kCheckpointPrefix);
    if (checkpoint) {
      name.remove_prefix(kCheckpointPrefix.size());
    }
    if (const auto version = ParseVersion(name)) {
      auto& files = checkpoint ? listing.checkpoints : listing.edits;
      files.emplace_hint(files.end(), *version, object.size_bytes);
    }
  }
  return listing;
}

}  // namespace varve
