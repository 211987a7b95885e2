// SessionSettings: what a session may be told by SET, by a header or by a parameter of a request.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace varve {

struct SessionSettings {
  // From the beginning of a statement to its last row; 0 = no limit.
  std::chrono::milliseconds statement_timeout{0};
  // In which days, weeks, months and years begin: an IANA name ("Europe/Berlin") or an offset
  // ("+08:00"); "" = not told: each function then does what its documentation says.
  std::string time_zone;

  bool operator==(const SessionSettings&) const = default;
};

// The settings with one of them changed. Names in any case. Errors: kInvalidArgument that says
// what is allowed; for an unknown name also which there are. Whether a time zone of that name
// exists is for Session::ChangeSettings to find out.
Result<SessionSettings> WithSessionSetting(SessionSettings settings, std::string_view name,
                                           std::string_view value);
// The settings with that one as it is in `defaults`. Errors: kInvalidArgument for an unknown name.
Result<SessionSettings> WithDefault(SessionSettings settings, std::string_view name,
                                    const SessionSettings& defaults);

struct SettingText {
  std::string name;
  std::string value;  // as SET takes it
  std::string description;
};
// All settings, sorted by name.
std::vector<SettingText> DescribeSettings(const SessionSettings& settings);

}  // namespace varve
