// LruCache: the values that were used last, by name, up to a total weight.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace varve {

// Thread-safe. Value is cheap to copy (a shared_ptr).
template <class Value>
class LruCache {
 public:
  explicit LruCache(uint64_t weight_max) : weight_max_(weight_max) {}

  std::optional<Value> Find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
      return std::nullopt;
    }
    order_.splice(order_.begin(), order_, found->second);
    return found->second->value;
  }

  // The one that was there first stays.
  void Insert(const std::string& name, Value value, uint64_t weight) {
    const std::lock_guard lock(mutex_);
    if (entries_.contains(name)) {
      return;
    }
    order_.push_front({name, std::move(value), weight});
    entries_[name] = order_.begin();
    weight_ += weight;
    while (weight_ > weight_max_ && order_.size() > 1) {
      weight_ -= order_.back().weight;
      entries_.erase(order_.back().name);
      order_.pop_back();
    }
  }

  size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    std::string name;
    Value value;
    uint64_t weight;
  };

  const uint64_t weight_max_;
  mutable std::mutex mutex_;
  std::list<Entry> order_;  // the last used first
  std::unordered_map<std::string, typename std::list<Entry>::iterator> entries_;
  uint64_t weight_ = 0;
};

}  // namespace varve
