#include "query/session_settings.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/units.h"

namespace varve {
namespace {

// Longer than any statement that somebody waits for.
constexpr std::chrono::milliseconds kTimeoutMax = std::chrono::days(7);
constexpr size_t kTimeZoneBytesMax = 64;  // the longest IANA name has half of that

// As PostgreSQL: a bare number is milliseconds.
Status SetTimeout(SessionSettings& settings, std::string_view value) {
  const bool bare = !value.empty() && std::ranges::all_of(value, [](unsigned char c) {
    return std::isdigit(c) != 0;
  });
  const auto timeout = ParseDuration(bare ? std::string(value) + "ms" : std::string(value));
  if (!timeout || *timeout > kTimeoutMax) {
    return InvalidArgument(
        "statement_timeout: '{}' is not a duration from 0 (no limit) to {}, like "
        "'500ms', '5s' or '1m30s'",
        value, FormatDuration(kTimeoutMax));
  }
  settings.statement_timeout = *timeout;
  return {};
}

Status SetTimeZone(SessionSettings& settings, std::string_view value) {
  const bool plain = std::ranges::all_of(value, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_+-/:").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (!plain || value.size() > kTimeZoneBytesMax) {
    return InvalidArgument(
        "time_zone: '{}' is neither a name like 'Europe/Berlin' nor an offset "
        "like '+08:00'",
        value);
  }
  settings.time_zone = std::string(value);
  return {};
}

struct Entry {
  std::string_view name;
  std::string_view description;
  Status (*set)(SessionSettings& settings, std::string_view value);
  std::string (*show)(const SessionSettings& settings);
};

constexpr std::array kEntries = {
    Entry{
        "statement_timeout",
        "how long a statement may take from its beginning to its last row; 0s = no limit",
        SetTimeout,
        [](const SessionSettings& settings) { return FormatDuration(settings.statement_timeout); }},
    Entry{"time_zone",
          "where days, weeks, months and years of time_bucket begin; empty = as documented there",
          SetTimeZone, [](const SessionSettings& settings) { return settings.time_zone; }},
};

Result<const Entry*> Find(std::string_view name) {
  const auto found = std::ranges::find_if(kEntries, [&](const Entry& entry) {
    return std::ranges::equal(entry.name, name, {}, {},
                              [](unsigned char c) { return std::tolower(c); });
  });
  if (found == kEntries.end()) {
    std::string known;
    for (const Entry& entry : kEntries) {
      known.append(known.empty() ? "" : ", ").append(entry.name);
    }
    return InvalidArgument("there is no setting '{}'; there are: {}", name, known);
  }
  return &*found;
}

}  // namespace

Result<SessionSettings> WithSessionSetting(SessionSettings settings, std::string_view name,
                                           std::string_view value) {
  VARVE_ASSIGN(const Entry* const entry, Find(name));
  VARVE_TRY(entry->set(settings, value));
  return settings;
}

Result<SessionSettings> WithDefault(SessionSettings settings, std::string_view name,
                                    const SessionSettings& defaults) {
  VARVE_ASSIGN(const Entry* const entry, Find(name));
  VARVE_TRY(entry->set(settings, entry->show(defaults)));
  return settings;
}

std::vector<SettingText> DescribeSettings(const SessionSettings& settings) {
  std::vector<SettingText> texts;
  for (const Entry& entry : kEntries) {
    texts.push_back(
        {std::string(entry.name), entry.show(settings), std::string(entry.description)});
  }
  return texts;
}

}  // namespace varve
