// SeriesCache: from "measurement,tags" as it stands in the text to the series it names, within one
// request.
//
// Clients send the same series over and over, most often in the same order each time: so the series
// that followed this one the last time is tried first, with one comparison and no hash.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace varve {

struct SeriesPlace {
  uint32_t table = 0;
  uint32_t series = 0;  // of the table
};

// One thread. The texts must outlive it.
class SeriesCache {
 public:
  // The series that is expected at `at`: its text stands there with a space behind it. nullptr:
  // another one does.
  const std::string_view* Predicted(const char* at, const char* end) {
    const uint32_t next = entries_.empty() ? 0 : entries_[last_].next;
    if (next >= entries_.size()) {
      return nullptr;  // it has been taken out
    }
    const std::string_view key = entries_[next].key;
    if (static_cast<size_t>(end - at) > key.size() && at[key.size()] == ' ' &&
        std::memcmp(at, key.data(), key.size()) == 0) {
      last_ = next;
      return &entries_[next].key;
    }
    return nullptr;
  }
  // Of the last series that was predicted, found or added.
  SeriesPlace place() const { return entries_[last_].place; }

  bool Find(std::string_view key);
  // The key must not be there.
  void Add(std::string_view key, SeriesPlace place);
  // Takes out the entries from `count` on.
  void CutTo(size_t count);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string_view key;
    uint64_t hash = 0;
    SeriesPlace place;
    uint32_t next = 0;  // the entry that came after this one the last time
  };

  void Follow(uint32_t entry);
  void PutSlot(uint32_t entry);
  void Rebuild(size_t slots);

  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  // entry + 1; 0 = free; linear probing
  uint32_t last_ = 0;
};

}  // namespace varve
