#include "query/bucket_zone.h"

#include <duckdb/storage/object_cache.hpp>
#include <string>
#include <utility>
#include <vector>

#include "query/duckdb_bridge.h"

namespace varve {
namespace {

struct BucketZoneState final : public duckdb::ClientContextState {
  static constexpr const char* kKey = "varve_bucket_zone";
  std::shared_ptr<const TimeZone> zone;
};

// One per zone name and instance. There are some 600 names of a few KiB each, so none is let go.
struct CachedZone final : public duckdb::ObjectCacheEntry {
  explicit CachedZone(std::shared_ptr<const TimeZone> known) : zone(std::move(known)) {}
  static std::string ObjectType() { return "varve_time_zone"; }
  std::string GetObjectType() override { return ObjectType(); }
  duckdb::optional_idx GetEstimatedCacheMemory() const override { return {}; }
  const std::shared_ptr<const TimeZone> zone;
};

// Before, zones had local mean time, which nobody stores points in.
constexpr int64_t kFirstProbeSecond = -3'786'825'600;  // 1850-01-01
constexpr int64_t kLastProbeSecond = (kZoneCycleStartUs + kZoneCycleUs) / kMicrosPerSecond;
// No zone has changed its clocks twice within a week.
constexpr int64_t kProbeStepSeconds = 7 * 86'400;

const std::shared_ptr<const TimeZone>& DefaultZone() {
  static const auto zone =
      std::make_shared<const TimeZone>(TimeZone::Fixed(kBucketOffsetDefaultUs));
  return zone;
}

template <class... Parameters>
duckdb::unique_ptr<duckdb::QueryResult> Query(duckdb::Connection& connection,
                                              const std::string& sql, Parameters... parameters) {
  auto result = connection.Query(sql, std::move(parameters)...);
  if (result->HasError()) {
    result->ThrowError();
  }
  return result;
}

// The name as ICU spells it.
std::string KnownName(duckdb::Connection& connection, std::string_view name) {
  const auto rows = Query(connection,
                          "SELECT name FROM pg_timezone_names() WHERE lower(name) = lower($1) "
                          "ORDER BY name = $1 DESC LIMIT 1",
                          duckdb::Value(std::string(name)));
  const auto found = rows->Fetch();
  if (!found || found->size() == 0) {
    Throw(Error{ErrorKind::kInvalidArgument,
                fmt::format("there is no time zone '{}': name one like 'Europe/Berlin', an offset "
                            "like '+08:00' or 'UTC'",
                            name)});
  }
  return found->GetValue(0, 0).GetValue<std::string>();
}

// How many seconds ahead of UTC the zone's clocks are, at each of the times.
std::vector<int64_t> OffsetsAt(duckdb::Connection& connection, const std::string& zone,
                               const std::vector<int64_t>& seconds) {
  duckdb::vector<duckdb::Value> values(seconds.begin(), seconds.end());
  const auto rows = Query(
      connection,
      "SELECT epoch_us(timezone($1, make_timestamptz(s * 1000000))) // 1000000 - s FROM "
      "unnest($2) WITH ORDINALITY AS given(s, place) ORDER BY place",
      duckdb::Value(zone), duckdb::Value::LIST(duckdb::LogicalType::BIGINT, std::move(values)));
  std::vector<int64_t> offsets;
  for (auto chunk = rows->Fetch(); chunk && chunk->size() > 0; chunk = rows->Fetch()) {
    chunk->Flatten();
    const auto* found = duckdb::FlatVector::GetData<int64_t>(chunk->data[0]);
    offsets.insert(offsets.end(), found, found + chunk->size());
  }
  return offsets;
}

// A change of clocks after `before` and not after `after`, in seconds.
struct Search {
  int64_t before;
  int64_t after;
  int64_t offset_before;
  int64_t offset_after;
};

std::vector<Search> WeeksWithChanges(const std::vector<int64_t>& probes,
                                     const std::vector<int64_t>& offsets) {
  std::vector<Search> searches;
  for (size_t i = 1; i < probes.size(); ++i) {
    if (offsets[i] != offsets[i - 1]) {
      searches.push_back({probes[i - 1], probes[i], offsets[i - 1], offsets[i]});
    }
  }
  return searches;
}

TimeZone ReadZone(duckdb::Connection& connection, const std::string& name) {
  std::vector<int64_t> probes;
  for (int64_t at = kFirstProbeSecond; at <= kLastProbeSecond; at += kProbeStepSeconds) {
    probes.push_back(at);
  }
  const std::vector<int64_t> offsets = OffsetsAt(connection, name, probes);
  std::vector<Search> searches = WeeksWithChanges(probes, offsets);
  // All weeks are halved together: a query for each would take seconds.
  for (int64_t width = kProbeStepSeconds; width > 1; width = (width + 1) / 2) {
    std::vector<int64_t> middles;
    for (const Search& search : searches) {
      middles.push_back(search.before + (search.after - search.before) / 2);
    }
    const std::vector<int64_t> found = OffsetsAt(connection, name, middles);
    for (size_t i = 0; i < searches.size(); ++i) {
      (found[i] == searches[i].offset_before ? searches[i].before : searches[i].after) = middles[i];
    }
  }
  std::vector<TimeZone::Change> changes;
  for (const Search& search : searches) {
    changes.push_back({search.after * kMicrosPerSecond, search.offset_after * kMicrosPerSecond});
  }
  return TimeZone(offsets.front() * kMicrosPerSecond, std::move(changes));
}

std::shared_ptr<const TimeZone> NamedZone(duckdb::ClientContext& context, std::string_view name) {
  auto& cache = duckdb::ObjectCache::GetObjectCache(context);
  // Its own connection: that of the session may be in a transaction.
  duckdb::Connection connection(*context.db);
  const std::string known = KnownName(connection, name);
  const std::string key = "varve_time_zone " + known;
  if (const auto cached = cache.Get<CachedZone>(key)) {
    return cached->zone;
  }
  auto zone = std::make_shared<const TimeZone>(ReadZone(connection, known));
  cache.Put(key, duckdb::make_shared_ptr<CachedZone>(zone));
  return zone;
}

}  // namespace

Status UseBucketZone(duckdb::Connection& connection, std::string_view name) {
  return Caught([&] {
    duckdb::ClientContext& context = *connection.context;
    auto state = context.registered_state->GetOrCreate<BucketZoneState>(BucketZoneState::kKey);
    if (name.empty()) {
      state->zone = DefaultZone();
    } else if (const auto offset = TimeZone::OfOffset(name)) {
      state->zone = std::make_shared<const TimeZone>(*offset);
    } else {
      state->zone = NamedZone(context, name);
    }
  });
}

std::shared_ptr<const TimeZone> BucketZoneOf(duckdb::ClientContext& context) {
  const auto state = context.registered_state->Get<BucketZoneState>(BucketZoneState::kKey);
  return state && state->zone ? state->zone : DefaultZone();
}

}  // namespace varve
