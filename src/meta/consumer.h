// Consumer: somebody who reads the changes of a table and has said how far he is. The versions that
// he has not read yet do not expire.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace varve {

// A name is part of a file's name, whose length file systems limit to 255 bytes.
inline constexpr size_t kConsumerNameBytesMax = 200;

struct Consumer {
  std::string name;  // unique in the table
  // The first version whose changes he has not read: what he needs begins one version earlier,
  // which those changes are the difference to.
  VersionId next_snapshot_id;
  TimestampUs create_time;
  TimestampUs update_time;  // when he was last heard of

  // The version that he has read up to; VersionId(): none.
  VersionId position() const { return VersionId(next_snapshot_id.value() - 1); }
  bool operator==(const Consumer&) const = default;
};

// Errors: kInvalidArgument for what is no name of a savepoint either, is longer than
// kConsumerNameBytesMax, or has a slash.
Status CheckConsumerName(std::string_view name);

}  // namespace varve
