#include "protect/transfer_options.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/units.h"
#include "query/literals.h"
#include "sql/keywords.h"

namespace varve {
namespace {

using Options = std::map<std::string, std::string>;

Result<bool> BooleanOf(const std::string& text) {
  const std::string lower = ToLower(text);
  if (lower == "true" || lower == "1" || lower == "on") {
    return true;
  }
  if (lower == "false" || lower == "0" || lower == "off") {
    return false;
  }
  return InvalidArgument("it is true or false, not '{}'", text);
}

std::string Trimmed(std::string_view text) {
  while (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  while (text.ends_with(' ')) {
    text.remove_suffix(1);
  }
  return std::string(text);
}

// "a, b"
Result<std::vector<std::string>> ListOf(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const size_t comma = text.find(',');
    names.push_back(Trimmed(text.substr(0, comma)));
    if (names.back().empty()) {
      return InvalidArgument("a name between its commas is empty");
    }
    if (comma == std::string_view::npos) {
      return names;
    }
    text.remove_prefix(comma + 1);
  }
}

// Milliseconds since 1970 or an ISO text.
Result<TimestampUs> TimeOf(std::string_view text) {
  constexpr int64_t kUsPerMs = 1000;
  constexpr size_t kDigitsMax = 15;  // of milliseconds: far beyond the year 9999
  int64_t ms = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() &&
      text.size() <= kDigitsMax) {
    return TimestampUs(ms * kUsPerMs);
  }
  VARVE_ASSIGN(const int64_t us, ParseTimestampText(text));
  return TimestampUs(us);
}

// "from..to", "from/to"; either may be empty.
Result<TimeRange> RangeOf(std::string_view text) {
  size_t at = text.find("..");
  size_t width = 2;
  if (at == std::string_view::npos) {
    at = text.find('/');
    width = 1;
  }
  if (at == std::string_view::npos) {
    return InvalidArgument("'{}' is no range: write from..to, as in 2024-01-01..2024-02-01", text);
  }
  TimeRange range;
  const std::string from = Trimmed(text.substr(0, at));
  const std::string to = Trimmed(text.substr(at + width));
  if (!from.empty()) {
    VARVE_ASSIGN(range.start, TimeOf(from));
  }
  if (!to.empty()) {
    VARVE_ASSIGN(range.end, TimeOf(to));
  }
  if (range.end <= range.start) {
    return InvalidArgument("'{}' ends before it starts", text);
  }
  return range;
}

// "a=b, c=d"
Result<std::map<std::string, std::string>> RenamesOf(std::string_view text) {
  std::map<std::string, std::string> renames;
  VARVE_ASSIGN(const auto pairs, ListOf(text));
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size()) {
      return InvalidArgument("'{}' is no renaming: write old=new", pair);
    }
    if (!renames.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      return InvalidArgument("'{}' is renamed twice", pair.substr(0, equals));
    }
  }
  return renames;
}

Result<size_t> ParallelismOf(const std::string& text) {
  size_t threads = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || threads == 0 ||
      threads > kParallelismMax) {
    return InvalidArgument("it is 1 to {}, not '{}'", kParallelismMax, text);
  }
  return threads;
}

Result<VersionRef> PointOf(const std::string& text) {
  if (const auto time = ParseTimestampText(text)) {
    return VersionRef(TimestampUs(*time));
  }
  return ParseVersionRef(text);
}

// What reads one option; it sets what the text means.
using Reader = std::function<Status(const std::string& text)>;
using Readers = std::map<std::string, Reader>;

template <class Target, class Parse>
Reader Into(Target& target, Parse parse) {
  return [&target, parse](const std::string& text) -> Status {
    VARVE_ASSIGN(target, parse(text));
    return {};
  };
}

template <class Choice>
Reader Choose(Choice& target, Choice if_true, Choice if_false) {
  return [&target, if_true, if_false](const std::string& text) -> Status {
    VARVE_ASSIGN(const bool on, BooleanOf(text));
    target = on ? if_true : if_false;
    return {};
  };
}

Result<std::string> TextOf(const std::string& text) { return text; }

Result<AddressStyle> AddressStyleOf(const std::string& text) {
  const std::string lower = ToLower(text);
  if (lower == "path") {
    return AddressStyle::kPath;
  }
  if (lower == "virtual") {
    return AddressStyle::kVirtualHost;
  }
  return InvalidArgument("it is path or virtual, not '{}'", text);
}

Result<Secret> SecretOf(const std::string& text) { return Secret(text); }

