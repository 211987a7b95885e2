// SessionPool: sessions that are kept between requests, because a request over HTTP has none of its
// own and making one costs more than a small query.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "query/session.h"

namespace varve {

// Thread-safe. Outlives its leases.
class SessionPool {
 public:
  explicit SessionPool(QueryEngine& engine) : engine_(engine) {}

  // A session that is somebody's until the lease ends; then it is kept or closed.
  class Lease {
   public:
    Lease(SessionPool& pool, std::string schema, std::unique_ptr<Session> session)
        : pool_(&pool),
          schema_(std::move(schema)),
          settings_(session->settings()),
          session_(std::move(session)) {}
    ~Lease();
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    Session& operator*() const { return *session_; }
    Session* operator->() const { return session_.get(); }

   private:
    SessionPool* pool_;
    std::string schema_;
    SessionSettings settings_;  // to be kept with
    std::unique_ptr<Session> session_;
  };

  // "" is the default schema. Errors: those of QueryEngine::NewSession.
  Result<Lease> Take(std::string schema);

 private:
  void Keep(const std::string& schema, std::unique_ptr<Session> session);

  QueryEngine& engine_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<Session>>, std::less<>> idle_;
  size_t idle_count_ = 0;
};

}  // namespace varve
