// How a consumer is written: `tables/<uuid>/consumer/consumer-<name>.json`.
//
// FORMAT "varve-consumer": the frame of log_format.h (format, major, writer … body_sha256), and
//   name            text     as in the file's name
//   nextSnapshotId  integer  at least 1
//   createTime      integer
//   updateTime      integer
// Times are microseconds since 1970-01-01T00:00:00Z.
#pragma once

#include <string>
#include <string_view>

#include "meta/consumer.h"

namespace varve {

// The bytes of the file. Errors: kInvalidArgument when the name is not UTF-8.
Result<std::string> EncodeConsumer(const Consumer& consumer);

// Any bytes. Errors: kCorruption that says what is wrong; kNotSupported for a newer major.
Result<Consumer> DecodeConsumer(std::string_view bytes);

}  // namespace varve
