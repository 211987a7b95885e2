#include "protect/data_file_copy.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "protect/snapshot_error.h"

namespace varve {
namespace {

constexpr size_t kTailBytes = 8;  // of a Parquet file: the footer's length and "PAR1"
constexpr std::string_view kMagic = "PAR1";
constexpr size_t kFooterBytesMax = size_t{256} << 20;  // more is damage
constexpr std::string_view kFileIdKey = "varve.file_id";
constexpr size_t kUuidBytes = 36;
constexpr size_t kIdWithin = 8;  // the id's text stands behind its key and a few bytes of Thrift

// Of pieces as ReadObject hands them over, which are the same each time.
class Fingerprint {
 public:
  void Add(std::string_view piece) {
    const std::array<uint64_t, 2> both = {value_, Xxh3(piece)};
    std::array<char, sizeof(both)> bytes;
    std::memcpy(bytes.data(), both.data(), sizeof(both));
    value_ = Xxh3({bytes.data(), bytes.size()});
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

// The footer with another id in the place of the file's own.
Status ReplaceFileId(std::string& footer, const Uuid& id, std::string_view path) {
  const size_t key = footer.find(kFileIdKey);
  for (size_t at = key + kFileIdKey.size();
       key != std::string::npos && at <= key + kFileIdKey.size() + kIdWithin &&
       at + kUuidBytes <= footer.size();
       ++at) {
    if (Uuid::Parse(std::string_view(footer).substr(at, kUuidBytes))) {
      footer.replace(at, kUuidBytes, id.ToString());
      return {};
    }
  }
  return Named(ErrorKind::kCorruption, kManifestCorrupt,
               "{}: the manifest takes it for a Varve data file, which it is not", path);
}

// The last bytes of a Parquet file; empty when it does not end as one.
Result<std::string> ReadTail(const ObjectReader& object) {
  std::string tail;
  if (object.size_bytes() >= 2 * kTailBytes) {
    tail.resize(kTailBytes);
    VARVE_TRY(object.ReadAt(object.size_bytes() - kTailBytes, kTailBytes, tail.data()));
  }
  return tail.ends_with(kMagic) ? tail : "";
}

// Where the footer begins; nullopt: the tail is damaged.
std::optional<uint64_t> FooterStart(std::string_view tail, uint64_t size_bytes) {
  if (tail.empty()) {
    return std::nullopt;
  }
  uint32_t length = 0;
  for (size_t i = 0; i < sizeof(length); ++i) {
    length |= static_cast<uint32_t>(static_cast<unsigned char>(tail[i])) << (8 * i);
  }
  if (length > kFooterBytesMax || length > size_bytes - kTailBytes) {
    return std::nullopt;
  }
  return size_bytes - kTailBytes - length;
}

FileMeta MetaOf(const SnapshotFile& file, const ImportPlace& place) {
  FileMeta meta;
  meta.id = place.ids->NewUuid();
  meta.path = TableImport::FilePath(place, file.notes->segment_start, meta.id);
  meta.segment_start = file.notes->segment_start;
  meta.schema_id = place.schema->schema_id();
  meta.rows = file.rows;
  meta.time_min = file.time_min;
  meta.time_max = file.time_max;
  meta.tsid_min = file.notes->tsid_min;
  meta.tsid_max = file.notes->tsid_max;
  meta.null_counts = file.notes->null_counts;
  return meta;
}

}  // namespace

Result<HashedObject> HashObject(ObjectStore& store, std::string_view path, const Pace& pace) {
  HashedObject hashed;
  std::optional<uint64_t> footer_start;
  {
    VARVE_ASSIGN(const auto object, store.Open(path));
    VARVE_ASSIGN(const std::string tail, ReadTail(*object));
    footer_start = FooterStart(tail, object->size_bytes());
  }
  Sha256 sum;
  Fingerprint fingerprint;
  VARVE_TRY(ReadObject(store, path, pace, [&](std::string_view bytes) -> Status {
    fingerprint.Add(bytes);
    const uint64_t end = hashed.size_bytes + bytes.size();
    if (footer_start && hashed.size_bytes <= *footer_start && *footer_start < end) {
      const auto before = bytes.substr(0, *footer_start - hashed.size_bytes);
      sum.Update(before);
      hashed.body = sum;
      hashed.body_bytes = *footer_start;
      sum.Update(bytes.substr(before.size()));
    } else {
      sum.Update(bytes);
    }
    hashed.size_bytes = end;
    return {};
  }));
  hashed.sha256 = sum.HexDigest();
  hashed.fingerprint = fingerprint.value();
  return hashed;
}

Result<FileMeta> CopyDataFile(ObjectStore& snapshot, const SnapshotFile& file,
                              const HashedObject& verified, const ImportPlace& place,
                              const Pace& pace) {
  const auto changed = [&] {
    return Named(ErrorKind::kCorruption, kChecksumMismatch,
                 "{}: it is no Varve data file, or has changed since it was verified", file.path);
  };
  if (!verified.body) {
    return changed();
  }
  FileMeta meta = MetaOf(file, place);
  VARVE_ASSIGN(const auto writer, place.store->NewWriter(meta.path));
  std::string footer;  // and the tail
  Fingerprint fingerprint;
  VARVE_TRY(ReadObject(snapshot, file.path, pace, [&](std::string_view bytes) {
    fingerprint.Add(bytes);
    const auto part = bytes.substr(0, verified.body_bytes - meta.size_bytes);
    footer += bytes.substr(part.size());
    meta.size_bytes += part.size();
    return writer->Append(part);
  }));
  if (fingerprint.value() != verified.fingerprint) {
    return changed();
  }
  VARVE_TRY(ReplaceFileId(footer, meta.id, file.path));
  Sha256 sum = *verified.body;
  sum.Update(footer);
  meta.size_bytes += footer.size();
  VARVE_TRY(writer->Append(footer));
  VARVE_TRY(writer->Finish());
  meta.sha256 = sum.HexDigest();
  return meta;
}

}  // namespace varve
