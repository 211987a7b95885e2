// Settings of CeresDB and HoraeDB that a file may have and that mean nothing here. They are
// accepted, so that a file needs no change, with a warning that says why they have no effect.
#pragma once

#include <span>
#include <string_view>

namespace varve {

struct IgnoredSetting {
  std::string_view key;
  std::string_view reason;  // completes "has no effect: …"
};

// Sorted by key.
std::span<const IgnoredSetting> IgnoredSettings();

// nullptr: it is none of them.
const IgnoredSetting* FindIgnoredSetting(std::string_view key);

// Environment variables of the same kind.
std::span<const IgnoredSetting> IgnoredVariables();

}  // namespace varve
