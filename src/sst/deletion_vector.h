// DeletionVector: the positions of the rows of one file that later writes have replaced or deleted.
// A file never changes; a newer version names a newer vector beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/file_meta.h"
#include "store/object_store.h"

namespace varve {

// Immutable, thread-safe.
class DeletionVector {
 public:
  // `rows` are positions in the file, from 0, in any order, repetitions allowed.
  static DeletionVector FromRows(std::span<const uint64_t> rows);
  // Errors: kCorruption (bad checksum or bytes), kNotSupported (a newer format).
  static Result<DeletionVector> Parse(std::string_view bytes);
  // FORMAT: see deletion_vector_format.h.
  std::string Serialize() const;

  DeletionVector Union(const DeletionVector& other) const;
  // The rows of this one that are not in the other.
  DeletionVector Minus(const DeletionVector& other) const;
  // All of them, rising.
  std::vector<uint64_t> Rows() const;
  uint64_t size() const;
  bool Contains(uint64_t row) const;
  // Of the rows [first, first + count): the offsets (row - first) that are NOT deleted, in order.
  std::vector<uint32_t> Remaining(uint64_t first, uint32_t count) const;

 private:
  struct Bitmap;
  explicit DeletionVector(std::shared_ptr<const Bitmap> rows);
  std::shared_ptr<const Bitmap> rows_;
};

// Writes the vector to `path` and says what the manifest needs to know. Durable when it returns.
// Errors: as ObjectStore::Put.
Result<DeletionVectorMeta> WriteDeletionVector(ObjectStore& store, std::string path,
                                               const DeletionVector& vector);
// Reads it and checks size, SHA-256 and row count against the meta. Errors: kNotFound, kIo,
// kCorruption.
Result<DeletionVector> ReadDeletionVector(ObjectStore& store, const DeletionVectorMeta& meta);

}  // namespace varve
