// RestService: what the object services have in common that are spoken to with a RestClient: how
// objects are looked at, read, listed and deleted, and what the answers to that mean. Each service
// says how it writes these requests and what a good answer holds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/remote_service_internal.h"
#include "store/rest_client.h"

namespace varve {

// Of a request, by name.
using Query = std::map<std::string, std::string>;
using Headers = std::vector<std::pair<std::string, std::string>>;

class RestService : public RemoteService {
 public:
  Result<Stat> Head(std::string_view key) final;
  Result<std::string> Get(std::string_view key) final;
  Status GetRange(std::string_view key, const Stat& stat, uint64_t offset, size_t size,
                  char* out) final;
  Result<Page> List(std::string_view prefix, const std::string& token) final;
  Status Delete(std::string_view key) final;
  void Stop() final { client_.Stop(); }

 protected:
  RestService(HttpOptions http, RetryPolicy retry, RestAuth auth)
      : client_(std::move(http), retry, std::move(auth)) {}

  virtual HttpCall HeadRequest(std::string_view key) const = 0;
  // Nothing when the answer does not describe an object.
  virtual std::optional<Stat> ReadStat(const HttpAnswer& answer) const = 0;
  // A request for the object's bytes. With `stat` it is answered with those of that object, or not
  // at all; without, with those that it has now.
  virtual HttpCall ReadRequest(std::string_view key, const Stat* stat) const = 0;
  virtual HttpCall ListRequest(std::string_view prefix, const std::string& token) const = 0;
  // Errors: kIo.
  virtual Result<Page> ReadPage(std::string_view body, std::string_view what) const = 0;
  virtual HttpCall DeleteRequest(std::string_view key) const = 0;
  // Whether there is no such object, though there is the bucket.
  virtual bool IsMissing(const RestReply& reply) const = 0;

  // What has a request answered by the very object of `stat`: its version, where the service keeps
  // several, under that name of the query, else its etag. nullptr: whichever is there.
  struct ObjectChoice {
    Query query;
    Headers headers;
  };
  static ObjectChoice SameObject(const Stat* stat, const std::string& version_parameter);

  // The error of a Put with kFail that the service refused since the object is there: also
  // kUnknownOutcome, when an earlier attempt may have written it.
  static std::unexpected<Error> AlreadyThere(const RestReply& reply, std::string_view key);

  RestClient client_;
};

}  // namespace varve
