#include "server/http/session_pool.h"

namespace varve {
namespace {

// As many as workers run at a time on a usual machine; an idle session holds a DuckDB connection.
constexpr size_t kIdleSessionsMax = 64;

}  // namespace

SessionPool::Lease::~Lease() {
  const bool as_it_was = session_ != nullptr &&
                         (session_->settings() == settings_ || session_->ChangeSettings(settings_));
  if (as_it_was) {
    pool_->Keep(schema_, std::move(session_));
  }
}

Result<SessionPool::Lease> SessionPool::Take(std::string schema) {
  if (schema.empty()) {
    schema = kDefaultSchema;
  }
  {
    std::lock_guard lock(mutex_);
    const auto found = idle_.find(schema);
    if (found != idle_.end()) {
      std::unique_ptr<Session> session = std::move(found->second.back());
      found->second.pop_back();
      --idle_count_;
      if (found->second.empty()) {
        idle_.erase(found);
      }
      return Lease(*this, std::move(schema), std::move(session));
    }
  }
  VARVE_ASSIGN(auto session, engine_.NewSession({.schema = schema}));
  return Lease(*this, std::move(schema), std::move(session));
}

void SessionPool::Keep(const std::string& schema, std::unique_ptr<Session> session) {
  // USE has moved it: the next request would find itself elsewhere.
  if (session->schema() != schema) {
    return;
  }
  std::lock_guard lock(mutex_);
  if (idle_count_ < kIdleSessionsMax) {
    idle_[schema].push_back(std::move(session));
    ++idle_count_;
  }
}

}  // namespace varve
