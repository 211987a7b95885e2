// Periodic: one background thread that does something now and then.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/ids.h"

namespace varve {

// Thread-safe.
class Periodic {
 public:
  struct Options {
    std::string name;  // of the thread, at most 15 bytes, as tools show it
    // From the end of one run to the beginning of the next, a tenth more or less at random, so that
    // servers that were started together do not work together.
    std::chrono::milliseconds interval = std::chrono::minutes(1);
    IdSource* ids = nullptr;  // of randomness; outlives it
  };
  // The first run comes one interval from now.
  Periodic(Options options, std::function<void()> job);
  ~Periodic();  // Stop()
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

  // Returns when the run under way has ended; there is none after it. May be called twice.
  void Stop();

 private:
  void Run();
  std::chrono::milliseconds NextPause();

  const Options options_;
  const std::function<void()> job_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace varve
