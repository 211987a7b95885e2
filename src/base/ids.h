// Names of things, as strong types, and where new ones come from.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace varve {

// A table's number: given once by the catalogue, never used again, also not after DROP. Counts
// from 1.
using TableId = Strong<struct TableIdTag, uint64_t>;
// The place of a write in one table's order: counts from 1; 0 = before all writes.
using Sequence = Strong<struct SequenceTag, uint64_t>;
// A version of a table log or of the catalogue: counts from 1. A table's snapshot id is its
// version.
using VersionId = Strong<struct VersionIdTag, uint64_t>;
// A savepoint of a table: counts from 1 in each table, never used again, also not after DROP.
using SavepointId = Strong<struct SavepointIdTag, uint64_t>;

// 128 random bits, written "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx" (RFC 4122, version 4).
class Uuid {
 public:
  Uuid() = default;
  Uuid(uint64_t high, uint64_t low) : high_(high), low_(low) {}
  // Errors: kInvalidArgument for anything but the canonical lower-case form.
  static Result<Uuid> Parse(std::string_view text);
  std::string ToString() const;
  uint64_t high() const { return high_; }
  uint64_t low() const { return low_; }
  auto operator<=>(const Uuid&) const = default;

 private:
  uint64_t high_ = 0;
  uint64_t low_ = 0;
};

// Thread-safe.
class IdSource {
 public:
  virtual ~IdSource() = default;
  virtual Uuid NewUuid() = 0;
};

// From the operating system's random numbers.
class RandomIdSource final : public IdSource {
 public:
  Uuid NewUuid() override;

 private:
  std::mutex mutex_;
  std::random_device device_;
};

// The same ids for the same seed. For tests.
class SeededIdSource final : public IdSource {
 public:
  explicit SeededIdSource(uint64_t seed) : generator_(seed) {}
  Uuid NewUuid() override;

 private:
  std::mutex mutex_;
  std::mt19937_64 generator_;
};

}  // namespace varve
