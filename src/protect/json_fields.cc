#include "protect/json_fields.h"

#include <algorithm>

#include "query/literals.h"

namespace varve {
namespace {

constexpr std::string_view kSha256Prefix = "sha256:";
constexpr size_t kSha256Digits = 64;
constexpr int kIndent = 1;

}  // namespace

Result<SnapshotJson> ParseSnapshotJson(std::string_view text) {
  SnapshotJson json = SnapshotJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return Corruption("it is not JSON");
  }
  return json;
}

Result<std::string> PrintSnapshotJson(const SnapshotJson& json) {
  // The only function of the library used here that throws for what a user can give.
  try {
    return json.dump(kIndent) + "\n";
  } catch (const SnapshotJson::exception& error) {
    return InvalidArgument("a name, comment or option is not UTF-8: {}", error.what());
  }
}

Result<JsonFields> JsonFields::Of(const SnapshotJson& json, std::string_view what) {
  if (!json.is_object()) {
    return Corruption("{} is not an object", what);
  }
  return JsonFields(&json, what);
}

std::unexpected<Error> JsonFields::Wrong(const char* name, std::string_view expected) const {
  return Corruption("{}: '{}' is missing or is not {}", what_, name, expected);
}

const SnapshotJson* JsonFields::Find(const char* name) const {
  const auto found = json_->find(name);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> JsonFields::Text(const char* name) const {
  const SnapshotJson* value = Find(name);
  const auto* text = value ? value->get_ptr<const SnapshotJson::string_t*>() : nullptr;
  if (text == nullptr) {
    return Wrong(name, "a text");
  }
  return *text;
}

Result<uint64_t> JsonFields::U64(const char* name) const {
  const SnapshotJson* value = Find(name);
  if (value == nullptr || !value->is_number_unsigned()) {
    return Wrong(name, "an unsigned integer");
  }
  return *value->get_ptr<const SnapshotJson::number_unsigned_t*>();
}

Result<bool> JsonFields::Boolean(const char* name) const {
  const SnapshotJson* value = Find(name);
  const auto* flag = value ? value->get_ptr<const SnapshotJson::boolean_t*>() : nullptr;
  if (flag == nullptr) {
    return Wrong(name, "true or false");
  }
  return *flag;
}

Result<TimestampUs> JsonFields::Time(const char* name) const {
  VARVE_ASSIGN(const std::string text, Text(name));
  const auto time = ParseTimestampText(text);
  if (!time) {
    return Wrong(name, "a time");
  }
  return TimestampUs(*time);
}

Result<const SnapshotJson*> JsonFields::Array(const char* name) const {
  const SnapshotJson* value = Find(name);
  if (value == nullptr || !value->is_array()) {
    return Wrong(name, "an array");
  }
  return value;
}

Result<std::vector<std::string>> JsonFields::Texts(const char* name) const {
  VARVE_ASSIGN(const SnapshotJson* items, Array(name));
  std::vector<std::string> texts;
  for (const SnapshotJson& item : *items) {
    const auto* text = item.get_ptr<const SnapshotJson::string_t*>();
    if (text == nullptr) {
      return Wrong(name, "an array of texts");
    }
    texts.push_back(*text);
  }
  return texts;
}

Result<std::string> JsonFields::Sha256(const char* name) const {
  VARVE_ASSIGN(std::string text, Text(name));
  if (text.starts_with(kSha256Prefix)) {
    text.erase(0, kSha256Prefix.size());
  }
  const bool digits = std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (text.size() != kSha256Digits || !digits) {
    return Wrong(name, "a SHA-256");
  }
  return text;
}

}  // namespace varve
