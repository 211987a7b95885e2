#include "sst/object_stream_internal.h"

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include <algorithm>
#include <exception>
#include <new>

namespace varve {

arrow::Status ObjectSink::Write(const void* data, int64_t size) {
  if (closed_ || error_) {
    return arrow::Status::IOError("the stream is closed or has failed");
  }
  const std::string_view bytes(static_cast<const char*>(data), static_cast<size_t>(size));
  if (auto status = writer_->Append(bytes); !status) {
    error_ = std::move(status).error();
    return arrow::Status::IOError(error_->message);
  }
  hash_.Update(bytes);
  size_bytes_ += bytes.size();
  return arrow::Status::OK();
}

arrow::Status ObjectSink::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

Status ObjectSink::Finish() {
  closed_ = true;
  return writer_->Finish();
}

arrow::Result<int64_t> ObjectSource::ReadAt(int64_t position, int64_t size, void* out) {
  const auto end = static_cast<int64_t>(reader_->size_bytes());
  if (closed_ || position < 0 || size < 0 || position > end) {
    return arrow::Status::IOError("a read of ", size, " bytes at ", position, " of ", end);
  }
  const int64_t available = std::min(size, end - position);
  auto status = reader_->ReadAt(static_cast<uint64_t>(position), static_cast<size_t>(available),
                                static_cast<char*>(out));
  if (!status) {
    error_ = std::move(status).error();
    return arrow::Status::IOError(error_->message);
  }
  return available;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ObjectSource::ReadAt(int64_t position, int64_t size) {
  // A damaged footer may ask for any size: no more than the object holds is ever allocated.
  const int64_t end = static_cast<int64_t>(reader_->size_bytes());
  const int64_t wanted = std::clamp<int64_t>(end - position, 0, std::max<int64_t>(size, 0));
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(wanted));
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position, wanted, buffer->mutable_data()));
  ARROW_RETURN_NOT_OK(buffer->Resize(read));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

arrow::Result<int64_t> ObjectSource::Read(int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, size, out));
  position_ += read;
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> ObjectSource::Read(int64_t size) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, size));
  position_ += buffer->size();
  return buffer;
}

arrow::Status ObjectSource::Seek(int64_t position) {
  position_ = position;
  return arrow::Status::OK();
}

arrow::Status ObjectSource::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

Error FromArrow(const arrow::Status& status, const std::optional<Error>& stream_error,
                ErrorKind fallback) {
  if (stream_error) {
    return *stream_error;
  }
  const ErrorKind kind = status.IsOutOfMemory() ? ErrorKind::kResourceExhausted : fallback;
  return Error{kind, status.message()};
}

arrow::Status Caught(const std::function<arrow::Status()>& fn) {
  try {
    return fn();
  } catch (const std::bad_alloc&) {
    return arrow::Status::OutOfMemory("out of memory");
  } catch (const std::exception& exception) {
    return arrow::Status::UnknownError(exception.what());
  }
}

}  // namespace varve
