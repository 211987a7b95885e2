#include "store/rest_service_internal.h"

#include "store/remote_store.h"

namespace varve {

using Effect = RestClient::Effect;

Result<RemoteService::Stat> RestService::Head(std::string_view key) {
  const std::string what = fmt::format("look at the object '{}'", key);
  VARVE_ASSIGN(const RestReply reply, client_.Send(HeadRequest(key), Effect::kRead, what));
  if (IsMissing(reply)) {
    return NotFound("there is no object '{}'", key);
  }
  if (!reply.ok()) {
    return std::unexpected(client_.FailureOf(reply, what));
  }
  std::optional<Stat> stat = ReadStat(reply.answer);
  if (!stat) {
    return Io("cannot {}: the answer does not describe an object", what);
  }
  return *std::move(stat);
}

Result<std::string> RestService::Get(std::string_view key) {
  const std::string what = fmt::format("read the object '{}'", key);
  HttpCall request = ReadRequest(key, nullptr);
  request.answer_bytes_max = kGetBytesMax;
  VARVE_ASSIGN(RestReply reply, client_.Send(request, Effect::kRead, what));
  if (IsMissing(reply)) {
    return NotFound("there is no object '{}'", key);
  }
  if (reply.answer.status != 200) {
    return std::unexpected(client_.FailureOf(reply, what));
  }
  return std::move(reply.answer.body);
}

Status RestService::GetRange(std::string_view key, const Stat& stat, uint64_t offset, size_t size,
                             char* out) {
  const std::string range = fmt::format("bytes={}-{}", offset, offset + size - 1);
  const std::string what = fmt::format("read {} of the object '{}'", range, key);
  HttpCall request = ReadRequest(key, &stat);
  request.headers.emplace_back("range", range);
  request.sink = out;
  request.sink_bytes = size;
  VARVE_ASSIGN(const RestReply reply, client_.Send(request, Effect::kRead, what));
  const bool replaced = reply.answer.status == 412;
  if (replaced || IsMissing(reply)) {
    return NotFound("the object '{}' was {} while it was read", key,
                    replaced ? "replaced" : "replaced or deleted");
  }
  if (!reply.answer.IsRange(offset, size, stat.size_bytes)) {
    return std::unexpected(client_.FailureOf(reply, what));
  }
  return {};
}

RestService::ObjectChoice RestService::SameObject(const Stat* stat,
                                                  const std::string& version_parameter) {
  ObjectChoice choice;
  if (stat != nullptr && stat->version.empty()) {
    choice.headers.emplace_back("if-match", stat->etag);
  } else if (stat != nullptr) {
    choice.query[version_parameter] = stat->version;
  }
  return choice;
}

Result<RemoteService::Page> RestService::List(std::string_view prefix, const std::string& token) {
  const std::string what = fmt::format("list the objects below '{}'", prefix);
  HttpCall request = ListRequest(prefix, token);
  request.answer_bytes_max = kListPageBytesMax;
  VARVE_ASSIGN(const RestReply reply, client_.Send(request, Effect::kRead, what));
  if (!reply.ok()) {
    return std::unexpected(client_.FailureOf(reply, what));
  }
  return ReadPage(reply.answer.body, what);
}

Status RestService::Delete(std::string_view key) {
  const std::string what = fmt::format("delete the object '{}'", key);
  VARVE_ASSIGN(const RestReply reply, client_.Send(DeleteRequest(key), Effect::kWrite, what));
  if (reply.ok() || IsMissing(reply)) {
    return {};
  }
  return std::unexpected(client_.FailureOf(reply, what));
}

std::unexpected<Error> RestService::AlreadyThere(const RestReply& reply, std::string_view key) {
  if (reply.doubt == Doubt::kMaybeDone) {
    return UnknownOutcome(
        "an attempt to write the object '{}' was not answered, and now it is there", key);
  }
  return AlreadyExists("there is an object '{}' already", key);
}

}  // namespace varve
