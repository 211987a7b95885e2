#include "protect/copy_object.h"

#include <algorithm>
#include <fstream>

#include "protect/snapshot_error.h"

namespace varve {
namespace {

constexpr size_t kPieceBytes = 1 << 20;  // as fast as larger ones on local disks

}  // namespace

Status ReadObject(ObjectStore& store, std::string_view path, const Pace& pace,
                  const std::function<Status(std::string_view bytes)>& take) {
  VARVE_ASSIGN(const auto object, store.Open(path));
  std::string piece;
  for (uint64_t at = 0; at < object->size_bytes(); at += piece.size()) {
    piece.resize(std::min<uint64_t>(kPieceBytes, object->size_bytes() - at));
    VARVE_TRY(pace(piece.size()));
    VARVE_TRY(object->ReadAt(at, piece.size(), piece.data()));
    VARVE_TRY(take(piece));
  }
  return {};
}

std::unexpected<Error> ChecksumMismatch(std::string_view path, std::string_view expected,
                                        std::string_view actual) {
  return Named(ErrorKind::kCorruption, kChecksumMismatch,
               "{}: its SHA-256 is {}, {} was written: restore it from another copy", path, actual,
               expected);
}

Result<CopiedObject> CopyObject(ObjectStore& from, std::string_view from_path, ObjectStore& to,
                                std::string_view to_path, std::string_view sha256,
                                const Pace& pace) {
  VARVE_ASSIGN(const auto writer, to.NewWriter(to_path));
  CopiedObject copied;
  Sha256 sum;
  VARVE_TRY(ReadObject(from, from_path, pace, [&](std::string_view bytes) {
    sum.Update(bytes);
    copied.size_bytes += bytes.size();
    return writer->Append(bytes);
  }));
  copied.sha256 = sum.HexDigest();
  if (copied.sha256 != sha256) {
    return ChecksumMismatch(from_path, sha256, copied.sha256);
  }
  VARVE_TRY(writer->Finish());
  return copied;
}

Result<CopiedObject> UploadFile(const std::string& file, ObjectStore& to, std::string_view to_path,
                                const Pace& pace) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return Io("cannot read {}", file);
  }
  VARVE_ASSIGN(const auto writer, to.NewWriter(to_path));
  CopiedObject copied;
  Sha256 sum;
  std::string piece(kPieceBytes, '\0');
  while (in.read(piece.data(), kPieceBytes) || in.gcount() > 0) {
    const std::string_view bytes(piece.data(), static_cast<size_t>(in.gcount()));
    VARVE_TRY(pace(bytes.size()));
    sum.Update(bytes);
    copied.size_bytes += bytes.size();
    VARVE_TRY(writer->Append(bytes));
  }
  if (in.bad()) {
    return Io("cannot read {}", file);
  }
  VARVE_TRY(writer->Finish());
  copied.sha256 = sum.HexDigest();
  return copied;
}

Status DownloadFile(ObjectStore& from, std::string_view from_path, std::string_view sha256,
                    const std::string& file, const Pace& pace) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  Sha256 sum;
  VARVE_TRY(ReadObject(from, from_path, pace, [&](std::string_view bytes) -> Status {
    sum.Update(bytes);
    if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
      return Io("cannot write {}", file);
    }
    return {};
  }));
  out.close();
  if (!out) {
    return Io("cannot write {}", file);
  }
  const std::string actual = sum.HexDigest();
  return actual == sha256 ? Status() : ChecksumMismatch(from_path, sha256, actual);
}

}  // namespace varve
