// Deadlines: things that are done when their time has come, by one thread of its own, again and
// again until they are not wanted any more. (To interrupt DuckDB once is not enough: it forgets
// what came before a query has begun.)
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace varve {

// Thread-safe. Outlives its alarms.
class Deadlines {
 public:
  Deadlines();
  ~Deadlines();  // joins the thread
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  using Time = std::chrono::steady_clock::time_point;

  class Alarm {
   public:
    // From `when` on `act` is called on the thread, which all alarms share: it must not block, and
    // must not make or end alarms.
    Alarm(Deadlines& deadlines, Time when, std::function<void()> act);
    // Afterwards it does not run and is not called any more.
    ~Alarm();
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

   private:
    Deadlines& deadlines_;
    const uint64_t id_;
  };

 private:
  struct Entry {
    Time when;
    std::function<void()> act;
  };
  uint64_t Add(Time when, std::function<void()> act);
  void Remove(uint64_t id);
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  uint64_t last_id_ = 0;
  Time waiting_until_ = Time::max();
  std::map<uint64_t, Entry> entries_;
  std::thread thread_;
};

}  // namespace varve
