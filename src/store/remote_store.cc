#include "store/remote_store.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "store/remote_service_internal.h"

namespace varve {
namespace {

using IfPresent = RemoteService::PutRequest::IfPresent;

// Decides about a write whose answer was lost. `error` is what is known without looking.
Status Settle(RemoteService& service, std::string_view key, const WriterName& writer,
              IfPresent if_present, Error error) {
  const Result<RemoteService::Stat> stat = service.Head(key);
  if (!stat) {
    return std::unexpected(std::move(error));
  }
  if (stat->writer == writer) {
    return {};
  }
  // A conditional write cannot be carried out any more: another one holds the name. One without a
  // condition may still be on its way.
  if (if_present == IfPresent::kFail) {
    return AlreadyExists("there is an object '{}' already", key);
  }
  return std::unexpected(std::move(error));
}

Status PutAndSettle(RemoteService& service, const RemoteService::PutRequest& request) {
  Status put = service.Put(request);
  if (put || put.error().kind != ErrorKind::kUnknownOutcome) {
    return put;
  }
  return Settle(service, request.key, request.writer, request.if_present, std::move(put).error());
}

class RemoteReader final : public ObjectReader {
 public:
  RemoteReader(std::shared_ptr<RemoteService> service, std::string key, RemoteService::Stat stat)
      : service_(std::move(service)), key_(std::move(key)), stat_(std::move(stat)) {}

  uint64_t size_bytes() const override { return stat_.size_bytes; }

  // The whole object, while nobody else has the reader yet.
  Status ReadAll() {
    std::string bytes(stat_.size_bytes, '\0');
    if (!bytes.empty()) {
      VARVE_TRY(service_->GetRange(key_, stat_, 0, bytes.size(), bytes.data()));
    }
    bytes_ = std::move(bytes);
    return {};
  }

  Status ReadAt(uint64_t offset, size_t size, char* out) const override {
    if (offset > stat_.size_bytes || size > stat_.size_bytes - offset) {
      return Corruption("the object '{}' ends at byte {}, {} bytes from {} were asked for", key_,
                        stat_.size_bytes, size, offset);
    }
    if (size == 0) {
      return {};
    }
    if (bytes_.size() == stat_.size_bytes) {
      std::memcpy(out, bytes_.data() + offset, size);
      return {};
    }
    return service_->GetRange(key_, stat_, offset, size, out);
  }

 private:
  const std::shared_ptr<RemoteService> service_;
  const std::string key_;
  const RemoteService::Stat stat_;
  std::string bytes_;
};

// Small objects are one PUT; an upload in parts begins when the first part is full.
class RemoteWriter final : public ObjectWriter {
 public:
  RemoteWriter(RemoteService* service, std::string key, WriterName writer)
      : service_(service), key_(std::move(key)), writer_(std::move(writer)) {}

  ~RemoteWriter() override {
    if (upload_ != nullptr && !finished_) {
      upload_->Abort();
    }
  }

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      // The last part is sent by Finish, so a full one waits for the byte after it.
      if (buffer_.size() == service_->part_bytes()) {
        VARVE_TRY(SendPart());
      }
      const size_t taken = std::min(bytes.size(), service_->part_bytes() - buffer_.size());
      buffer_.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
    }
    return {};
  }

  Status Finish() override {
    if (upload_ == nullptr) {
      finished_ = true;
      return PutAndSettle(*service_, {.key = key_, .bytes = buffer_, .writer = writer_});
    }
    Status done = upload_->Finish(buffer_);
    if (done) {
      finished_ = true;
      return {};
    }
    if (done.error().kind != ErrorKind::kUnknownOutcome) {
      return done;
    }
    finished_ = true;  // what may have become the object must not be aborted
    return Settle(*service_, key_, writer_, IfPresent::kReplace, std::move(done).error());
  }

 private:
  Status SendPart() {
    if (upload_ == nullptr) {
      VARVE_ASSIGN(upload_, service_->StartUpload(key_, writer_));
    }
    if (++parts_ >= service_->parts_max()) {
      return ResourceExhausted(
          "the object '{}' is longer than {} parts of {} bytes, which is what the service takes",
          key_, service_->parts_max(), service_->part_bytes());
    }
    VARVE_TRY(PartStatus(upload_->AddPart(buffer_)));
    buffer_.clear();
    return {};
  }

  RemoteService* const service_;
  const std::string key_;
  const WriterName writer_;
  std::string buffer_;
  std::unique_ptr<RemoteService::Upload> upload_;
  size_t parts_ = 0;
  bool finished_ = false;
};

}  // namespace

RemoteObjectStore::RemoteObjectStore(std::unique_ptr<RemoteService> service, Options options)
    : service_(std::move(service)), options_(std::move(options)) {}

RemoteObjectStore::~RemoteObjectStore() { service_->Stop(); }

Result<std::string> RemoteObjectStore::KeyOf(std::string_view path) const {
  VARVE_TRY(CheckObjectPath(path));
  std::string key =
      options_.prefix.empty() ? std::string(path) : fmt::format("{}/{}", options_.prefix, path);
  if (key.size() > kPathBytesMax) {
    return InvalidArgument("the object's name below '{}' has {} bytes, services take {}",
                           options_.prefix, key.size(), kPathBytesMax);
  }
  return key;
}

std::string RemoteObjectStore::NewWriterName() { return ids_.NewUuid().ToString(); }