void AddCredentials(Readers& readers, StoreCredentials& credentials) {
  readers["anonymous"] = Choose(credentials.identity, Identity::kAnonymous, Identity::kFind);
  readers["address_style"] = Into(credentials.address_style, AddressStyleOf);
  readers["endpoint"] = Into(credentials.endpoint, TextOf);
  readers["ca_file"] = Into(credentials.ca_file, TextOf);
  readers["region"] = Into(credentials.region, TextOf);
  readers["profile"] = Into(credentials.profile, TextOf);
  readers["access_key_id"] = Into(credentials.access_key_id, TextOf);
  readers["secret_access_key"] = Into(credentials.secret_access_key, SecretOf);
  readers["session_token"] = Into(credentials.session_token, SecretOf);
  readers["access_token"] = Into(credentials.access_token, SecretOf);
  readers["key_file"] = Into(credentials.key_file, TextOf);
  readers["account"] = Into(credentials.account, TextOf);
  readers["account_key"] = Into(credentials.account_key, SecretOf);
  readers["sas_token"] = Into(credentials.sas_token, SecretOf);
}

// What exports and imports both have.
template <class Options>
void AddCommon(Readers& readers, Options& out) {
  auto& request = out.request;
  readers["catalog"] = Into(request.catalog, TextOf);
  readers["schemas"] = Into(request.schemas, ListOf);
  readers["tables"] = Into(request.tables, ListOf);
  readers["parallelism"] = Into(request.parallelism, ParallelismOf);
  readers["rate_limit"] = Into(request.bytes_per_second, ParseSize);
  readers["dry_run"] = Choose(out.mode.run, TransferMode::Run::kPlan, TransferMode::Run::kRun);
  readers["wait"] =
      Choose(out.mode.wait, TransferMode::Wait::kForEnd, TransferMode::Wait::kForBeginning);
  AddCredentials(readers, out.credentials);
}

Status ReadAll(std::string_view statement, const Options& options, const Readers& readers) {
  for (const auto& [name, text] : options) {
    const auto reader = readers.find(name);
    if (reader == readers.end()) {
      std::string known;
      for (const auto& [one, unused] : readers) {
        known += (known.empty() ? "" : ", ") + one;
      }
      return InvalidArgument("{} has no option {}; it has {}", statement, name, known);
    }
    if (auto status = reader->second(text); !status) {
      return std::unexpected(status.error().WithContext(name));
    }
  }
  return {};
}

}  // namespace

Result<ExportOptions> ParseExportOptions(std::map<std::string, std::string> options) {
  ExportOptions out;
  ExportRequest& request = out.request;
  Readers readers;
  AddCommon(readers, out);
  readers["start_time"] = Into(request.start, TimeOf);
  readers["end_time"] = Into(request.end, TimeOf);
  readers["chunk_time_window"] = Into(request.chunk_window, ParseDuration);
  readers["format"] =
      Into(request.format, [](const std::string& text) { return ParseDataFormat(ToLower(text)); });
  readers["schema_only"] =
      Choose(request.contents, ExportRequest::Contents::kSchemaOnly, ExportRequest::Contents::kAll);
  readers["force"] =
      Choose(request.existing, ExportRequest::Existing::kReplace, ExportRequest::Existing::kResume);
  readers["as_of"] = Into(request.as_of, PointOf);
  readers["since"] = Into(request.since, TextOf);
  VARVE_TRY(ReadAll("EXPORT DATABASE", options, readers));
  return out;
}

Result<ImportOptions> ParseImportOptions(std::map<std::string, std::string> options) {
  ImportOptions out;
  ImportRequest& request = out.request;
  Readers readers;
  AddCommon(readers, out);
  readers["time_range"] = Into(request.range, RangeOf);
  readers["rename_schema"] = Into(request.rename_schemas, RenamesOf);
  readers["on_conflict"] = Into(
      request.on_conflict, [](const std::string& text) { return ParseOnConflict(ToLower(text)); });
  readers["ttl_hold"] =
      Choose(request.ttl_hold, ImportRequest::TtlHold::kHold, ImportRequest::TtlHold::kNone);
  VARVE_TRY(ReadAll("IMPORT DATABASE", options, readers));
  return out;
}

Result<StoreCredentials> ParseCredentialOptions(std::map<std::string, std::string> options) {
  StoreCredentials credentials;
  Readers readers;
  AddCredentials(readers, credentials);
  VARVE_TRY(ReadAll("a place", options, readers));
  return credentials;
}

}  // namespace varve
