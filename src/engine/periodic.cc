#include "engine/periodic.h"

#include <pthread.h>

#include <utility>

namespace varve {

Periodic::Periodic(Options options, std::function<void()> job)
    : options_(std::move(options)), job_(std::move(job)), thread_([this] { Run(); }) {
  ::pthread_setname_np(thread_.native_handle(), options_.name.c_str());
}

Periodic::~Periodic() { Stop(); }

void Periodic::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::chrono::milliseconds Periodic::NextPause() {
  const int64_t tenth = options_.interval.count() / 10;
  const auto random = static_cast<int64_t>(options_.ids->NewUuid().low() & 0xffff);
  return options_.interval + std::chrono::milliseconds((2 * tenth * random >> 16) - tenth);
}

void Periodic::Run() {
  while (true) {
    const std::chrono::milliseconds pause = NextPause();
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, pause, [this] { return stopping_; })) {
        return;
      }
    }
    job_();
  }
}

}  // namespace varve
