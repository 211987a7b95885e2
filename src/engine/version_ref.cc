#include "engine/version_ref.h"

#include <charconv>
#include <optional>

#include "base/units.h"
#include "meta/savepoint.h"

namespace varve {
namespace {

constexpr std::string_view kSnapshotPrefix = "snapshot.";
constexpr std::string_view kSavepointPrefix = "savepoint.";

std::optional<uint64_t> NumberOf(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

std::unexpected<Error> Malformed(std::string_view text) {
  return InvalidArgument(
      "'{}' names no version: it is a number, 'snapshot.<number>', 'savepoint.<number>', "
      "'savepoint.<name>' or the name of a savepoint",
      text);
}

}  // namespace

Result<VersionRef> ParseVersionRef(std::string_view text) {
  if (const auto number = NumberOf(text)) {
    return VersionId(*number);
  }
  if (text.starts_with(kSnapshotPrefix)) {
    const auto number = NumberOf(text.substr(kSnapshotPrefix.size()));
    return number ? Result<VersionRef>(VersionId(*number)) : Malformed(text);
  }
  std::string_view name = text;
  if (text.starts_with(kSavepointPrefix)) {
    name = text.substr(kSavepointPrefix.size());
    if (const auto number = NumberOf(name)) {
      return SavepointId(*number);
    }
  }
  return CheckSavepointName(name) ? Result<VersionRef>(SavepointName{std::string(name)})
                                  : Malformed(text);
}

std::string Describe(const VersionRef& ref) {
  struct Text {
    std::string operator()(VersionId id) const { return fmt::format("snapshot {}", id); }
    std::string operator()(SavepointId id) const { return fmt::format("savepoint {}", id); }
    std::string operator()(const SavepointName& name) const {
      return fmt::format("savepoint '{}'", name.text);
    }
    std::string operator()(TimestampUs time) const { return FormatTimestamp(time.value()); }
  };
  return std::visit(Text(), ref);
}

}  // namespace varve
