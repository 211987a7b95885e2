// Reading the versions of a table one after the other, and who is how far with it.
#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "engine/table.h"

namespace varve {
namespace {

// A walk, and what has to live as long. The version before the one that was given last is still
// being compared with it.
class PinnedWalk final : public VersionWalk {
 public:
  // `pin` holds the versions from the one that it is called with; nullopt: none any more.
  using Pin = std::function<void(std::optional<VersionId> from)>;
  PinnedWalk(Pin pin, std::shared_ptr<const TableLog> log, std::unique_ptr<VersionWalk> walk)
      : pin_(std::move(pin)), log_(std::move(log)), walk_(std::move(walk)) {}
  ~PinnedWalk() override { pin_(std::nullopt); }

  Result<std::shared_ptr<const Version>> Next() override {
    VARVE_ASSIGN(auto version, walk_->Next());
    if (version != nullptr) {
      pin_(VersionId(version->id.value() - 1));
    }
    return version;
  }

 private:
  const Pin pin_;
  const std::shared_ptr<const TableLog> log_;
  const std::unique_ptr<VersionWalk> walk_;
};

// The smallest version from which on all are there up to the one at `last`; VersionId(): version 1
// is among them.
VersionId StartOfChanges(const std::vector<VersionSummary>& versions, size_t last) {
  size_t first = last;
  while (first > 0 && versions[first - 1].id.value() + 1 == versions[first].id.value()) {
    --first;
  }
  return versions[first].id == VersionId(1) ? VersionId() : versions[first].id;
}

}  // namespace

Result<VersionId> Table::FindChangesStart(const VersionRef& ref) const {
  if (const auto* id = std::get_if<VersionId>(&ref)) {
    return *id;
  }
  if (const auto* time = std::get_if<TimestampUs>(&ref)) {
    VARVE_ASSIGN(const auto versions, Versions());
    if (versions.front().id == VersionId(1) && *time < versions.front().committed_at) {
      return VersionId();
    }
  }
  VARVE_ASSIGN(const auto version, FindVersion(ref));
  return version->id;
}

Result<VersionId> Table::OldestChangesStart() const {
  VARVE_ASSIGN(const auto versions, Versions());
  return StartOfChanges(versions, versions.size() - 1);
}

Status Table::CheckChangesThere(VersionId from, VersionId to) const {
  if (to < from) {
    return InvalidArgument("the changes of table {} go forward: snapshot {} is before snapshot {}",
                           name(), to, from);
  }
  VARVE_ASSIGN(const auto versions, Versions());
  const auto last = std::ranges::find(versions, to, &VersionSummary::id);
  if (last == versions.end()) {
    return NotFound("table {} has no {}: it has expired or never was; {}", name(), Describe(to),
                    DescribeVersions());
  }
  const VersionId oldest = StartOfChanges(versions, static_cast<size_t>(last - versions.begin()));
  if (from < oldest) {
    return NotFound(
        "changes of table {} after snapshot {} have expired: the oldest that can be read are those "
        "after snapshot {}; read that snapshot or a newer one whole, and go on from there; {}",
        name(), from, oldest, DescribeVersions());
  }
  return {};
}

Result<std::unique_ptr<VersionWalk>> Table::WalkVersions(VersionId from, VersionId to) const {
  std::lock_guard pinning(pins_mutex_);
  VARVE_TRY(CheckChangesThere(from, to));
  std::shared_ptr<const TableLog> log = this->log();
  VARVE_ASSIGN(auto walk, log->Walk(from));
  std::optional<std::multiset<VersionId>::iterator> first;
  {
    std::lock_guard lock(walks_mutex_);
    first = walks_.insert(from);
  }
  const auto pin = [table = shared_from_this(),
                    place = first](std::optional<VersionId> next) mutable {
    std::lock_guard lock(table->walks_mutex_);
    table->walks_.erase(*std::exchange(place, std::nullopt));
    if (next) {
      place = table->walks_.insert(*next);
    }
  };
  return std::make_unique<PinnedWalk>(pin, std::move(log), std::move(walk));
}

Result<Consumer> Table::FindConsumer(std::string_view name) const {
  VARVE_ASSIGN(const auto found, consumers_.Find(name));
  if (!found) {
    return NotFound("table {} has no consumer '{}': it was deleted, has expired or never was",
                    this->name(), name);
  }
  return *found;
}

Result<Consumer> Table::CreateConsumer(std::string_view name, VersionId position) {
  std::lock_guard pinning(pins_mutex_);
  if (dropped_) {
    return NotFound("Table not found, table:{}", this->name());
  }
  VARVE_TRY(CheckChangesThere(position, current_version()));
  const TimestampUs now = services_.clock->Now();
  Consumer consumer{std::string(name), VersionId(position.value() + 1), now, now};
  if (auto status = consumers_.Create(consumer); !status) {
    return std::unexpected(status.error().WithContext(fmt::format("table {}", this->name())));
  }
  return consumer;
}

Result<Consumer> Table::MoveConsumer(std::string_view name, VersionId position) {
  VARVE_ASSIGN(Consumer consumer, FindConsumer(name));
  if (position > current_version()) {
    return InvalidArgument("table {} has no snapshot {} yet: the newest one is {}", this->name(),
                           position, current_version());
  }
  VARVE_TRY(CheckChangesThere(position, current_version()));
  consumer.next_snapshot_id = VersionId(position.value() + 1);
  consumer.update_time = services_.clock->Now();
  VARVE_TRY(consumers_.Replace(consumer));
  return consumer;
}

Result<Consumer> Table::AdvanceConsumer(std::string_view name, VersionId position) {
  std::lock_guard pinning(pins_mutex_);
  VARVE_ASSIGN(const Consumer consumer, FindConsumer(name));
  return MoveConsumer(name, std::max(position, consumer.position()));
}

Result<Consumer> Table::ResetConsumer(std::string_view name, VersionId position) {
  std::lock_guard pinning(pins_mutex_);
  return MoveConsumer(name, position);
}

Status Table::DropConsumer(std::string_view name) {
  std::lock_guard pinning(pins_mutex_);
  VARVE_TRY(FindConsumer(name));
  return consumers_.Drop(name);
}

bool Table::IsExpired(const Consumer& consumer) const {
  const auto kept = options().consumer_expiration_time;
  return kept && services_.clock->Now().value() - consumer.update_time.value() >
                     std::chrono::microseconds(*kept).count();
}

Result<size_t> Table::ExpireConsumers() {
  std::lock_guard pinning(pins_mutex_);
  VARVE_ASSIGN(const auto consumers, consumers_.List());
  size_t expired = 0;
  for (const Consumer& consumer : consumers) {
    if (IsExpired(consumer)) {
      VARVE_TRY(consumers_.Drop(consumer.name));
      ++expired;
    }
  }
  return expired;
}

Result<std::optional<VersionId>> Table::FirstUnread() const {
  VARVE_ASSIGN(const auto consumers, consumers_.List());
  std::optional<VersionId> first;
  const auto add = [&](VersionId id) { first = first ? std::min(*first, id) : id; };
  for (const Consumer& consumer : consumers) {
    if (!IsExpired(consumer)) {
      add(consumer.position());
    }
  }
  std::lock_guard lock(walks_mutex_);
  if (!walks_.empty()) {
    add(*walks_.begin());
  }
  return first;
}

}  // namespace varve
