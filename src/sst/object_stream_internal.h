// Objects as Arrow streams, and the crossing back from Arrow's errors and Parquet's exceptions to
// ours. Private to this folder. Arrow's statuses cannot carry our errors, so a stream keeps the
// first one that its object gave.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "base/result.h"
#include "store/object_store.h"

namespace varve {

// Appends to an object, and counts and hashes what goes through. Does not own the decision to
// finish: Close() only stops the stream, which is what destroyed Parquet writers do. One thread.
class ObjectSink final : public arrow::io::OutputStream {
 public:
  explicit ObjectSink(std::unique_ptr<ObjectWriter> writer) : writer_(std::move(writer)) {}

  arrow::Status Write(const void* data, int64_t size) override;
  arrow::Status Close() override;
  arrow::Result<int64_t> Tell() const override { return static_cast<int64_t>(size_bytes_); }
  bool closed() const override { return closed_; }

  // Makes the object visible and durable.
  Status Finish();
  uint64_t size_bytes() const { return size_bytes_; }
  // Once, after Finish.
  std::string Sha256Digest() { return hash_.HexDigest(); }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::unique_ptr<ObjectWriter> writer_;
  Sha256 hash_;
  uint64_t size_bytes_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

// Reads an object. One thread.
class ObjectSource final : public arrow::io::RandomAccessFile {
 public:
  explicit ObjectSource(std::shared_ptr<const ObjectReader> reader) : reader_(std::move(reader)) {}

  arrow::Result<int64_t> Read(int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override;
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t size) override;
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Result<int64_t> GetSize() override { return static_cast<int64_t>(reader_->size_bytes()); }
  arrow::Status Close() override;
  bool closed() const override { return closed_; }

  const std::optional<Error>& error() const { return error_; }

 private:
  const std::shared_ptr<const ObjectReader> reader_;
  int64_t position_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

// What Arrow says, as our error: the stream's own if it has one, kResourceExhausted when memory ran
// out, else `fallback`: kInternal when writing, kCorruption when reading.
Error FromArrow(const arrow::Status& status, const std::optional<Error>& stream_error,
                ErrorKind fallback);

// The status of `fn`, or what it threw as a status: Parquet throws, from under Arrow's interfaces
// too.
arrow::Status Caught(const std::function<arrow::Status()>& fn);

}  // namespace varve
