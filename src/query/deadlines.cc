#include "query/deadlines.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace varve {
namespace {

// Short beside the second in which a statement must have ended, long beside what a call costs.
constexpr std::chrono::milliseconds kAgain{20};

}  // namespace

Deadlines::Deadlines() : thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "deadlines");
}

Deadlines::~Deadlines() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Deadlines::Alarm::Alarm(Deadlines& deadlines, Time when, std::function<void()> act)
    : deadlines_(deadlines), id_(deadlines.Add(when, std::move(act))) {}

Deadlines::Alarm::~Alarm() { deadlines_.Remove(id_); }

uint64_t Deadlines::Add(Time when, std::function<void()> act) {
  const std::lock_guard lock(mutex_);
  const uint64_t id = ++last_id_;
  entries_.emplace(id, Entry{when, std::move(act)});
  if (when < waiting_until_) {
    wake_.notify_one();
  }
  return id;
}

void Deadlines::Remove(uint64_t id) {
  const std::lock_guard lock(mutex_);
  entries_.erase(id);
}

void Deadlines::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (entries_.empty()) {
      waiting_until_ = Time::max();
      wake_.wait(lock);
      continue;
    }
    const auto next =
        std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.when; });
    const Time when = next->second.when;
    waiting_until_ = when;
    if (wake_.wait_until(lock, when) == std::cv_status::no_timeout) {
      continue;  // the entries have changed
    }
    waiting_until_ = Time::min();
    for (auto& [id, entry] : entries_) {
      if (entry.when <= when) {
        entry.act();
        entry.when = when + kAgain;
      }
    }
  }
}

}  // namespace varve