Status RemoteObjectStore::Put(std::string_view path, std::string_view bytes) {
  VARVE_ASSIGN(const std::string key, KeyOf(path));
  return PutAndSettle(*service_, {.key = key, .bytes = bytes, .writer = NewWriterName()});
}

Status RemoteObjectStore::PutIfAbsent(std::string_view path, std::string_view bytes) {
  VARVE_ASSIGN(const std::string key, KeyOf(path));
  VARVE_TRY(CheckConditions());
  return PutAndSettle(
      *service_,
      {.key = key, .bytes = bytes, .writer = NewWriterName(), .if_present = IfPresent::kFail});
}

Status RemoteObjectStore::CheckConditions() {
  const std::lock_guard lock(conditions_mutex_);
  if (conditions_ == Conditions::kUnknown) {
    // Below a name that no object has, so that List never shows it.
    const std::string key =
        fmt::format("{}{}{}/conditions-{}", options_.prefix, options_.prefix.empty() ? "" : "/",
                    kTemporaryFolder, NewWriterName());
    const auto put = [&] {
      return PutAndSettle(*service_, {.key = key,
                                      .bytes = "does this place refuse a second write?",
                                      .writer = NewWriterName(),
                                      .if_present = IfPresent::kFail});
    };
    VARVE_TRY(put());
    const Status second = put();
    if (const Status removed = service_->Delete(key); !removed) {
      LogWarn("the trial object '{}' stays behind: {}", key, removed.error().message);
    }
    if (!second && second.error().kind != ErrorKind::kAlreadyExists) {
      return second;
    }
    conditions_ = second ? Conditions::kIgnored : Conditions::kKept;
  }
  if (conditions_ == Conditions::kIgnored) {
    return NotSupported(
        "{} takes conditional writes but does not keep the condition: use this place for exports "
        "and repositories, not for live tables",
        options_.describe);
  }
  return {};
}

Result<std::unique_ptr<ObjectWriter>> RemoteObjectStore::NewWriter(std::string_view path) {
  VARVE_ASSIGN(std::string key, KeyOf(path));
  return std::make_unique<RemoteWriter>(service_.get(), std::move(key), NewWriterName());
}

Result<std::string> RemoteObjectStore::Get(std::string_view path) {
  VARVE_ASSIGN(const std::string key, KeyOf(path));
  return service_->Get(key);
}

Result<std::shared_ptr<const ObjectReader>> RemoteObjectStore::Open(std::string_view path) {
  // Between the two requests the object may be replaced by another one.
  constexpr int kOpenAttemptsMax = 4;
  VARVE_ASSIGN(const std::string key, KeyOf(path));
  for (int attempt = 1;; ++attempt) {
    VARVE_ASSIGN(RemoteService::Stat stat, service_->Head(key));
    const bool small = stat.size_bytes <= kOpenReadsBytesMax;
    auto reader = std::make_shared<RemoteReader>(service_, key, std::move(stat));
    if (small) {
      const Status read = reader->ReadAll();
      if (!read && read.error().kind == ErrorKind::kNotFound && attempt < kOpenAttemptsMax) {
        continue;
      }
      VARVE_TRY(read);
    }
    return reader;
  }
}

Result<std::vector<ObjectInfo>> RemoteObjectStore::List(std::string_view prefix) {
  std::string key_prefix = options_.prefix.empty() ? "" : options_.prefix + "/";
  const size_t root_bytes = key_prefix.size();
  if (!prefix.empty()) {
    VARVE_TRY(CheckObjectPath(prefix));
    key_prefix += fmt::format("{}/", prefix);
  }
  std::vector<ObjectInfo> out;
  std::string token;
  do {
    VARVE_ASSIGN(RemoteService::Page page, service_->List(key_prefix, token));
    for (ObjectInfo& object : page.objects) {
      if (!object.path.starts_with(key_prefix)) {
        return Io("{}: the service lists '{}', which is not below '{}'", options_.describe,
                  object.path, key_prefix);
      }
      object.path.erase(0, root_bytes);
      // Markers of folders, trial objects: what others or crashes left, and nobody can ask for.
      if (CheckObjectPath(object.path)) {
        out.push_back(std::move(object));
      }
    }
    if (!page.next.empty() && page.next == token) {
      return Io("{}: the service lists the same page again and again", options_.describe);
    }
    token = std::move(page.next);
  } while (!token.empty());
  // Not every service sorts by bytes, and a page that was asked for twice may overlap the next.
  std::ranges::sort(out, {}, &ObjectInfo::path);
  const auto twice = std::ranges::unique(out, {}, &ObjectInfo::path);
  out.erase(twice.begin(), twice.end());
  return out;
}

Status RemoteObjectStore::Delete(std::string_view path) {
  VARVE_ASSIGN(const std::string key, KeyOf(path));
  return service_->Delete(key);
}

Status RemoteObjectStore::Copy(std::string_view from, std::string_view to) {
  VARVE_ASSIGN(const std::string from_key, KeyOf(from));
  VARVE_ASSIGN(const std::string to_key, KeyOf(to));
  const WriterName writer = NewWriterName();
  Status copied = service_->Copy(from_key, to_key, writer);
  if (copied || copied.error().kind != ErrorKind::kUnknownOutcome) {
    return copied;
  }
  return Settle(*service_, to_key, writer, IfPresent::kReplace, std::move(copied).error());
}

Status RemoteObjectStore::CheckAccess() {
  const std::string prefix = options_.prefix.empty() ? "" : options_.prefix + "/";
  VARVE_TRY(service_->List(prefix, ""));
  return {};
}

}  // namespace varve
