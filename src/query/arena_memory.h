// ArenaMemory: what an aggregate allocates for a group, in the arena that DuckDB gives it and that
// counts against its memory limit. Nothing is freed before the arena is.
#pragma once

#include <duckdb/storage/arena_allocator.hpp>
#include <memory_resource>

namespace varve {

class ArenaMemory final : public std::pmr::memory_resource {
 public:
  explicit ArenaMemory(duckdb::ArenaAllocator& arena) : arena_(arena) {}

 private:
  // The arena aligns to 8 bytes, which is all that sketches ask for.
  void* do_allocate(size_t bytes, size_t) override { return arena_.AllocateAligned(bytes); }
  void do_deallocate(void*, size_t, size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  duckdb::ArenaAllocator& arena_;
};

}  // namespace varve
