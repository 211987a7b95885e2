// JSON for the durable files of this folder: parsing and printing that never throw, and typed reads
// of fields. Private to this folder.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace varve {

using Json = nlohmann::ordered_json;  // keeps the order of fields, which the golden files pin

// Errors: kCorruption.
Result<Json> ParseJson(std::string_view text);
// On one line. Errors: kInvalidArgument when a text in it is not UTF-8.
Result<std::string> PrintJson(const Json& json);

// A JSON value as exactly this type: 1.5, -1 and "1" are no uint64. Errors: kCorruption that names
// `what`.
Result<uint64_t> AsU64(const Json& json, std::string_view what);
Result<int64_t> AsI64(const Json& json, std::string_view what);
Result<uint32_t> AsU32(const Json& json, std::string_view what);
Result<std::string> AsText(const Json& json, std::string_view what);
Result<Uuid> AsUuid(const Json& json, std::string_view what);

// Whether the text is 64 lower-case hexadecimal digits.
bool IsSha256Hex(std::string_view text);

// The fields of one JSON object, which it points to and which must outlive it. Errors of all reads:
// kCorruption that names the field.
class JsonObject {
 public:
  static Result<JsonObject> From(const Json& json, std::string_view what);

  // nullptr: no such field.
  const Json* Find(std::string_view field) const;
  Result<const Json*> Get(std::string_view field) const;
  Result<const Json*> Array(std::string_view field) const;
  Result<JsonObject> Object(std::string_view field) const;
  Result<uint64_t> U64(std::string_view field) const;
  Result<int64_t> I64(std::string_view field) const;
  Result<uint32_t> U32(std::string_view field) const;
  Result<TimestampUs> Time(std::string_view field) const;
  Result<std::string> Text(std::string_view field) const;
  Result<std::string> Sha256(std::string_view field) const;
  Result<Uuid> Id(std::string_view field) const;
  Result<std::vector<std::string>> Texts(std::string_view field) const;
  // A field that need not be there.
  Result<bool> BoolOr(std::string_view field, bool otherwise) const;
  Result<std::string> TextOr(std::string_view field, std::string otherwise) const;

 private:
  explicit JsonObject(const Json* json) : json_(json) {}
  const Json* json_;
};

}  // namespace varve
