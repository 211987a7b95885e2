#include "meta/savepoints.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.h"
#include "meta/log_files_internal.h"
#include "meta/savepoint_format.h"
#include "meta/table_log.h"

namespace varve {
namespace {

constexpr std::string_view kPrefix = "savepoint-";
constexpr std::string_view kSuffix = ".json";

// nullopt: not a name of a savepoint.
std::optional<SavepointId> IdOf(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
      name.size() <= kPrefix.size() + kSuffix.size()) {
    return std::nullopt;
  }
  name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && id > 0 && fmt::format("{}", id) == name ? std::optional(SavepointId(id))
                                                          : std::nullopt;
}

std::optional<Savepoint> FindByName(const std::map<SavepointId, Savepoint>& savepoints,
                                    std::string_view name) {
  const auto found = std::ranges::find(
      savepoints, name, [](const auto& entry) { return std::string_view(entry.second.name); });
  return found == savepoints.end() || name.empty() ? std::nullopt : std::optional(found->second);
}

std::unexpected<Error> NoSuch(SavepointId id) { return NotFound("there is no savepoint {}", id); }

}  // namespace

Savepoints::Savepoints(ObjectStore& store, const Uuid& table) : store_(store), table_(table) {}

std::string Savepoints::Folder(const Uuid& table) { return TableLog::Folder(table) + "/savepoint"; }

std::string Savepoints::Path(const Uuid& table, SavepointId id) {
  return fmt::format("{}/{}{}{}", Folder(table), kPrefix, id.value(), kSuffix);
}

Status Savepoints::LoadLocked() {
  if (loaded_) {
    return {};
  }
  savepoints_.clear();
  last_ = SavepointId();
  VARVE_ASSIGN(const auto objects, store_.List(Folder(table_)));
  for (const ObjectInfo& object : objects) {
    const auto id = IdOf(object.path);
    if (!id) {
      continue;
    }
    VARVE_ASSIGN(const std::string bytes, store_.Get(object.path));
    auto decoded = DecodeSavepoint(bytes);
    if (!decoded) {
      return DecodeFailed(store_, object.path, decoded.error());
    }
    if (decoded->id != *id) {
      return Damaged(store_, object.path, fmt::format("it holds savepoint {}", decoded->id));
    }
    last_ = std::max(last_, *id);
    if (decoded->savepoint) {
      savepoints_[*id] = *std::move(decoded->savepoint);
    }
  }
  loaded_ = true;
  return {};
}

Result<std::vector<Savepoint>> Savepoints::List() {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  std::vector<Savepoint> out;
  out.reserve(savepoints_.size());
  for (const auto& [id, savepoint] : savepoints_) {
    out.push_back(savepoint);
  }
  return out;
}

Result<std::optional<Savepoint>> Savepoints::Find(SavepointId id) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  const auto found = savepoints_.find(id);
  return found == savepoints_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<Savepoint>> Savepoints::Find(std::string_view name) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  return FindByName(savepoints_, name);
}

Result<bool> Savepoints::Exists(SavepointId id) {
  VARVE_ASSIGN(const auto found, Find(id));
  return found.has_value();
}

Result<std::optional<SavepointId>> Savepoints::Earliest() {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  return savepoints_.empty() ? std::nullopt : std::optional(savepoints_.begin()->first);
}

Result<std::optional<SavepointId>> Savepoints::Latest() {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  return savepoints_.empty() ? std::nullopt : std::optional(savepoints_.rbegin()->first);
}

Result<Savepoint> Savepoints::Create(Savepoint savepoint) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  if (!savepoint.name.empty()) {
    VARVE_TRY(CheckSavepointName(savepoint.name));
    if (const auto taken = FindByName(savepoints_, savepoint.name)) {
      return AlreadyExists("there is a savepoint '{}' already, number {}", savepoint.name,
                           taken->id);
    }
  }
  if (savepoints_.size() >= kSavepointsMax) {
    return ResourceExhausted("there are {} savepoints, which is the limit: drop some",
                             savepoints_.size());
  }
  auto made = CreateLocked(std::move(savepoint));
  if (!made && made.error().kind == ErrorKind::kUnknownOutcome) {
    ForgetLocked();
  }
  return made;
}

Result<Savepoint> Savepoints::CreateLocked(Savepoint savepoint) {
  while (true) {
    savepoint.id = SavepointId(last_.value() + 1);
    VARVE_ASSIGN(const std::string bytes, EncodeSavepoint(savepoint));
    VARVE_ASSIGN(const PutOutcome outcome, PutOnce(store_, Path(table_, savepoint.id), bytes));
    const SavepointId before = std::exchange(last_, savepoint.id);
    if (outcome == PutOutcome::kTaken) {
      loaded_ = false;  // another process has given it: see next time what it is
      continue;
    }
    savepoints_[savepoint.id] = savepoint;
    // Only the largest id needs a file that says that it was dropped.
    if (before != SavepointId() && !savepoints_.contains(before)) {
      if (const Status removed = store_.Delete(Path(table_, before)); !removed) {
        LogDebug("'{}' is left: {}", Path(table_, before), removed.error().message);
      }
    }
    return savepoint;
  }
}

Status Savepoints::Replace(Savepoint savepoint) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  const auto found = savepoints_.find(savepoint.id);
  if (found == savepoints_.end()) {
    return NoSuch(savepoint.id);
  }
  VARVE_ASSIGN(const std::string bytes, EncodeSavepoint(savepoint));
  if (Status put = store_.Put(Path(table_, savepoint.id), bytes); !put) {
    ForgetLocked();
    return put;
  }
  found->second = std::move(savepoint);
  return {};
}

Status Savepoints::Drop(SavepointId id) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  if (!savepoints_.contains(id)) {
    return NoSuch(id);
  }
  if (Status dropped = DropLocked(id); !dropped) {
    ForgetLocked();
    return dropped;
  }
  savepoints_.erase(id);
  return {};
}

Status Savepoints::DropLocked(SavepointId id) {
  if (id != last_) {
    return store_.Delete(Path(table_, id));
  }
  VARVE_ASSIGN(const std::string bytes, EncodeDroppedSavepoint(id));
  return store_.Put(Path(table_, id), bytes);
}

}  // namespace varve
