#include "meta/json_internal.h"

#include <algorithm>
#include <limits>

namespace varve {

Result<Json> ParseJson(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Corruption("it is not JSON");
  }
  return json;
}

Result<std::string> PrintJson(const Json& json) {
  // The only function of the library used here that throws for what a user can give.
  try {
    return json.dump();
  } catch (const Json::exception& error) {
    return InvalidArgument("a name, comment or option is not UTF-8: {}", error.what());
  }
}

Result<uint64_t> AsU64(const Json& json, std::string_view what) {
  if (!json.is_number_unsigned()) {
    return Corruption("'{}' is not an unsigned integer", what);
  }
  return *json.get_ptr<const Json::number_unsigned_t*>();
}

Result<int64_t> AsI64(const Json& json, std::string_view what) {
  if (json.is_number_unsigned()) {
    const uint64_t value = *json.get_ptr<const Json::number_unsigned_t*>();
    if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return static_cast<int64_t>(value);
    }
  } else if (json.is_number_integer()) {
    return *json.get_ptr<const Json::number_integer_t*>();
  }
  return Corruption("'{}' is not a signed 64-bit integer", what);
}

Result<uint32_t> AsU32(const Json& json, std::string_view what) {
  VARVE_ASSIGN(const uint64_t value, AsU64(json, what));
  if (value > std::numeric_limits<uint32_t>::max()) {
    return Corruption("'{}' is not an unsigned 32-bit integer", what);
  }
  return static_cast<uint32_t>(value);
}

Result<std::string> AsText(const Json& json, std::string_view what) {
  const auto* text = json.get_ptr<const Json::string_t*>();
  if (text == nullptr) {
    return Corruption("'{}' is not a text", what);
  }
  return *text;
}

Result<Uuid> AsUuid(const Json& json, std::string_view what) {
  VARVE_ASSIGN(const std::string text, AsText(json, what));
  const auto id = Uuid::Parse(text);
  if (!id) {
    return Corruption("'{}' is not a UUID", what);
  }
  return *id;
}

bool IsSha256Hex(std::string_view text) {
  constexpr size_t kDigits = 64;
  return text.size() == kDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<JsonObject> JsonObject::From(const Json& json, std::string_view what) {
  if (!json.is_object()) {
    return Corruption("'{}' is not an object", what);
  }
  return JsonObject(&json);
}

const Json* JsonObject::Find(std::string_view field) const {
  const auto found = json_->find(field);
  return found == json_->end() ? nullptr : &*found;
}

Result<const Json*> JsonObject::Get(std::string_view field) const {
  const Json* value = Find(field);
  if (value == nullptr) {
    return Corruption("the field '{}' is missing", field);
  }
  return value;
}

Result<const Json*> JsonObject::Array(std::string_view field) const {
  VARVE_ASSIGN(const Json* value, Get(field));
  if (!value->is_array()) {
    return Corruption("'{}' is not an array", field);
  }
  return value;
}

Result<JsonObject> JsonObject::Object(std::string_view field) const {
  VARVE_ASSIGN(const Json* value, Get(field));
  return From(*value, field);
}

Result<uint64_t> JsonObject::U64(std::string_view field) const {
  VARVE_ASSIGN(const Json* value, Get(field));
  return AsU64(*value, field);
}

Result<int64_t> JsonObject::I64(std::string_view field) const {
  VARVE_ASSIGN(const Json* value, Get(field));
  return AsI64(*value, field);
}

Result<uint32_t> JsonObject::U32(std::string_view field) const {
  VARVE_ASSIGN(const Json* value, Get(field));
  return AsU32(*value, field);
}

Result<TimestampUs> JsonObject::Time(std::string_view field) const {
  VARVE_ASSIGN(const int64_t us, I64(field));
  return TimestampUs(us);
}

Result<std::string> JsonObject::Text(std::string_view field) const {
  VARVE_ASSIGN(const Json* value, Get(field));
  return AsText(*value, field);
}

Result<std::string> JsonObject::Sha256(std::string_view field) const {
  VARVE_ASSIGN(std::string text, Text(field));
  if (!IsSha256Hex(text)) {
    return Corruption("'{}' is not a SHA-256", field);
  }
  return text;
}

Result<Uuid> JsonObject::Id(std::string_view field) const {
  VARVE_ASSIGN(const Json* value, Get(field));
  return AsUuid(*value, field);
}

Result<std::vector<std::string>> JsonObject::Texts(std::string_view field) const {
  VARVE_ASSIGN(const Json* array, Array(field));
  std::vector<std::string> out;
  out.reserve(array->size());
  for (const Json& item : *array) {
    VARVE_ASSIGN(std::string text, AsText(item, field));
    out.push_back(std::move(text));
  }
  return out;
}

Result<bool> JsonObject::BoolOr(std::string_view field, bool otherwise) const {
  const Json* value = Find(field);
  if (value == nullptr) {
    return otherwise;
  }
  const auto* boolean = value->get_ptr<const Json::boolean_t*>();
  if (boolean == nullptr) {
    return Corruption("'{}' is not true or false", field);
  }
  return *boolean;
}

Result<std::string> JsonObject::TextOr(std::string_view field, std::string otherwise) const {
  const Json* value = Find(field);
  return value == nullptr ? Result<std::string>(std::move(otherwise)) : AsText(*value, field);
}

}  // namespace varve
