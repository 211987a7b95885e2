#include "meta/consumers.h"

#include <utility>

#include "meta/consumer_format.h"
#include "meta/log_files_internal.h"
#include "meta/table_log.h"

namespace varve {
namespace {

constexpr std::string_view kPrefix = "consumer-";
constexpr std::string_view kSuffix = ".json";

// nullopt: not a file of a consumer.
std::optional<std::string_view> NameOf(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
      name.size() <= kPrefix.size() + kSuffix.size()) {
    return std::nullopt;
  }
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  return CheckConsumerName(name) ? std::optional(name) : std::nullopt;
}

std::unexpected<Error> NoSuch(std::string_view name) {
  return NotFound("there is no consumer '{}'", name);
}

}  // namespace

Consumers::Consumers(ObjectStore& store, const Uuid& table) : store_(store), table_(table) {}

std::string Consumers::Folder(const Uuid& table) { return TableLog::Folder(table) + "/consumer"; }

std::string Consumers::Path(const Uuid& table, std::string_view name) {
  return fmt::format("{}/{}{}{}", Folder(table), kPrefix, name, kSuffix);
}

Status Consumers::LoadLocked() {
  if (loaded_) {
    return {};
  }
  consumers_.clear();
  VARVE_ASSIGN(const auto objects, store_.List(Folder(table_)));
  for (const ObjectInfo& object : objects) {
    const auto name = NameOf(object.path);
    if (!name) {
      continue;
    }
    VARVE_ASSIGN(const std::string bytes, store_.Get(object.path));
    auto decoded = DecodeConsumer(bytes);
    if (!decoded) {
      return DecodeFailed(store_, object.path, decoded.error());
    }
    if (decoded->name != *name) {
      return Damaged(store_, object.path, fmt::format("it holds consumer '{}'", decoded->name));
    }
    consumers_[std::string(*name)] = *std::move(decoded);
  }
  loaded_ = true;
  return {};
}

Status Consumers::WriteLocked(const std::function<Status()>& write) {
  Status status = write();
  if (!status) {
    loaded_ = false;
  }
  return status;
}

Result<std::vector<Consumer>> Consumers::List() {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  std::vector<Consumer> out;
  out.reserve(consumers_.size());
  for (const auto& [name, consumer] : consumers_) {
    out.push_back(consumer);
  }
  return out;
}

Result<std::optional<Consumer>> Consumers::Find(std::string_view name) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  const auto found = consumers_.find(name);
  return found == consumers_.end() ? std::nullopt : std::optional(found->second);
}

Status Consumers::Create(Consumer consumer) {
  VARVE_TRY(CheckConsumerName(consumer.name));
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  if (consumers_.contains(consumer.name)) {
    return AlreadyExists("there is a consumer '{}' already", consumer.name);
  }
  if (consumers_.size() >= kConsumersMax) {
    return ResourceExhausted("there are {} consumers, which is the limit: delete some",
                             consumers_.size());
  }
  VARVE_ASSIGN(const std::string bytes, EncodeConsumer(consumer));
  VARVE_TRY(WriteLocked([&]() -> Status {
    VARVE_ASSIGN(const PutOutcome outcome, PutOnce(store_, Path(table_, consumer.name), bytes));
    return outcome == PutOutcome::kMade
               ? Status()
               : AlreadyExists("there is a consumer '{}' already", consumer.name);
  }));
  consumers_[consumer.name] = std::move(consumer);
  return {};
}

Status Consumers::Replace(Consumer consumer) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  const auto found = consumers_.find(consumer.name);
  if (found == consumers_.end()) {
    return NoSuch(consumer.name);
  }
  VARVE_ASSIGN(const std::string bytes, EncodeConsumer(consumer));
  VARVE_TRY(WriteLocked([&] { return store_.Put(Path(table_, consumer.name), bytes); }));
  found->second = std::move(consumer);
  return {};
}

Status Consumers::Drop(std::string_view name) {
  const std::lock_guard lock(mutex_);
  VARVE_TRY(LoadLocked());
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) {
    return NoSuch(name);
  }
  VARVE_TRY(WriteLocked([&] { return store_.Delete(Path(table_, name)); }));
  consumers_.erase(found);
  return {};
}

}  // namespace varve
