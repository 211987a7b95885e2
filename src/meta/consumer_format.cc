#include "meta/consumer_format.h"

#include "meta/log_format_internal.h"
#include "meta/savepoint.h"

namespace varve {
namespace {

constexpr std::string_view kFormat = "varve-consumer";

}  // namespace

Status CheckConsumerName(std::string_view name) {
  if (auto status = CheckSavepointName(name); !status) {
    return InvalidArgument(
        "'{}' is no name for a consumer: it has letters, is not empty, and has "
        "neither dots nor control characters",
        name.substr(0, kConsumerNameBytesMax));
  }
  if (name.size() > kConsumerNameBytesMax || name.contains('/')) {
    return InvalidArgument("the consumer name '{}' is longer than {} bytes or has a slash",
                           name.substr(0, kConsumerNameBytesMax), kConsumerNameBytesMax);
  }
  return {};
}

Result<std::string> EncodeConsumer(const Consumer& consumer) {
  Json file = StartFile(kFormat);
  file["name"] = consumer.name;
  file["nextSnapshotId"] = consumer.next_snapshot_id.value();
  file["createTime"] = consumer.create_time.value();
  file["updateTime"] = consumer.update_time.value();
  return SealFile(file);
}

Result<Consumer> DecodeConsumer(std::string_view bytes) {
  VARVE_ASSIGN(const Json json, UnsealFile(kFormat, bytes));
  VARVE_ASSIGN(const JsonObject file, JsonObject::From(json, "the consumer"));
  Consumer out;
  VARVE_ASSIGN(out.name, file.Text("name"));
  VARVE_ASSIGN(const uint64_t next, file.U64("nextSnapshotId"));
  if (next == 0) {
    return Corruption("'nextSnapshotId' is 0");
  }
  out.next_snapshot_id = VersionId(next);
  VARVE_ASSIGN(out.create_time, file.Time("createTime"));
  VARVE_ASSIGN(out.update_time, file.Time("updateTime"));
  return out;
}

}  // namespace varve
