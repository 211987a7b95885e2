#include "base/executor.h"

#include <pthread.h>

#include "base/check.h"

namespace varve {

Executor::Executor(Options options) : options_(std::move(options)) {
  VARVE_CHECK(options_.threads > 0 && options_.name.size() < 16);
  for (size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), options_.name.c_str());
  }
}

Executor::~Executor() { Stop(); }

Status Executor::Submit(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) {
      return Cancelled("{} has been stopped", options_.name);
    }
    if (jobs_.size() >= options_.queue_jobs_max) {
      return ResourceExhausted("{} has {} jobs waiting, which is its limit", options_.name,
                               jobs_.size());
    }
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return {};
}

void Executor::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

size_t Executor::queued_jobs() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Executor::Run() {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace varve
