#define XXH_INLINE_ALL
#include "server/influx/series_cache.h"

#include <xxhash.h>

namespace varve {
namespace {

constexpr size_t kSlotsMin = 1024;

// The address differs from process to process, so that nobody can prepare keys that collide.
uint64_t Hash(std::string_view key) {
  static const char seed = 0;
  return XXH3_64bits_withSeed(key.data(), key.size(), reinterpret_cast<uintptr_t>(&seed));
}

}  // namespace

void SeriesCache::Follow(uint32_t entry) {
  entries_[last_].next = entry;
  last_ = entry;
}

bool SeriesCache::Find(std::string_view key) {
  if (entries_.empty()) {
    return false;
  }
  const uint64_t hash = Hash(key);
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const uint32_t entry = slots_[slot] - 1;
    if (entries_[entry].hash == hash && entries_[entry].key == key) {
      Follow(entry);
      return true;
    }
  }
  return false;
}

void SeriesCache::Add(std::string_view key, SeriesPlace place) {
  if (2 * (entries_.size() + 1) > slots_.size()) {
    Rebuild(slots_.empty() ? kSlotsMin : 2 * slots_.size());
  }
  const auto entry = static_cast<uint32_t>(entries_.size());
  entries_.push_back({key, Hash(key), place, entry});
  PutSlot(entry);
  Follow(entry);
}

void SeriesCache::PutSlot(uint32_t entry) {
  const size_t mask = slots_.size() - 1;
  size_t slot = entries_[entry].hash & mask;
  while (slots_[slot] != 0) {
    slot = (slot + 1) & mask;
  }
  slots_[slot] = entry + 1;
}

void SeriesCache::Rebuild(size_t slots) {
  slots_.assign(slots, 0);
  for (uint32_t entry = 0; entry < entries_.size(); ++entry) {
    PutSlot(entry);
  }
}

// With linear probing, taking out the entries that were put in last leaves no hole in anybody's
// way.
void SeriesCache::CutTo(size_t count) {
  const size_t mask = slots_.size() - 1;
  last_ = 0;
  while (entries_.size() > count) {
    const auto entry = static_cast<uint32_t>(entries_.size() - 1);
    size_t slot = entries_[entry].hash & mask;
    while (slots_[slot] != entry + 1) {
      slot = (slot + 1) & mask;
    }
    slots_[slot] = 0;
    entries_.pop_back();
  }
}

}  // namespace varve
