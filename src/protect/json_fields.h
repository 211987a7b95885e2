// Typed reads of the JSON in snapshots, which others may have written or edited. Nothing here
// throws.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace varve {

using SnapshotJson = nlohmann::ordered_json;  // keeps the order of fields, which golden files pin

// Errors: kCorruption.
Result<SnapshotJson> ParseSnapshotJson(std::string_view text);
// Indented, with a line break at the end. Errors: kInvalidArgument when a text is not UTF-8.
Result<std::string> PrintSnapshotJson(const SnapshotJson& json);

// Fields of one object; `what` names it in errors, which are all kCorruption. Fields that are not
// asked for are ignored. The JSON outlives it.
class JsonFields {
 public:
  static Result<JsonFields> Of(const SnapshotJson& json, std::string_view what);

  // nullptr: it is missing or null.
  const SnapshotJson* Find(const char* name) const;
  Result<std::string> Text(const char* name) const;
  Result<uint64_t> U64(const char* name) const;
  Result<bool> Boolean(const char* name) const;
  // As FormatTimestamp writes it.
  Result<TimestampUs> Time(const char* name) const;
  Result<const SnapshotJson*> Array(const char* name) const;
  Result<std::vector<std::string>> Texts(const char* name) const;
  // 64 hexadecimal digits, with or without "sha256:" before them.
  Result<std::string> Sha256(const char* name) const;

 private:
  JsonFields(const SnapshotJson* json, std::string_view what) : json_(json), what_(what) {}
  std::unexpected<Error> Wrong(const char* name, std::string_view expected) const;

  const SnapshotJson* json_;
  std::string what_;
};

}  // namespace varve
