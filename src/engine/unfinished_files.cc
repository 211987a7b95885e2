#include "engine/unfinished_files.h"

namespace varve {

UnfinishedFiles::Operation UnfinishedFiles::Begin() {
  std::lock_guard lock(mutex_);
  running_.insert(given_);
  return {*this, given_};
}

Uuid UnfinishedFiles::NewUuid() {
  const Uuid id = ids_.NewUuid();
  std::lock_guard lock(mutex_);
  ++given_;
  if (!running_.empty()) {
    files_.emplace(given_, id);
  }
  return id;
}

std::set<Uuid> UnfinishedFiles::Now() const {
  std::lock_guard lock(mutex_);
  std::set<Uuid> files;
  for (const auto& [number, id] : files_) {
    files.insert(id);
  }
  return files;
}

void UnfinishedFiles::End(uint64_t begun_at) {
  std::lock_guard lock(mutex_);
  running_.erase(running_.find(begun_at));
  if (running_.empty()) {
    files_.clear();
  } else {
    // Those from before the oldest operation that still runs are of operations that have ended.
    files_.erase(files_.begin(), files_.upper_bound(*running_.begin()));
  }
}

}  // namespace varve
