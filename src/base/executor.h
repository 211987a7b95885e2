// A fixed number of threads that run jobs in the order they came, from a queue with a limit.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace varve {

// Thread-safe.
class Executor {
 public:
  struct Options {
    std::string name;  // of the threads, at most 15 bytes, as tools show it
    size_t threads = 1;
    size_t queue_jobs_max = 1024;
  };
  explicit Executor(Options options);
  ~Executor();  // Stop()
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // The job runs some time later on one of the threads. Errors: kResourceExhausted when the queue
  // is full (wait and try again), kCancelled after Stop.
  Status Submit(std::function<void()> job);

  // Takes no more jobs, runs those that are queued, returns when the last has ended. May be called
  // twice.
  void Stop();

  size_t queued_jobs() const;

 private:
  void Run();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace varve
