#include "sst/deletion_vector.h"

#include <roaring/roaring64map.hh>
#include <utility>

#include "base/bytes.h"
#include "base/checksum.h"
#include "sst/deletion_vector_format.h"

// CRoaring moved its classes into this namespace; Debian's is older.
namespace roaring {}
using namespace roaring;

namespace varve {

struct DeletionVector::Bitmap {
  Roaring64Map map;
  uint64_t count = 0;
};

namespace {

struct Frame {
  uint64_t count = 0;
  std::string_view bitmap;
};

// Magic first, version before checksum: a newer major version may put its checksum elsewhere.
Result<Frame> ParseFrame(std::string_view bytes) {
  ByteReader reader(bytes);
  VARVE_ASSIGN(const std::string_view magic, reader.Bytes(kDeletionVectorMagic.size()));
  if (magic != kDeletionVectorMagic) {
    return Corruption("not a deletion vector: it does not begin with its magic");
  }
  VARVE_ASSIGN(const auto major, reader.Fixed<uint16_t>());
  VARVE_ASSIGN(const auto minor, reader.Fixed<uint16_t>());
  if (major > kDeletionVectorMajor) {
    return NotSupported(
        "the deletion vector has format version {}.{}, this Varve reads up to {}.x: use a newer "
        "Varve",
        major, minor, kDeletionVectorMajor);
  }
  VARVE_TRY(reader.Fixed<uint32_t>());
  VARVE_ASSIGN(const auto count, reader.Fixed<uint64_t>());
  VARVE_ASSIGN(const auto size, reader.Fixed<uint64_t>());
  VARVE_ASSIGN(const std::string_view bitmap, reader.Bytes(size));
  const std::string_view checked = bytes.substr(0, reader.offset());
  VARVE_ASSIGN(const auto checksum, reader.Fixed<uint64_t>());
  if (checksum != Xxh3(checked) || reader.remaining() != 0) {
    return Corruption("the deletion vector's checksum is wrong");
  }
  return Frame{count, bitmap};
}

// CRoaring's reader trusts its input: every 32-bit bitmap must end inside the bytes.
Status CheckBitmap(std::string_view bitmap) {
  ByteReader reader(bitmap);
  VARVE_ASSIGN(const auto maps, reader.Fixed<uint64_t>());
  for (uint64_t i = 0; i < maps; ++i) {
    VARVE_TRY(reader.Fixed<uint32_t>());
    const size_t size = roaring_bitmap_portable_deserialize_size(bitmap.data() + reader.offset(),
                                                                 reader.remaining());
    if (size == 0) {
      return Corruption("the deletion vector's bitmap {} of {} is malformed", i, maps);
    }
    VARVE_TRY(reader.Bytes(size));
  }
  return reader.remaining() == 0
             ? Status()
             : Corruption("the deletion vector's bitmap is followed by other bytes");
}

}  // namespace

DeletionVector::DeletionVector(std::shared_ptr<const Bitmap> rows) : rows_(std::move(rows)) {}

DeletionVector DeletionVector::FromRows(std::span<const uint64_t> rows) {
  auto out = std::make_shared<Bitmap>();
  out->map.addMany(rows.size(), rows.data());
  out->map.runOptimize();
  out->count = out->map.cardinality();
  return DeletionVector(std::move(out));
}

Result<DeletionVector> DeletionVector::Parse(std::string_view bytes) {
  VARVE_ASSIGN(const Frame frame, ParseFrame(bytes));
  VARVE_TRY(CheckBitmap(frame.bitmap));
  const std::string aligned(frame.bitmap);  // CRoaring reads its first word in place
  auto out = std::make_shared<Bitmap>();
  out->map = Roaring64Map::read(aligned.data());
  out->count = out->map.cardinality();
  if (out->count != frame.count) {
    return Corruption("the deletion vector holds {} rows, its header says {}", out->count,
                      frame.count);
  }
  return DeletionVector(std::move(out));
}

std::string DeletionVector::Serialize() const {
  std::string bitmap(rows_->map.getSizeInBytes(), '\0');
  rows_->map.write(bitmap.data());
  std::string out(kDeletionVectorMagic);
  AppendFixed(out, kDeletionVectorMajor);
  AppendFixed(out, kDeletionVectorMinor);
  AppendFixed(out, uint32_t{0});
  AppendFixed(out, rows_->count);
  AppendFixed(out, static_cast<uint64_t>(bitmap.size()));
  out += bitmap;
  AppendFixed(out, Xxh3(out));
  return out;
}

DeletionVector DeletionVector::Union(const DeletionVector& other) const {
  auto out = std::make_shared<Bitmap>();
  out->map = rows_->map;
  out->map |= other.rows_->map;
  out->map.runOptimize();
  out->count = out->map.cardinality();
  return DeletionVector(std::move(out));
}

DeletionVector DeletionVector::Minus(const DeletionVector& other) const {
  auto out = std::make_shared<Bitmap>();
  out->map = rows_->map;
  out->map -= other.rows_->map;
  out->map.runOptimize();
  out->count = out->map.cardinality();
  return DeletionVector(std::move(out));
}

std::vector<uint64_t> DeletionVector::Rows() const {
  std::vector<uint64_t> out(rows_->count);
  rows_->map.toUint64Array(out.data());
  return out;
}

uint64_t DeletionVector::size() const { return rows_->count; }

bool DeletionVector::Contains(uint64_t row) const { return rows_->map.contains(row); }

std::vector<uint32_t> DeletionVector::Remaining(uint64_t first, uint32_t count) const {
  std::vector<uint32_t> out;
  out.reserve(count);
  auto deleted = rows_->map.begin();
  const auto end = rows_->map.end();
  bool more = rows_->count > 0 && deleted.move(first);
  for (uint32_t offset = 0; offset < count; ++offset) {
    if (!more || *deleted != first + offset) {
      out.push_back(offset);
      continue;
    }
    ++deleted;
    more = deleted != end;
  }
  return out;
}

Result<DeletionVectorMeta> WriteDeletionVector(ObjectStore& store, std::string path,
                                               const DeletionVector& vector) {
  const std::string bytes = vector.Serialize();
  if (auto status = store.Put(path, bytes); !status) {
    return std::unexpected(status.error().WithContext("writing a deletion vector"));
  }
  return DeletionVectorMeta{std::move(path), bytes.size(), Sha256Hex(bytes), vector.size()};
}

Result<DeletionVector> ReadDeletionVector(ObjectStore& store, const DeletionVectorMeta& meta) {
  VARVE_ASSIGN(const std::string bytes, store.Get(meta.path));
  if (bytes.size() != meta.size_bytes || Sha256Hex(bytes) != meta.sha256) {
    return Corruption(
        "deletion vector '{}' is not what its manifest says: {} bytes, expected {}, or another "
        "SHA-256",
        meta.path, bytes.size(), meta.size_bytes);
  }
  auto vector = DeletionVector::Parse(bytes);
  if (!vector) {
    return std::unexpected(
        vector.error().WithContext(fmt::format("deletion vector '{}'", meta.path)));
  }
  if (vector->size() != meta.rows) {
    return Corruption("deletion vector '{}' has {} rows, its manifest says {}", meta.path,
                      vector->size(), meta.rows);
  }
  return vector;
}

}  // namespace varve
